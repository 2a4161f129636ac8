"""The gateway's word on who calls holds for one service, one call, and a minute."""

from dataclasses import replace
from decimal import Decimal

import jwt
import pytest

from shared import principal
from shared.errors import Unauthorized
from shared.principal import Area, Principal, Signer, Verifier

SECRET = "s" * 32
AREA = Area("north", "W", 52, 13, (0.1, 0.5, 0.9), "USD", "UTC", 1, Decimal("0.20"), Decimal("1.0"))
WHO = Principal("p1", "Erin", frozenset({"planner", "viewer"}), AREA, "person-7")
PATH = "/v1/areas/north/items"


def signed(**changes):
    return Signer("forecast", SECRET).sign(replace(WHO, **changes), "PUT", PATH)


def test_what_was_signed_is_what_is_read():
    assert Verifier("forecast", SECRET).verify(signed(), "PUT", PATH) == WHO


@pytest.mark.parametrize(
    ("verifier", "method", "path"),
    [
        (Verifier("planner", SECRET), "PUT", PATH),
        (Verifier("forecast", "t" * 32), "PUT", PATH),
        (Verifier("forecast", SECRET), "GET", PATH),
        (Verifier("forecast", SECRET), "PUT", PATH + "x"),
    ],
    ids=["other service", "other secret", "other method", "other path"],
)
def test_it_holds_for_nothing_else(verifier, method, path):
    with pytest.raises(Unauthorized):
        verifier.verify(signed(), method, path)


def test_it_expires_after_its_life_and_the_tolerance(monkeypatch):
    now = principal.time.time()
    late = principal.LIFETIME + principal.TOLERANCE
    monkeypatch.setattr(principal.time, "time", lambda: now - late + 5)
    assert Verifier("forecast", SECRET).verify(signed(), "PUT", PATH)
    monkeypatch.setattr(principal.time, "time", lambda: now - late - 5)
    with pytest.raises(Unauthorized):
        Verifier("forecast", SECRET).verify(signed(), "PUT", PATH)


@pytest.mark.parametrize("algorithm", ["none", "HS512"])
def test_other_algorithms_are_refused(algorithm):
    claims = jwt.decode(signed(), options={"verify_signature": False})
    forged = jwt.encode(claims, None if algorithm == "none" else SECRET * 2, algorithm)
    with pytest.raises(Unauthorized):
        Verifier("forecast", SECRET).verify(forged, "PUT", PATH)


def test_the_ledger_names_the_person_a_system_speaks_for():
    assert WHO.actor == "person-7"
    assert replace(WHO, on_behalf_of=None).actor == "p1"
