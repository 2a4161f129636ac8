"""ETags (RFC 9110, 8.8.3): the version of a mutable resource, and what an answer to a GET says.

`"7"` is version 7, as a write answers it. A GET adds a digest of its body, `"7-6f0c…"`, since more may change than what
the version guards: notes, progress, a mirror's state. What has no version has the digest alone, as a weak tag.
"""

import hashlib
import re
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.responses import Response

from shared.errors import BadRequest, StaleVersion, VersionRequired

DIGITS = 16
KEPT = ("cache-control", "content-location", "etag", "vary")  # RFC 9110, 15.4.5


def of(version: int) -> str:
    return f'"{version}"'


def expected_version(if_match: Annotated[str | None, Header()] = None) -> int:
    """The version the caller saw. 428 where `If-Match` is missing, 400 where it names no single version."""
    if if_match is None:
        raise VersionRequired("Send If-Match with the ETag that you read, so that nobody's change is lost.")
    match = re.fullmatch(r'"([0-9]{1,18})(?:-[0-9a-f]{16})?"', if_match.strip())
    if match is None:
        raise BadRequest('If-Match must be one strong ETag such as "7"; neither * nor a weak one.')
    return int(match[1])


def check(current: int, expected: int) -> None:
    """412 where the resource moved on since the caller read it."""
    if current != expected:
        raise StaleVersion(f"Version {expected} was sent, {current} is current: read it again and decide anew.")


def fresh(request: Request, response: Response) -> Response:
    """The answer to a GET with its ETag; 304 in its place where that is one that the caller has (RFC 9110, 13.1.2)."""
    if request.method != "GET" or response.status_code != HTTPStatus.OK or "content-length" not in response.headers:
        return response
    digest = hashlib.sha256(response.body).hexdigest()[:DIGITS]
    version = response.headers.get("etag")
    response.headers["ETag"] = tag = f'{version[:-1]}-{digest}"' if version else f'W/"{digest}"'
    known = ",".join(request.headers.getlist("if-none-match"))
    if known.strip() != "*" and _opaque(tag) not in map(_opaque, known.split(",")):
        return response
    kept = {name: response.headers[name] for name in KEPT if name in response.headers}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=kept)


def _opaque(tag: str) -> str:
    """What weak comparison looks at (RFC 9110, 8.8.3.2)."""
    return tag.strip().removeprefix("W/")


IfMatch = Annotated[int, Depends(expected_version)]
