"""What the ERP reports of the orders that carry out a recommendation."""

import datetime
import json
from collections.abc import Sequence
from typing import Any, cast, get_args
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES, Entry
from services.planner.recommendations import deciding, execution
from services.planner.recommendations.decisions import Action, ErpAction, IllegalMove, Move, State, after
from services.planner.recommendations.desk import event
from services.planner.recommendations.execution import Progress
from services.planner.recommendations.schemas import ExecutedOut, ExecutionIn, ExecutionOut
from services.planner.recommendations.tables import Execution, Recommendation
from shared import ledger
from shared.errors import Unprocessable
from shared.ledger import Event
from shared.principal import Principal


def of(session: Session, row: Recommendation) -> list[ExecutionOut]:
    """The ERP's orders that carry out a recommendation, by their references."""
    orders = select(Execution).where(Execution.recommendation_id == row.id).order_by(Execution.reference)
    return [ExecutionOut.model_validate(order) for order in session.scalars(orders)]


def report(session: Session, who: Principal, recommendation_id: UUID, told: ExecutionIn) -> ExecutedOut:
    """Take in a report: the order, the recommendation's status and the ledger in one transaction.

    One that was sent before, word for word, changes nothing, however far things have gone since.
    """
    _complete(who, told)
    row = deciding.lock(session, who, recommendation_id)
    if row.content["order"] is None:
        raise IllegalMove("Only an order can be carried out.")
    said = told.model_dump(mode="json")
    if not _heard(session, who, row, said):
        _take(session, who, row, told, said)
    state = row.state
    orders = of(session, row)
    return ExecutedOut(recommendation=row.id, status=state.value.status, version=state.version, executions=orders)


def _take(session: Session, who: Principal, row: Recommendation, told: ExecutionIn, said: dict[str, Any]) -> None:
    """Store what a report says of its order, and move the recommendation to where its orders now are."""
    known = session.get(Execution, (row.id, told.reference))
    if known is not None and told.status not in execution.NEXT[cast("Progress", known.status)]:
        raise IllegalMove(f"This order is {known.status} already.")
    others = select(Execution.status).where(
        Execution.recommendation_id == row.id, Execution.reference != told.reference
    )
    progress = [told.status, *(cast("Progress", status) for status in session.scalars(others))]
    order = _order(row, known, told)
    events, state = _events(row, execution.actions(row.state.value.status, progress), order, said)
    sequence = ledger.append_all(session, TABLES, who, events)[-1]
    if state != row.state.value:
        row.state.set(state, sequence)
    session.merge(Execution(recommendation_id=row.id, area=row.area, **order, sequence=sequence))
    session.flush()


def _order(row: Recommendation, known: Execution | None, told: ExecutionIn) -> dict[str, Any]:
    """The order as it stands after the report: what was not said is as it was, or as decided."""
    decided = row.state.value
    receipt_date = datetime.date.fromisoformat(row.content["order"]["receipt_date"])
    quantity = decided.quantity or row.content["order"]["quantity"]
    return {
        "reference": told.reference,
        "status": told.status,
        "quantity": told.quantity or (known.quantity if known else quantity),
        "due": told.due or (known.due if known else decided.due or receipt_date),
        "received_quantity": told.received_quantity,
        "received_on": told.received_on,
    }


def _events(
    row: Recommendation, steps: Sequence[Action], order: dict[str, Any], said: dict[str, Any]
) -> tuple[list[Event], State]:
    """An entry for each step; the last one holds what was said and what is known by it."""
    events, state = [], row.state.value
    for step in steps:
        before, state = state, after(state, Move(step))
        facts = {"reason_code": None, "note": said["note"]}
        if step == steps[-1]:
            facts |= {"report": said, "execution": jsonable(order)}
        events.append(event(row, step, before, state, facts))
    return events, state


def jsonable(order: dict[str, Any]) -> dict[str, Any]:
    """An order's facts as a ledger entry holds them."""
    return {name: value.isoformat() if isinstance(value, datetime.date) else value for name, value in order.items()}


def _heard(session: Session, who: Principal, row: Recommendation, said: dict[str, Any]) -> bool:
    """Whether the same was reported before."""
    reports = select(Entry.content).where(Entry.area == who.area.area, Entry.subject == str(row.id))
    texts = session.scalars(reports.where(Entry.action.in_(get_args(ErpAction))))
    return any(json.loads(text)["body"].get("report") == said for text in texts)


def _complete(who: Principal, told: ExecutionIn) -> None:
    """422 with a pointer to what a report lacks, has no use for, or cannot be."""
    came = told.status in {"partially_received", "received"}
    names = ("received_quantity", "received_on")
    found = [(name, "is required here") for name in names if came and getattr(told, name) is None]
    found += [(name, f"has no meaning with {told.status}") for name in names if not came and getattr(told, name)]
    if came and told.received_on and told.received_on > who.area.today():
        found.append(("received_on", "lies after today in the area's time zone"))
    if found:
        errors = [{"pointer": f"#/{name}", "detail": detail} for name, detail in found]
        raise Unprocessable("The fields do not make a report.", errors=errors)
