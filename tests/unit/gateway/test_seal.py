"""A kept answer opens for the token, key and request that closed it, and for nothing else."""

import pytest

from services.gateway.keys.seal import Seal

BODY, BOUND = b'{"key": "accord_local_x"}', b"d" * 32


def test_what_was_closed_opens():
    sealed = Seal.of("token", "key").close(BODY, BOUND)
    assert Seal.of("token", "key").open(sealed, BOUND) == BODY
    assert BODY not in sealed


@pytest.mark.parametrize(
    ("token", "key", "bound"),
    [("other", "key", BOUND), ("token", "other", BOUND), ("token", "key", b"e" * 32), ("tokenk", "ey", BOUND)],
    ids=["other token", "other key", "other request", "shifted"],
)
def test_nothing_else_opens_it(token, key, bound):
    sealed = Seal.of("token", "key").close(BODY, BOUND)
    assert Seal.of(token, key).open(sealed, bound) is None


@pytest.mark.parametrize("position", [0, 12, -1])
def test_one_changed_bit_is_found(position):
    seal = Seal.of("token", "key")
    sealed = bytearray(seal.close(BODY, BOUND))
    sealed[position] ^= 1
    assert seal.open(bytes(sealed), BOUND) is None


@pytest.mark.parametrize("cut", [b"", b"short", b"x" * 12])
def test_what_is_no_sealed_body_does_not_open(cut):
    assert Seal.of("token", "key").open(cut, BOUND) is None


def test_the_same_body_is_never_closed_the_same_way():
    seal = Seal.of("token", "key")
    assert seal.close(BODY, BOUND) != seal.close(BODY, BOUND)
