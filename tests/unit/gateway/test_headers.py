from hypothesis import given
from hypothesis import strategies as st

from services.gateway import headers

NAMES = st.sampled_from(
    [b"accept", b"authorization", b"connection", b"cookie", b"if-match", b"on-behalf-of", b"te", b"transfer-encoding",
     b"traceparent", b"upgrade", b"x-accord-identity", b"x-accord-roles", b"x-forwarded-for", b"x-other"]
)  # fmt: skip
FIELDS = st.lists(st.tuples(NAMES, st.binary(max_size=20)))


@given(FIELDS)
def test_only_what_concerns_the_service_reaches_it(fields):
    passed = {"accept", "if-match", "x-other"}
    expected = [(n.decode(), v.decode("latin-1")) for n, v in fields if n.decode() in passed]
    assert headers.inbound(fields) == expected


def test_a_field_that_the_connection_names_stays_at_the_gateway():
    fields = [(b"connection", b"keep-alive, X-Hop"), (b"x-hop", b"1"), (b"x-end", b"2")]
    assert headers.inbound(fields) == [("x-end", "2")]
    assert headers.outbound(fields) == [(b"x-end", b"2")]


def test_an_answer_keeps_its_content_and_loses_its_connection():
    answer = [
        (b"Content-Type", b"text/csv"),
        (b"Content-Length", b"12"),
        (b"Content-Encoding", b"gzip"),
        (b"ETag", b'"7"'),
        (b"Location", b"/v1/areas/a/plans/1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Connection", b"close"),
        (b"Server", b"inner"),
        (b"Date", b"today"),
        (b"Set-Cookie", b"a=b"),
        (b"X-Request-Id", b"other"),
        (b"X-Accord-Identity", b"secret"),
    ]
    assert headers.outbound(answer) == [
        (b"content-type", b"text/csv"),
        (b"content-length", b"12"),
        (b"content-encoding", b"gzip"),
        (b"etag", b'"7"'),
        (b"location", b"/v1/areas/a/plans/1"),
    ]
