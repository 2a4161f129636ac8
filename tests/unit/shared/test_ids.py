"""UUIDv7 as RFC 9562 lays it out."""

import time

from shared.ids import uuid7


def test_version_and_variant_are_set():
    assert {(uuid7().version, uuid7().variant) for _ in range(100)} == {(7, "specified in RFC 4122")}


def test_the_first_48_bits_are_the_time():
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_ids_of_one_millisecond_differ():
    assert len({uuid7() for _ in range(10_000)}) == 10_000
