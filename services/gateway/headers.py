"""What passes through the gateway: nothing that belongs to one connection, nothing that only the gateway may say.

Hop-by-hop fields: RFC 9110, 7.6.1.
"""

from collections.abc import Sequence

type RawHeader = tuple[bytes, bytes]

_HOP_BY_HOP = frozenset({
    b"connection",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
})  # fmt: skip
_KEPT_FROM_SERVICES = _HOP_BY_HOP | {
    b"authorization",
    b"content-length",  # the client library says it
    b"cookie",
    b"expect",  # the server has answered it
    b"forwarded",
    b"host",
    b"on-behalf-of",
    b"traceparent",
    b"x-request-id",
}
_KEPT_FROM_CALLERS = _HOP_BY_HOP | {b"date", b"server", b"set-cookie", b"x-request-id"}
_OURS = (b"x-accord-", b"x-forwarded-")


def inbound(headers: Sequence[RawHeader]) -> list[tuple[str, str]]:
    """A request's fields as a service gets them."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in _passing(headers, _KEPT_FROM_SERVICES)]


def outbound(headers: Sequence[RawHeader]) -> list[tuple[bytes, bytes]]:
    """An answer's fields as the caller gets them."""
    return _passing([(name.lower(), value) for name, value in headers], _KEPT_FROM_CALLERS)


def _passing(headers: Sequence[RawHeader], kept: frozenset[bytes]) -> list[RawHeader]:
    for name, value in headers:
        if name == b"connection":  # names further fields of this connection
            kept |= {option.strip().lower() for option in value.split(b",")}
    return [field for field in headers if field[0] not in kept and not field[0].startswith(_OURS)]
