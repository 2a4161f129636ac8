"""Versions of mutable resources as strong ETags (RFC 9110, 8.8.3): `"7"` is version 7."""

import re
from typing import Annotated

from fastapi import Depends, Header

from shared.errors import BadRequest, StaleVersion, VersionRequired


def of(version: int) -> str:
    return f'"{version}"'


def expected_version(if_match: Annotated[str | None, Header()] = None) -> int:
    """The version the caller saw. 428 where `If-Match` is missing, 400 where it names no single version."""
    if if_match is None:
        raise VersionRequired("Send If-Match with the ETag that you read, so that nobody's change is lost.")
    match = re.fullmatch(r'"([0-9]{1,18})"', if_match.strip())
    if match is None:
        raise BadRequest('If-Match must be one strong ETag such as "7"; neither * nor a weak one.')
    return int(match[1])


def check(current: int, expected: int) -> None:
    """412 where the resource moved on since the caller read it."""
    if current != expected:
        raise StaleVersion(f"Version {expected} was sent, {current} is current: read it again and decide anew.")


IfMatch = Annotated[int, Depends(expected_version)]
