"""What happened, noted in the transaction of the effect; `shared.relay` carries it to the gateway from there."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.ids import uuid7

_ADD = text(
    "INSERT INTO outbox (id, area, type, subject, at, data)"
    " VALUES (:id, :area, :type, :subject, :at, CAST(:data AS jsonb))"
)
CREATE = """
    CREATE TABLE outbox (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id uuid NOT NULL UNIQUE,
        area text NOT NULL,
        type text NOT NULL,
        subject text NOT NULL,
        at timestamptz NOT NULL,
        data jsonb NOT NULL
    )
"""


@dataclass(frozen=True)
class Happening:
    """A type such as `decision.accept`, what it happened to, and JSON-safe facts."""

    type: str
    subject: str
    data: Mapping[str, Any]


def note(session: Session, area: str, happenings: Sequence[Happening]) -> None:
    """Note what happened, in order; it counts if and when the transaction commits."""
    now = datetime.datetime.now(datetime.UTC)
    rows = [
        {"id": uuid7(), "area": area, "type": one.type, "subject": one.subject, "at": now, "data": json.dumps(one.data)}
        for one in happenings
    ]
    if rows:
        session.execute(_ADD, rows)
