"""Logs that carry the request's id. The id is the W3C trace id, so that one request is one search."""

import logging
import secrets
import sys
from contextvars import ContextVar

TRACE_ID_CHARACTERS = 32
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The id of the request (or of the request that queued the job) being served, if any."""
    return _request_id.get()


def set_request_id(value: str | None) -> None:
    _request_id.set(value)


def trace_id(traceparent: str | None) -> str:
    """The trace id of a `traceparent` header, or a new one where there is none that holds (W3C Trace Context)."""
    parts = (traceparent or "").split("-")
    if len(parts) >= 4 and len(parts[1]) == TRACE_ID_CHARACTERS and _is_trace_id(parts[1]):  # noqa: PLR2004
        return parts[1]
    return secrets.token_hex(16)


def _is_trace_id(text: str) -> bool:
    return set(text) <= set("0123456789abcdef") and text != "0" * TRACE_ID_CHARACTERS


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request = request_id() or "-"
        return True


def configure(level: int = logging.INFO) -> None:
    """Send this process's logs to standard error, one line an event, request id included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_WithRequestId())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(request)s] %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in (
        "alembic",
        "procrastinate.periodic",
        "procrastinate.worker",
        "httpx",
        "urllib3",
        "matplotlib",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
