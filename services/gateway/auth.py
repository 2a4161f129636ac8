"""Who is calling, and whether they may."""

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.gateway.access import EVERYWHERE, Operation, Roles
from services.gateway.directory import Directory
from services.gateway.keys.credential import Credential
from services.gateway.keys.service import Holder
from shared.errors import BadRequest, Forbidden, NotFound, Unauthorized
from shared.principal import Area, Principal

CALLER, PROFILE = "caller", "profile"  # in the scope of the gateway's own operations: who, in which area
RawHeaders = Sequence[tuple[bytes, bytes]]
NOBODY: Roles = frozenset()
_PERSON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)


class UnknownArea(NotFound):
    slug, title = "unknown-area", "No such area"


@dataclass(frozen=True)
class Caller:
    """An authenticated principal. grants: roles by area, `*` for every area."""

    id: str
    name: str
    grants: Mapping[str, Roles]
    on_behalf_of: str | None

    def roles(self, area: str = EVERYWHERE) -> Roles:
        """What the caller is in an area; without one, what the caller is everywhere."""
        return self.grants.get(area, NOBODY) | self.grants.get(EVERYWHERE, NOBODY)

    def inside(self, area: Area) -> Principal:
        """The caller as the services of one area are told."""
        return Principal(self.id, self.name, self.roles(area.area), area, self.on_behalf_of)


class Gate:
    """Lets callers in (401), and to what they may do (403). Where they have no role, nothing exists (404)."""

    def __init__(self, directory: Directory, environment: str) -> None:
        self._directory = directory
        self._environment = environment

    async def caller(self, headers: RawHeaders) -> Caller:
        """The caller by the `Authorization` and `On-Behalf-Of` of a request."""
        authorization, person = _only(headers, b"authorization"), _only(headers, b"on-behalf-of")
        holder = await self._holder(authorization)
        if person is not None:
            _check_delegation(holder, person)
        return Caller(holder.principal, holder.name, holder.grants, person)

    async def admit(self, caller: Caller, operation: Operation, area: str | None) -> Area | None:
        """The profile of the area in which the caller may carry out `operation`; None for operations outside areas."""
        if area is None:
            _check_roles(caller.roles(), operation)
            return None
        roles = caller.roles(area)
        profile = await self._directory.area(area) if roles else None
        if profile is None:
            raise UnknownArea("There is no such area, or you have no role in it.")
        _check_roles(roles, operation)
        return profile

    async def _holder(self, authorization: str | None) -> Holder:
        if authorization is None:
            raise Unauthorized("Send an API key: Authorization: Bearer accord_…")
        scheme, _, token = authorization.partition(" ")
        key = Credential.parse(token.strip()) if scheme.lower() == "bearer" else None
        holder = await self._directory.holder(key.id) if key and key.environment == self._environment else None
        if key is None or holder is None or not key.fits(holder.secret_hash) or _is_over(holder):
            raise Unauthorized("The API key is unknown, revoked or expired.")
        await self._directory.used(key.id)
        return holder


def _only(headers: RawHeaders, name: bytes) -> str | None:
    values = [value for header, value in headers if header == name]
    if len(values) > 1:
        raise BadRequest(f"{name.decode()} is sent more than once.")
    return values[0].decode("latin-1") if values else None


def _is_over(holder: Holder) -> bool:
    return holder.expires_at is not None and holder.expires_at <= datetime.datetime.now(datetime.UTC)


def _check_delegation(holder: Holder, person: str) -> None:
    if not holder.delegate:
        raise Forbidden("Only a key with `delegate` may act on behalf of a person.")
    if not _PERSON.fullmatch(person):
        raise BadRequest("On-Behalf-Of takes an opaque id of at most 128 letters, digits and . _ : -")


def _check_roles(roles: Roles, operation: Operation) -> None:
    if operation.roles is not None and not roles & operation.roles:
        raise Forbidden(f"This call needs one of the roles {', '.join(sorted(operation.roles))}.")


def admitted(request: Request) -> Caller:
    """The caller whom the gate let in; without one nothing exists, whatever way the request came."""
    caller: Caller | None = request.scope.get(CALLER)
    if caller is None:
        raise NotFound("There is no such path.")
    return caller


def inside(request: Request) -> Principal:
    """The caller in the area of the path."""
    return admitted(request).inside(request.scope[PROFILE])


Admitted = Annotated[Caller, Depends(admitted)]
Inside = Annotated[Principal, Depends(inside)]
