"""The pegs of a plan's item-location, out of its stored lines and the customers' orders that stand."""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.planner.plans.buckets import Buckets
from services.planner.plans.lines import PlanCell, cells
from services.planner.plans.pegging import SLACK, Demand, Peg, Supply, peg
from services.planner.plans.tables import Plan
from services.planner.recommendations.schemas import PegOut
from services.planner.recommendations.tables import Recommendation
from services.planner.supply.tables import OpenOrder
from shared.errors import NotFound

type Orders = dict[int, list[OpenOrder]]


class NotPlanned(NotFound):
    slug, title = "not-planned", "The plan has no such item and location"


def of_plan(session: Session, run: Plan, item: str, location: str) -> list[PegOut]:
    """Who is served by what. Customers' orders are told one by one as far as they still stand as they were planned."""
    lines = session.scalars(cells(run, item, location).order_by(PlanCell.step)).all()
    if not lines:
        raise NotPlanned("Nothing of this item and location was planned.")
    assert run.periods is not None  # noqa: S101  the run has succeeded
    waits = any(line.backlog > 0 for line in lines)
    orders = _orders(session, run, item, location)
    demands = [demand for line in lines for demand in (*_ordered(line, orders[line.step - 1]), *_other(line))]
    return [_out(one, run.periods) for one in peg(_supplies(lines, waits=waits), demands, waits=waits)]


def of_order(session: Session, row: Recommendation) -> list[PegOut]:
    """What the recommended order serves in its plan; nothing where it is no order."""
    order, item, location = row.content["order"], row.item, row.location
    if order is None or item is None or location is None:
        return []
    run = session.get_one(Plan, row.plan_id)
    received = datetime.date.fromisoformat(order["receipt_date"])
    found = of_plan(session, run, item, location)
    return [one for one in found if one.supply == "planned_receipt" and one.supply_period == received]


def _orders(session: Session, run: Plan, item: str, location: str) -> Orders:
    """By the bucket that they are wanted in, those of the highest priority first; overdue ones in the first."""
    row = OpenOrder
    mine = select(row).where(row.area == run.area, row.item == item, row.location == location)
    buckets = Buckets(run.periods or [], run.caller["area"]["frequency"])
    found: Orders = defaultdict(list)
    for order in session.scalars(mine.order_by(row.priority, row.due, row.reference)):
        bucket = buckets.number(order.due)
        if bucket is not None:
            found[max(bucket, 0)].append(order)
    return found


def _ordered(line: PlanCell, orders: Sequence[OpenOrder]) -> Iterator[Demand]:
    """What the plan knew to be ordered for a period; what no order that stands accounts for has no reference."""
    left, bucket = line.open_orders, line.step - 1
    for order in orders:
        quantity = min(left, order.quantity - order.shipped_quantity)
        if quantity > 0:
            left -= quantity
            yield Demand("open_order", bucket, quantity, order.priority, order.reference, order.customer)
    if left > SLACK * line.open_orders:
        yield Demand("open_order", bucket, left)


def _other(line: PlanCell) -> Iterator[Demand]:
    if line.dependent_demand > 0:
        yield Demand("dependent_demand", line.step - 1, line.dependent_demand)
    if line.net_forecast > 0:
        yield Demand("forecast", line.step - 1, line.net_forecast)


def _supplies(lines: Sequence[PlanCell], *, waits: bool) -> Iterator[Supply]:
    """Stock at the beginning, by the first period's balance, and receipts."""
    first = lines[0]
    received = first.scheduled_receipts + first.planned_receipts
    unserved = 0.0 if waits else first.shortage
    yield Supply("stock", -1, first.available + first.demand - received - unserved)
    for line in lines:
        yield Supply("scheduled_receipt", line.step - 1, line.scheduled_receipts)
        yield Supply("planned_receipt", line.step - 1, line.planned_receipts)


def _out(one: Peg, periods: Sequence[datetime.date]) -> PegOut:
    demand, supply = one.demand, one.supply
    return PegOut(
        kind=demand.kind,
        period=periods[demand.bucket],
        priority=demand.priority,
        reference=demand.reference,
        customer=demand.customer,
        quantity=one.quantity,
        supply=None if supply is None else supply.kind,
        supply_period=None if supply is None or supply.bucket < 0 else periods[supply.bucket],
        periods_late=0 if supply is None else max(supply.bucket - demand.bucket, 0),
    )
