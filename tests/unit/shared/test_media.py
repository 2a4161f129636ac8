"""Which format a caller gets, by RFC 9110, 12.5.1."""

import pytest
from fastapi import Request

from shared.media import ARROW, CSV, JSON, NDJSON, PARQUET, TABLES, NotAcceptable, wanted


def choose(*accept, offers=TABLES):
    headers = [(b"accept", value.encode()) for value in accept]
    return wanted(Request({"type": "http", "headers": headers}), *offers)


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ([], JSON),
        ([""], JSON),
        (["*/*"], JSON),
        (["text/csv"], CSV),
        (["TEXT/CSV; header=present"], CSV),
        (["text/*"], CSV),
        (["application/*"], JSON),
        (["text/html, text/csv;q=0.1, */*;q=0"], CSV),
        (["text/csv;q=0.5, application/x-ndjson;q=0.8"], NDJSON),
        (["application/json;q=0.5,application/vnd.apache.parquet"], PARQUET),
        (["*/*, application/json;q=0.9"], CSV),
        (["application/*;q=0.2, application/vnd.apache.arrow.stream;q=0.3"], ARROW),
        (["text/csv;q=0.300, application/json;q=0.3"], JSON),
        (["application/json;q=0, text/csv;q=0, */*"], NDJSON),
        (["text/csv ; q = 0.2", "application/x-ndjson;q=0.1"], CSV),
        (["text/csv;q=2, application/x-ndjson;q=0.001"], NDJSON),
    ],
)
def test_the_narrowest_range_gives_the_weight_and_the_heaviest_format_goes(accept, given):
    assert choose(*accept) == given


@pytest.mark.parametrize("accept", ["application/pdf", "*/*;q=0", "text/csv;q=0.0", "text/csv;q=high", "image/*"])
def test_where_nothing_is_accepted_the_caller_learns_what_there_is(accept):
    with pytest.raises(NotAcceptable) as raised:
        choose(accept)
    assert all(offer in raised.value.detail for offer in TABLES)
    assert raised.value.status_code == 406


def test_the_first_offer_is_the_default():
    assert choose(offers=(ARROW, CSV)) == ARROW
