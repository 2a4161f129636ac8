"""The outbox's way to the gateway: in order, at least once, by one worker at a time.

What the gateway has taken is deleted. If a worker dies between the two it is sent again with the same id, by which the
gateway knows it.
"""

import itertools
import json
import logging
from threading import Event
from typing import Any

import urllib3
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared.db import Database

MOST = 500  # in one call
IDLE_SECONDS, TROUBLED_SECONDS = 0.5, 5.0
TAKEN = (200, 204)
TIMEOUT = urllib3.Timeout(connect=3, read=10)
_MINE = text("SELECT pg_try_advisory_xact_lock(hashtext('accord outbox'))")
_NEXT = text("SELECT number, id, area, type, subject, at, data FROM outbox ORDER BY number LIMIT :most")
_DONE = text("DELETE FROM outbox WHERE number = ANY(:numbers)")
log = logging.getLogger(__name__)


class NotTakenError(Exception):
    """The gateway did not take the events."""


class Relay:
    """source: the service's name; key: its own at the gateway."""

    def __init__(self, database: Database, source: str, gateway_url: str, key: str) -> None:
        self._database = database
        self._source = source
        self._areas = f"{gateway_url}/v1/areas"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def keep(self, stop: Event) -> None:
        """Carry until told to stop. What fails is logged and tried again."""
        while not stop.is_set():
            try:
                pause = 0.0 if self.some() else IDLE_SECONDS
            except (NotTakenError, SQLAlchemyError, urllib3.exceptions.HTTPError) as error:
                log.warning("events wait: %s", error)
                pause = TROUBLED_SECONDS
            stop.wait(pause)

    def some(self) -> bool:
        """Carry the next events; False where there are none, or another worker is at it."""
        with self._database.write() as session:
            if not session.scalar(_MINE):
                return False
            rows = session.execute(_NEXT, {"most": MOST}).all()
            for area, group in itertools.groupby(rows, key=lambda row: row.area):
                self._send(session, area, list(group))
        return bool(rows)

    def _send(self, session: Session, area: str, rows: list[Any]) -> None:
        events = [
            {
                "id": str(row.id),
                "type": row.type,
                "source": self._source,
                "subject": row.subject,
                "at": row.at.isoformat(),
                "data": row.data,
            }
            for row in rows
        ]
        body = json.dumps({"events": events}).encode()
        answer = self._pool.request("POST", f"{self._areas}/{area}/events", body=body, headers=self._headers)
        if answer.status not in TAKEN:
            raise NotTakenError(f"the gateway answered {answer.status} to {len(rows)} events of {area}")
        session.execute(_DONE, {"numbers": [row.number for row in rows]})
