"""The way of the forecast service's own recommendations to the planner's log: a job each, through the gateway.

A job is queued in the transaction of what it tells, holds all that it sends, and is repeated until the gateway and the
planner take it. What is sent twice is filed once: origins tell.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import urllib3
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.reviews.tables import Asked
from services.forecast.settings import Settings
from shared import jobs
from shared.db import Database
from shared.errors import Unavailable

REVIEWS = "reviews"  # the queue of what looks at forecasts, and waits for the planner: no run waits behind it
TIMEOUT = urllib3.Timeout(connect=3, read=30)
FOLLOWED = {"retrain_model"}
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


def send(settings: Settings, area: str, body: str) -> list[UUID]:
    """One attempt; the recommendations that stand, in the order of the body's.

    Raises Unavailable where another attempt may succeed, NotFiledError where none will.
    """
    answer = call(settings, "POST", area, "recommendations", body)
    if answer.status in REFUSED:
        raise NotFiledError(f"It answered {answer.status}: {answer.data[:SHOWN].decode(errors='replace')}")
    if answer.status != 200:  # noqa: PLR2004
        raise Unavailable(f"The gateway answered {answer.status}.")
    return [UUID(one["recommendation"]) for one in json.loads(answer.data)["items"]]


def call(settings: Settings, method: str, area: str, path: str, body: str | None = None) -> urllib3.BaseHTTPResponse:
    """What the gateway answers to this service; Unavailable where it does not."""
    key = settings.service_key.get_secret_value()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url = f"{settings.gateway_url}/v1/areas/{area}/{path}"
    try:
        return urllib3.request(method, url, body=body, headers=headers, timeout=TIMEOUT, retries=False)
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("The gateway cannot be reached.") from error


def file(database: Database, settings: Settings, area: str, body: str) -> None:
    """File what `queue` has queued, and remember what has an effect once it is accepted."""
    wishes = json.loads(body)["recommendations"]
    rows = [
        {"recommendation": name, "area": area, "type": wish["type"], "model_version": wish["model_version"]}
        for name, wish in zip(send(settings, area, body), wishes, strict=True)
        if wish["type"] in FOLLOWED
    ]
    if rows:
        with database.write() as session:
            session.execute(insert(Asked).values(rows).on_conflict_do_nothing())
