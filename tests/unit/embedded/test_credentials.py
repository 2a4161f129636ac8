"""Secrets are drawn once, kept by their owner alone, and look as the gateway expects them."""

import json
import re
import stat

import pytest

from services.embedded.credentials import Credentials, write_private


@pytest.fixture
def file(tmp_path):
    return tmp_path / "secrets"


def test_a_secret_is_the_same_after_a_restart(file):
    password = Credentials(file).password("forecast_app")
    assert Credentials(file).password("forecast_app") == password


def test_only_the_owner_reads_the_file(file):
    Credentials(file).password("forecast_app")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_open_file_in_the_way_is_replaced_by_a_private_one(file):
    file.write_text("{}")
    file.chmod(0o644)
    write_private(file, "mine")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("mine", 0o600)


def test_an_api_key_has_the_public_format(file):
    key = Credentials(file).api_key("admin")
    assert re.fullmatch(r"accord_local_[a-z0-9]{12}_[A-Za-z0-9]{43}", key)


def test_an_identity_secret_is_32_bytes_in_hex(file):
    assert len(bytes.fromhex(Credentials(file).identity_secret("planner"))) == 32


def test_no_two_secrets_are_alike(file):
    Credentials(file).password("postgres")
    values = list(json.loads(file.read_text()).values())
    assert len(set(values)) == len(values) == 14


def test_a_secret_of_a_newer_release_is_added_and_the_others_stay(file):
    file.write_text('{"password:forecast_app": "old"}')
    added = Credentials(file).password("planner_app")
    again = Credentials(file)
    assert (again.password("forecast_app"), again.password("planner_app")) == ("old", added)


def test_asking_whether_they_exist_draws_nothing(file):
    assert not Credentials(file).exist
    assert not file.exists()
    Credentials(file).password("postgres")
    assert Credentials(file).exist
