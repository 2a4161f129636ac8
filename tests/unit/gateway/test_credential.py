from hypothesis import given
from hypothesis import strategies as st

from services.gateway.keys.credential import Credential

TEXT = "accord_local_abcdef012345_" + "aB3" * 14 + "z"


def test_the_parts_of_a_key():
    key = Credential.parse(TEXT)
    assert (key.environment, key.id, key.secret) == ("local", "abcdef012345", "aB3" * 14 + "z")
    assert key.text == TEXT


@given(at=st.integers(0, len(TEXT) - 1), character=st.characters(exclude_categories=["Lu", "Ll", "Nd"]))
def test_a_key_with_a_foreign_character_is_none(at, character):
    changed = TEXT[:at] + character + TEXT[at + 1 :]
    assert changed == TEXT or Credential.parse(changed) is None


def test_a_key_that_is_cut_off_or_longer_is_none():
    assert Credential.parse(TEXT[:-1]) is None
    assert Credential.parse(TEXT + "a") is None
    assert Credential.parse(TEXT + "\n") is None


def test_only_its_own_hash_fits():
    key, other = Credential.draw("local"), Credential.draw("local")
    assert key.fits(key.hash())
    assert not key.fits(other.hash())
    assert key.id != other.id


def test_what_is_drawn_can_be_read():
    drawn = Credential.draw("production")
    assert Credential.parse(drawn.text) == drawn


def test_the_secret_is_not_shown():
    drawn = Credential.draw("local")
    assert drawn.secret not in repr(drawn)
