"""The way of the forecast service's own recommendations to the planner's log: a job each, through the gateway.

A job is queued in the transaction of what it tells, holds all that it sends, and is repeated until the gateway and the
planner take it. What is sent twice is filed once: origins tell.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import urllib3
from sqlalchemy.orm import Session

from services.forecast.settings import Settings
from shared import jobs
from shared.errors import Unavailable

REVIEWS = "reviews"  # the queue of what looks at forecasts, and waits for the planner: no run waits behind it
TIMEOUT = urllib3.Timeout(connect=3, read=30)
REFUSED = {400, 404, 413, 415, 422}
SHOWN = 500


class NotFiledError(Exception):
    """The planner refuses the recommendations, and would again: the job fails and is kept, the run is not touched."""


def origin(*parts: object) -> str:
    """What the same finding is known by each time; codes may be long, so the rest is a digest."""
    told = json.dumps([str(part) for part in parts])
    return f"{parts[0]}:{hashlib.sha256(told.encode()).hexdigest()}"


def queue(session: Session, area: str, rows: Sequence[Mapping[str, Any]], withdrawn: Sequence[str] = ()) -> None:
    """File them once the caller's transaction is committed, and withdraw what has one of these origins.

    An area's filings go out in their order, so that nothing is withdrawn before it is filed.
    """
    if rows or withdrawn:
        body = json.dumps({"recommendations": rows, "withdrawn": withdrawn})
        lock = f"file {area}"
        jobs.defer(session, "forecast:file_recommendations", lock=lock, queue=REVIEWS, area=area, body=body)


def send(settings: Settings, area: str, body: str) -> None:
    """One attempt. Raises Unavailable where another may succeed, NotFiledError where none will."""
    key = settings.service_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url = f"{settings.gateway_url}/v1/areas/{area}/recommendations"
    try:
        answer = urllib3.request("POST", url, body=body, headers=headers, timeout=TIMEOUT, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("The gateway cannot be reached.") from error
    if answer.status in REFUSED:
        raise NotFiledError(f"It answered {answer.status}: {answer.data[:SHOWN].decode(errors='replace')}")
    if answer.status != 200:  # noqa: PLR2004
        raise Unavailable(f"The gateway answered {answer.status}.")
