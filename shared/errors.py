"""RFC 9457 problems: classes raised in services, rendered here once.

Problem
├── BadRequest 400        ├── Unauthorized 401      ├── Forbidden 403       ├── NotFound 404
├── Conflict 409          ├── Gone 410              ├── StaleVersion 412    ├── TooLarge 413
├── UnsupportedMedia 415  ├── Unprocessable 422     ├── VersionRequired 428 ├── RateLimited 429
├── RequestTimeout 408    └── Unavailable 503

A named problem is a subclass with its own `slug`; each slug has its entry in docs/errors.md.
The caller's input is never echoed.
"""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import observe

MEDIA_TYPE = "application/problem+json"
MOST_ERRORS = 100
log = logging.getLogger(__name__)


class Problem(HTTPException):
    """What went wrong, for whoever called. `errors` point at single fields (`pointer` or `parameter`, and `detail`)."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    most_errors: ClassVar[int] = MOST_ERRORS

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(self.status, detail, headers)
        self.errors = list(errors)[: self.most_errors]

    def document(self, instance: str | None) -> dict[str, Any]:
        return document(self.status, self.slug, self.title, self.detail, instance, self.retryable, self.errors)


class BadRequest(Problem):
    status, slug, title = 400, "bad-request", "Request cannot be read"


class Unauthorized(Problem):
    status, slug, title = 401, "unauthorized", "Not authenticated"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Not found"


class RequestTimeout(Problem):
    status, slug, title, retryable = 408, "request-timeout", "The request did not arrive in time", True


class Conflict(Problem):
    status, slug, title = 409, "conflict", "Conflicts with the present state"


class Gone(Problem):
    status, slug, title = 410, "gone", "No longer kept"


class StaleVersion(Problem):
    status, slug, title = 412, "stale-version", "Changed since it was read"


class TooLarge(Problem):
    status, slug, title = 413, "too-large", "Too large"


class UnsupportedMedia(Problem):
    status, slug, title = 415, "unsupported-media", "Unsupported media type"


class Unprocessable(Problem):
    status, slug, title = 422, "invalid", "Invalid content"


class VersionRequired(Problem):
    status, slug, title = 428, "version-required", "If-Match is required"


class RateLimited(Problem):
    status, slug, title, retryable = 429, "rate-limited", "Too many calls", True

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(Problem):
    status, slug, title, retryable = 503, "unavailable", "Temporarily unavailable", True

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


def document(
    status: int,
    slug: str,
    title: str,
    detail: str,
    instance: str | None,
    retryable: bool,
    errors: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """One problem document; `instance` is the request id."""
    body: dict[str, Any] = {
        "type": f"/docs/errors#{slug}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "retryable": retryable,
    }
    return body | {"errors": list(errors)} if errors else body


def respond(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Render a problem; ASCII escapes keep even a lone surrogate in a field's name printable."""
    content = json.dumps(body, allow_nan=False)
    return Response(content, status_code=body["status"], headers=dict(headers or {}), media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Let every error that leaves `app`, the framework's own included, be a problem document."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_middleware(LastResort)


async def _http(_: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return respond(error.document(observe.request_id()), error.headers)
    assert isinstance(error, HTTPException)  # noqa: S101
    status = HTTPStatus(error.status_code)
    slug = status.phrase.lower().replace(" ", "-")
    body = document(status, slug, status.phrase, error.detail, observe.request_id(), retryable=False)
    return respond(body, error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    problem = Unprocessable("Some fields do not hold; see errors.", errors=field_errors(error.errors()))
    return respond(problem.document(observe.request_id()))


async def _database(_: Request, error: Exception) -> Response:
    if is_outage(error):
        log.warning("database unavailable: %s", type(error).__name__)
        problem: Problem = Unavailable("The database cannot be reached; try again.")
    elif _is_data(error):
        log.warning("a value that no column holds passed validation", exc_info=error)
        problem = Unprocessable("A value is outside the range that can be stored or compared.")
    else:
        return _unexpected(error)
    return respond(problem.document(observe.request_id()), problem.headers)


def _is_data(error: Exception) -> bool:
    """SQLSTATE class 22, data exception: the last net under the schemas, whose bounds should have been narrower."""
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", None) or "").startswith("22")


def is_outage(error: Exception) -> bool:
    """Whether the database is away or overloaded for now, so that trying again makes sense.

    SQLSTATE classes: connection lost (08), resources (53), object in use (55), shutdown or time-out (57).
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    state = getattr(error.orig, "sqlstate", None)
    if state is None:  # found by the client: no connection, or a value that cannot be sent
        return error.connection_invalidated or not isinstance(error, DataError)
    return error.connection_invalidated or state[:2] in {"08", "53", "55", "57"}


def _unexpected(error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    problem = Problem("The error is logged under this request's id.")
    return respond(problem.document(observe.request_id()))


class LastResort:
    """ASGI middleware: an error that nobody foresaw is logged and answered as a problem that tells only its id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise  # the server cuts the connection: a partial answer must not look whole
            await _unexpected(error)(scope, receive, send)


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's findings as JSON Pointers (body) or parameter names (path, query, header)."""
    return [_field_error(error["loc"], error) for error in errors[:MOST_ERRORS]]


def pointer(path: Iterable[str | int]) -> str:
    """A place in a body as JSON Pointer (RFC 6901) in a URI fragment."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "#" + "".join(f"/{part}" for part in escaped)


def _field_error(location: Sequence[str | int], error: Mapping[str, Any]) -> dict[str, str]:
    place, *path = location or ("body",)
    if place == "body":
        return {"pointer": pointer(path), "detail": message(error)}
    return {"parameter": "/".join(str(part) for part in path), "detail": message(error)}


def message(error: Mapping[str, Any]) -> str:
    """What pydantic found, in words that echo no value."""
    if error["type"] == "union_tag_invalid":  # pydantic would quote the tag that came in
        return "Input does not match any of the expected kinds"
    return str(error["msg"]).removeprefix("Value error, ")
