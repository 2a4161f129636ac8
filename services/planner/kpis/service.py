"""KPIs of an area in SCOR terms, out of its newest plan."""

from sqlalchemy import Subquery, func, select
from sqlalchemy.orm import Session, aliased, undefer

from services.planner.kpis import fulfilment
from services.planner.kpis.schemas import CarbonOut, KpiOut, MarginOut, TwoWaysOut
from services.planner.plans import service as plans
from services.planner.plans.buckets import DAYS, PERIODS_PER_YEAR, shift
from services.planner.plans.lines import OF_ROW
from services.planner.plans.money import money, total
from services.planner.plans.tables import Plan, PlanLine, PlanRow
from shared.principal import Principal

COMPARED = 4  # periods
DIGITS = 3


def kpis(session: Session, who: Principal) -> KpiOut:
    """NoPlan before the first plan; NotReady where the newest could plan nothing."""
    newest = plans.one(session, who, "latest")
    whole = select(Plan).where(Plan.id == newest.id).options(undefer(Plan.measures))
    run = session.scalars(whole.execution_options(populate_existing=True)).one()
    if run.measures is None or run.kpis is None or run.counts is None or run.as_of is None:
        raise plans.NotReady("The newest plan could plan nothing, or was made by a release that kept less: plan anew.")
    found, frequency = run.measures["assets"], who.area.frequency
    average = float(run.kpis["plan"]["stock_value"]["mean"])
    year, days = PERIODS_PER_YEAR[frequency], DAYS[frequency]
    since = shift(run.as_of, frequency, -found["past_periods"])
    past = found["past_demand"] / found["past_periods"]
    expected = found["expected_demand"] / found["periods"]
    return KpiOut(
        plan=run.id,
        as_of=run.as_of,
        currency=run.caller["area"]["currency"],
        item_locations=run.counts["planned"],
        periods=found["periods"],
        past_periods=found["past_periods"],
        inventory=money(found["stock"]),
        average_inventory=money(average),
        turns=TwoWaysOut(backward=_ratio(year * past, found["stock"]), forward=_ratio(year * expected, average)),
        days_of_supply=TwoWaysOut(
            backward=_ratio(found["stock"] * days, past), forward=_ratio(found["cover"] * days, 1)
        ),
        fill_rate=run.kpis["plan"]["fill_rate"],
        gross_margin=_margin(session, run),
        carbon=_carbon(session, run),
        otif=fulfilment.otif(session, who.area.area, since, run.as_of),
        order_fulfilment_cycle_time=fulfilment.cycle_time(session, who.area.area, since, run.as_of),
        capacity_utilisation=fulfilment.utilisation(session, run),
        excess=money(found["excess"]),
        obsolete=money(found["obsolete"]),
        forecast_accuracy=run.measures["forecast_accuracy"],
        plan_instability=_instability(session, who, run),
        instability_periods=COMPARED,
    )


def _margin(session: Session, run: Plan) -> MarginOut | None:
    row = PlanRow
    sums = select(func.sum(row.revenue), func.sum(row.cost_of_sales), func.count(row.revenue))
    revenue, cost, priced = session.execute(sums.where(row.plan_id == run.id)).one()
    if revenue is None or cost is None:
        return None
    return MarginOut(
        revenue=money(revenue),
        cost_of_sales=money(cost),
        margin=total(money(revenue), -money(cost)),
        share=_ratio(revenue - cost, revenue),
        item_locations=priced,
    )


def _carbon(session: Session, run: Plan) -> CarbonOut | None:
    row = PlanRow
    sums = select(func.sum(row.carbon), func.count(row.carbon)).where(row.plan_id == run.id)
    kilograms, told = session.execute(sums).one()
    return None if kilograms is None else CarbonOut(kg=round(kilograms, DIGITS), item_locations=told)


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, DIGITS) if whole > 0 else None


def _instability(session: Session, who: Principal, run: Plan) -> float | None:
    """Sum of |new - old| by sum of old, over periods that both plans have and item-locations that either has."""
    earlier = plans.regular(who).where(Plan.status == "succeeded", Plan.created_at < run.created_at)
    before = session.scalar(earlier.order_by(Plan.created_at.desc(), Plan.id.desc()).limit(1))
    if before is None or not before.periods or not run.periods or run.periods[0] not in before.periods:
        return None
    shift = before.periods.index(run.periods[0])
    new, old = (aliased(PlanLine, _releases(plan)) for plan in (run, before))
    differences, planned = [], []
    for step in range(1, min(COMPARED, len(before.periods) - shift, len(run.periods)) + 1):
        now, then = (
            func.coalesce(line.planned_releases[place], 0.0) for line, place in ((new, step), (old, step + shift))
        )
        differences.append(func.abs(now - then))
        planned.append(then)
    same = (new.item == old.item) & (new.location == old.location)
    sums = select(func.sum(sum(differences)), func.sum(sum(planned))).select_from(new).join(old, same, full=True)
    moved, whole = session.execute(sums).one()
    return _ratio(moved or 0.0, whole or 0.0)


def _releases(plan: Plan) -> Subquery:
    """The lines of a plan, whichever plan it has them from."""
    return select(PlanLine).join(PlanRow, OF_ROW).where(PlanRow.plan_id == plan.id).subquery()
