"""Recommendations and their states, held against the ledger."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from services.planner.ledger.projection import Impossible, Projection, Recorded, reading
from services.planner.ledger.tables import Entry
from services.planner.recommendations import content
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.executions import jsonable
from services.planner.recommendations.tables import Execution, Recommendation, RecommendationState
from services.planner.reference.tables import ReferenceDatum
from shared.ledger import Finding

BATCH = 2000


def fault(session: Session, area: str) -> Finding | None:
    """The first thing that is not as the area's chain, which itself holds, says it should be."""
    try:
        return _fault(session, area)
    except Impossible as error:
        return Finding(error.sequence, "the entry records what cannot have happened")


def _fault(session: Session, area: str) -> Finding | None:
    members: dict[UUID, list[UUID]] = {}
    for entry in session.scalars(_entries(area).where(Entry.action.in_(("plan", "file")))).all():
        with reading(entry.sequence):
            made = UUID(entry.subject)
            rows = _rows(session, area, made, entry.action)
            finding = _content_fault(entry, rows)
        if finding:
            return finding
        members[made] = [row.id for row in rows]
    projection = Projection.of(_facts(session, area), members)
    return (
        _state_fault(session, area, projection)
        or _recorded_fault(_executions(session, area), projection.executions, "order")
        or _recorded_fault(_documents(session, area), projection.documents, "document")
    )


def _entries(area: str) -> Any:
    return select(Entry).where(Entry.area == area).order_by(Entry.sequence)


def _facts(session: Session, area: str) -> Iterator[tuple[int, dict[str, Any]]]:
    told = _entries(area).with_only_columns(Entry.sequence, Entry.content)
    for sequence, text in session.execute(told.execution_options(yield_per=BATCH)):
        yield sequence, json.loads(text)


def _rows(session: Session, area: str, made: UUID, action: str) -> list[Any]:
    columns = (getattr(Recommendation, name) for name in content.COLUMNS)
    exact = cast(Recommendation.content, Text).label("text")
    filed = select(Recommendation.id, exact, *columns).order_by(Recommendation.id)
    came_with = Recommendation.plan_id if action == "plan" else Recommendation.filing_id
    return list(session.execute(filed.where(Recommendation.area == area, came_with == made)))


def _content_fault(entry: Entry, rows: list[Any]) -> Finding | None:
    """Whether a plan's or filing's recommendations are those whose digest its entry holds."""
    if content.digest(row.text for row in rows) != json.loads(entry.content)["body"]["digest"]:
        return Finding(
            entry.sequence, f"the recommendations of {entry.action} {entry.subject} are not those that were filed"
        )
    for row in rows:
        if content.columns(Content.model_validate_json(row.text)) != {
            name: getattr(row, name) for name in content.COLUMNS
        }:
            return Finding(entry.sequence, f"the columns of recommendation {row.id} differ from its content")
    return None


def _state_fault(session: Session, area: str, projection: Projection) -> Finding | None:
    """Whether each stored state is the one that the entries lead to."""
    missing = dict(projection.standings)
    stored = select(RecommendationState).where(RecommendationState.area == area)
    for row in session.scalars(stored.execution_options(yield_per=BATCH)):
        standing = missing.pop(row.recommendation_id, None)
        if standing is None:
            return Finding(0, f"no entry knows recommendation {row.recommendation_id}")
        if (row.value, row.sequence) != (standing.state, standing.sequence):
            return Finding(standing.touched, f"the stored state of recommendation {row.recommendation_id} differs")
    for identifier, standing in missing.items():
        return Finding(standing.touched, f"the stored state of recommendation {identifier} is missing")
    return None


def _recorded_fault(
    stored: Mapping[Any, Mapping[str, Any]], recorded: Mapping[Any, Recorded], what: str
) -> Finding | None:
    """Whether what stands beside the ledger is what its entries last said."""
    for key, said in recorded.items():
        if stored.get(key) != said.facts:
            return Finding(said.sequence, f"the stored {what} {key[1]} differs")
    for key in stored:
        if key not in recorded:
            return Finding(0, f"no entry knows {what} {key[1]}")
    return None


def _executions(session: Session, area: str) -> dict[Any, dict[str, Any]]:
    names = ("reference", "status", "quantity", "due", "received_quantity", "received_on")
    return {
        (row.recommendation_id, row.reference): jsonable({name: getattr(row, name) for name in names})
        for row in session.scalars(select(Execution).where(Execution.area == area))
    }


def _documents(session: Session, area: str) -> dict[Any, dict[str, Any]]:
    return {
        (row.kind, row.key): {"content": row.content, "version": row.version}
        for row in session.scalars(select(ReferenceDatum).where(ReferenceDatum.area == area))
    }
