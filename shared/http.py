"""The HTTP that every service speaks: strict JSON bodies, known query parameters only, request ids."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import etag, observe
from shared.errors import BadRequest, TooLarge, Unprocessable, UnsupportedMedia

MOST_JSON_BYTES = 1 << 20


class StrictRoute(APIRoute):
    """A route that reads JSON as API.md (Numbers) says and answers 422 to query parameters it does not know.

    A GET has an ETag, and is answered 304 where its caller has that already.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        known = {field.alias for field in self.dependant.query_params} | {
            parameter.alias for dependency in _all(self.dependant) for parameter in dependency.query_params
        }
        takes_json = self.body_field is not None
        needs_json = self.body_field is not None and self.body_field.field_info.is_required()

        async def strict(request: Request) -> Response:
            _only_known(request, known)
            if needs_json or (takes_json and _has_body(request)):
                _expect_json(request)
            response = await handler(StrictRequest(request.scope, request.receive))
            return response if "prefer" in request.headers else etag.fresh(request, response)  # who waits gets all

        return strict


def _all(dependant: Any) -> list[Any]:
    return [dependant, *(inner for child in dependant.dependencies for inner in _all(child))]


def _only_known(request: Request, known: set[str]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    errors = [
        {"parameter": name[:100], "detail": "is not a parameter of this call"} for name in given if name not in known
    ]
    errors += [{"parameter": name, "detail": "is given twice"} for name in known if given.count(name) > 1]
    if errors:
        raise Unprocessable("Some query parameters do not hold; see errors.", errors=errors)


def _has_body(request: Request) -> bool:
    """Whether the request announces one (RFC 9112, 6.3), or says of what kind it is."""
    announced = int(request.headers.get("content-length") or 0) > 0 or "transfer-encoding" in request.headers
    return announced or "content-type" in request.headers


def _expect_json(request: Request) -> None:
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise UnsupportedMedia("This call takes application/json.")


class StrictRequest(Request):
    """Refuses NaN, duplicate keys, oversized and malformed bodies with a named problem."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            self._body = await read_body(self, MOST_JSON_BYTES)
        return self._body

    async def json(self) -> Any:
        return parse_json(await self.body())


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, or 413 as soon as it is known to exceed `limit` bytes."""
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge(f"The body may hold at most {limit} bytes.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The body may hold at most {limit} bytes.")
    return bytes(body)


def parse_json(body: bytes) -> Any:
    """JSON as RFC 8259 has it (no NaN, no Infinity), with unique keys (I-JSON, RFC 7493)."""
    try:
        return _DECODER.decode(body.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8.") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise BadRequest(f"The body is not JSON: line {error.lineno}, column {error.colno}.") from None
    except ValueError:  # an integer of thousands of digits
        raise BadRequest("The body holds a number that cannot be read.") from None


def _no_constant(_: str) -> float:
    raise Unprocessable("NaN and Infinity are no JSON numbers.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise Unprocessable("An object holds the same key twice.")
    return keys


_DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_unique)


class RequestId:
    """ASGI middleware: takes the trace id of `traceparent` (or makes one) and answers it as `X-Request-Id`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        traceparent = dict(scope["headers"]).get(b"traceparent", b"")
        request_id = observe.trace_id(traceparent.decode("latin-1"))
        observe.set_request_id(request_id)
        field = (b"x-request-id", request_id.encode("ascii"))

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), field]
            await send(message)

        await self.app(scope, receive, with_id)
