"""Who is calling, as the gateway vouches for it to the services.

The gateway authenticates and authorises; then it signs a short-lived token (JWT, HS256, one secret per service) that is
bound to the service, the method and the path, and carries the area's profile. Services verify it and nothing else:
a request without it did not come through the gateway. Clocks may differ by `TOLERANCE` seconds.
"""

import base64
import datetime
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jwt
from fastapi import Depends, Request

from shared.errors import Unauthorized

HEADER = "X-Accord-Identity"
LIFETIME = 60
ROUND = 5
TOLERANCE = 10
ALGORITHM = "HS256"

_compact = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

Frequency = Literal["D", "W", "M"]


@dataclass(frozen=True)
class Area:
    """A planning area: tenant and time profile. Frequency, currency and time zone never change."""

    area: str
    frequency: Frequency
    season_length: int
    horizon: int
    quantiles: tuple[float, ...]
    currency: str
    time_zone: str
    week_start: int
    holding_rate: Decimal
    shortage_factor: Decimal

    def today(self) -> datetime.date:
        """The date in the area's time zone."""
        return datetime.datetime.now(ZoneInfo(self.time_zone)).date()


@dataclass(frozen=True)
class Principal:
    """An authenticated caller inside one area. `on_behalf_of` is the opaque id of the person a system acts for."""

    id: str
    name: str
    roles: frozenset[str]
    area: Area
    on_behalf_of: str | None = None

    @property
    def actor(self) -> str:
        """Whom the ledger names: the person where a system speaks for one."""
        return self.on_behalf_of or self.id


class Signer:
    """The gateway's side: one per service.

    Every forwarded call is signed, so what stays the same is computed once: the JWS header (RFC 7515), an area's
    claims, and for `ROUND` seconds the token of one caller for one method and path, which whoever polls or reads
    page after page sends again and again.
    """

    def __init__(self, audience: str, secret: str) -> None:
        self.audience = audience
        self._secret = secret.encode()
        self._header = _base64url(_compact({"alg": ALGORITHM, "typ": "JWT"}).encode())
        self._tokens = lru_cache(maxsize=1024)(self._sign)

    def sign(self, principal: Principal, method: str, path: str) -> str:
        now = int(time.time())
        return self._tokens(principal, method, path, now - now % ROUND)

    def _sign(self, principal: Principal, method: str, path: str, issued: int) -> str:
        claims = {
            "aud": self.audience,
            "iat": issued,
            "exp": issued + LIFETIME,
            "sub": principal.id,
            "name": principal.name,
            "roles": sorted(principal.roles),
            "obo": principal.on_behalf_of,
            "area": _area_claims(principal.area),
            "htm": method,
            "htu": path,
        }
        signed = self._header + b"." + _base64url(_compact(claims).encode())
        signature = hmac.digest(self._secret, signed, "sha256")
        return (signed + b"." + _base64url(signature)).decode()


@lru_cache(maxsize=1024)
def _area_claims(area: Area) -> Mapping[str, Any]:
    decimals = {"holding_rate": str(area.holding_rate), "shortage_factor": str(area.shortage_factor)}
    return asdict(area) | decimals


def _base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


class Verifier:
    """A service's side."""

    def __init__(self, audience: str, secret: str) -> None:
        self.audience = audience
        self.secret = secret

    def verify(self, token: str, method: str, path: str) -> Principal:
        """The principal, or 401: unsigned, expired, for another service, or for another call."""
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=[ALGORITHM],
                audience=self.audience,
                leeway=TOLERANCE,
                options={"require": ["exp", "iat", "sub", "aud"]},
            )
        except jwt.PyJWTError:
            raise Unauthorized("The gateway's identity token does not hold.") from None
        if (claims["htm"], claims["htu"]) != (method, path):
            raise Unauthorized("The gateway's identity token is for another call.")
        return _principal(claims)


def _principal(claims: dict[str, Any]) -> Principal:
    area = claims["area"]
    decimals = {name: Decimal(area[name]) for name in ("holding_rate", "shortage_factor")}
    profile = Area(**area | decimals | {"quantiles": tuple(area["quantiles"])})
    roles = frozenset(claims["roles"])
    return Principal(claims["sub"], claims["name"], roles, profile, claims["obo"])


def identified(request: Request, area: str) -> Principal:
    """The caller of this request; the area in the path is the area in the token."""
    token = request.headers.get(HEADER)
    if token is None:
        raise Unauthorized("This service answers to the gateway only.")
    verifier: Verifier = request.app.state.verifier
    principal = verifier.verify(token, request.method, request.scope["raw_path"].decode("ascii"))
    if principal.area.area != area:
        raise Unauthorized("The gateway's identity token is for another area.")
    return principal


Caller = Annotated[Principal, Depends(identified)]
