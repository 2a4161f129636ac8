"""A service called as the gateway would call it: with an identity signed for each call."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from starlette.testclient import TestClient

from shared.principal import HEADER, Area, Principal, Signer

SECRET = "a secret of the tests, long enough to be one"


def profile(name: str = "north", **changes: Any) -> Area:
    """A weekly area, eight periods ahead, where nothing else is said."""
    usual = Area(
        area=name,
        frequency="W",
        season_length=52,
        horizon=8,
        quantiles=(0.1, 0.5, 0.9),
        currency="USD",
        time_zone="UTC",
        week_start=1,
        holding_rate=Decimal("0.52"),
        shortage_factor=Decimal(1),
    )
    return replace(usual, **changes)


@dataclass
class Inside:
    """Calls a service's application inside one area."""

    service: ClassVar[str]

    client: TestClient
    area: Area

    def __call__(self, method: str, path: str, *, by: str = "person-1", role: str = "admin", **request: Any) -> Any:
        path = f"/v1/areas/{self.area.area}{path}"
        who = Principal(by, by, frozenset({role}), self.area)
        token = Signer(self.service, SECRET).sign(who, method, path.partition("?")[0])
        headers = {HEADER: token} | request.pop("headers", {})
        return self.client.request(method, path, headers=headers, **request)

    def ok(self, method: str, path: str, **request: Any) -> Any:
        answer = self(method, path, **request)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None
