"""Checkpoints of the ledgers: signed, kept, and what a verification is held against."""

import base64
import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.unit.gateway.conftest import AREA, answer

JSON = (b"content-type", b"application/json")
HASHES = {"forecast": "a" * 64, "planner": "b" * 64}
PREFIX = "/v1/areas/north/decisions"


def decoded(text):
    return base64.urlsafe_b64decode(text + "==")


def stand(services, sequence=7):
    for name, (service, _) in services.items():
        body = {"service": name, "sequence": sequence, "hash": HASHES[name]}
        service.act = answer(200, json.dumps(body).encode(), JSON)


@pytest.fixture
def checkpoint(admin, services):
    stand(services)
    found = admin.get(f"{PREFIX}/checkpoint")
    assert found.status_code == 200, found.text
    return found.json()


def noted(services):
    """What each service was asked to hold its chain against."""
    return {name: service.seen[-1]["query_string"].decode() for name, (service, _) in services.items()}


def verify(admin, services, query=""):
    for name, (service, _) in services.items():
        chain = {"service": name, "entries": 7, "intact": True, "first_bad": None}
        service.act = answer(200, json.dumps({"chains": [chain]}).encode(), JSON)
    return admin.post(f"{PREFIX}:verify{query}")


def test_it_is_signed_with_the_key_that_it_names(checkpoint):
    text, signature = map(decoded, checkpoint["token"].split("."))
    public = decoded(checkpoint["public_key"])
    Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    assert hashlib.sha256(public).hexdigest().startswith(checkpoint["key"])
    assert json.loads(text) == {name: checkpoint[name] for name in ("area", "chains", "key")} | {
        "at": checkpoint["at"].replace("Z", "+00:00")
    }
    assert [(chain["service"], chain["sequence"]) for chain in checkpoint["chains"]] == [
        ("forecast", 7),
        ("planner", 7),
    ]


def test_a_verification_is_held_against_the_newest_or_the_one_that_is_sent(admin, services, checkpoint):
    stand(services, 9)
    later = admin.get(f"{PREFIX}/checkpoint").json()
    assert later["key"] == checkpoint["key"]
    assert verify(admin, services).status_code == 200
    assert noted(services) == {name: f"known=9:{digest}" for name, digest in HASHES.items()}
    assert verify(admin, services, f"?checkpoint={checkpoint['token']}").status_code == 200
    assert noted(services) == {name: f"known=7:{digest}" for name, digest in HASHES.items()}


def test_whoever_listens_is_told(admin, services, checkpoint):
    before = admin.get("/v1/areas/north/events", params={"limit": 1000}).json()["next_after"]
    stand(services, 11)
    token = admin.get(f"{PREFIX}/checkpoint").json()["token"]
    [told] = admin.get("/v1/areas/north/events", params={"after": before}).json()["items"]
    assert (told["type"], told["data"]["token"], told["subject"]) == ("ledger.checkpoint", token, checkpoint["key"])


def test_what_was_not_signed_here_or_of_another_area_is_refused(admin, services, checkpoint):
    text, signature = checkpoint["token"].split(".")
    facts = json.loads(decoded(text)) | {"area": "other"}
    forged = base64.urlsafe_b64encode(json.dumps(facts).encode()).decode().rstrip("=")
    for token in ("x", "x.y", f"{forged}.{signature}", f"{text}.{signature[:-4]}AAAA", f"{text}.", "."):
        found = verify(admin, services, f"?checkpoint={token}")
        assert (found.status_code, found.json()["type"]) == (422, "/docs/errors#bad-checkpoint"), token
    admin.post("/v1/areas", json=AREA | {"area": "south"})
    found = admin.post(f"/v1/areas/south/decisions:verify?checkpoint={checkpoint['token']}")
    assert found.json()["type"] == "/docs/errors#bad-checkpoint"


def test_no_checkpoint_is_signed_of_what_a_service_does_not_tell(admin, services):
    stand(services)
    services["planner"][0].act = answer(500, b"")
    assert admin.get(f"{PREFIX}/checkpoint").status_code == 502
