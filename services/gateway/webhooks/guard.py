"""Where webhooks may go: to addresses of the public Internet, looked at when the connection is made.

A name is resolved once, and the connection goes to an address that was looked at: what the name says later does not
count. Redirects are not followed.
"""

import ipaddress
import socket
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class ForbiddenAddressError(OSError):
    """The receiver's address is not one of the public Internet."""


def public(address: str) -> bool:
    """Whether an address is one of the public Internet: no private, loopback, link-local, shared or reserved one."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            return public(str(inner))
        if found.teredo is not None:
            return False
    return found.is_global and not found.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only; where any of a name's is not public, to none."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._names = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._names.resolve(host, port, family)
        if not self._private and not all(public(one["host"]) for one in found):
            raise ForbiddenAddressError("its name leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._names.close()


def check_literal(host: str, *, private: bool) -> None:
    """A host that is an address is not resolved: look at it here."""
    try:
        address: Any = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return
    if not private and not public(str(address)):
        raise ForbiddenAddressError("its address is not public")
