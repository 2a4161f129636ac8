"""A plan run: read the forecast and supply, let the engine plan, file what it proposes."""

import time
from collections.abc import Callable

from pydantic import TypeAdapter

from services.planner.engine.inputs import Floats
from services.planner.engine.policies import AVERAGED
from services.planner.forecast_client import ForecastClient
from services.planner.plans import capacity, filing, kpis, network_proposals, proposals
from services.planner.plans.bulk import copy, copy_lines
from services.planner.plans.capacity import Capacity
from services.planner.plans.digest import code_version, digest
from services.planner.plans.forecast import Forecast, ForecastNotReady
from services.planner.plans.inputs import Inputs, inputs
from services.planner.plans.method import described
from services.planner.plans.planning import Planned, planned
from services.planner.plans.schemas import CountsOut
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.tables import Plan
from services.planner.recommendations.schemas import Content
from shared import jobs
from shared.principal import Principal

type Beat = Callable[[int, int], None]

PATHS = 200
BEAT_SECONDS = 2.0
UNIT = "item-locations"


def carry_out(work: jobs.Work[Plan], client: ForecastClient) -> None:
    """One attempt at a plan run."""
    who = TypeAdapter(Principal).validate_python(work.run.caller)
    beat = _beat(work)
    beat(0, 0)
    forecast, recent = _forecast(client, who, work.run, beat)
    with work.database.read() as session:
        snapshot = Snapshot.read(session, who.area.area, forecast.buckets.as_of)
    known = inputs(forecast, snapshot, recent, who.area, work.run.seed, _units(client, who, snapshot, beat))
    result = _compute(known, beat)
    wished = _proposals(work.run, who, forecast, known, result)
    with work.finish() as (session, run):
        _describe(run, forecast, known, result)
        if result:
            copy_lines(session, run.id, known.terms.index, result.measures(known))
            hours = Capacity.of(known, result)
            copy(session, "plan_resources", capacity.COLUMNS, hours.rows(run.id, forecast.buckets))
        filed = filing.file(session, run, who, wished, set(snapshot.commitments["recommendation_id"]))
        run.counts = _counts(known, filed.contents)
        run.warnings = [warning.model_dump() for warning in (*known.warnings, *filed.warnings)]


def _beat(work: jobs.Work[Plan]) -> Beat:
    """Show progress and look for a cancellation, at most every `BEAT_SECONDS`."""
    last = 0.0

    def beat(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            work.progress(done, total, UNIT)
            last = time.monotonic()

    return beat


def _forecast(client: ForecastClient, who: Principal, run: Plan, beat: Beat) -> tuple[Forecast, Floats]:
    """The forecast in the plan's buckets, and the demand before its first period, [n, H] units."""
    area = who.area
    meta = client.forecast(area.area, run.forecast_asked)
    if meta["status"] != "succeeded":
        raise ForecastNotReady(f"The forecast is {meta['status']}; plan on one that has succeeded.")
    values = client.values(area.area, meta["id"], lambda: beat(0, 0))
    whole = Forecast.of(meta, values, area.frequency)
    past = whole.buckets.before(AVERAGED)
    demand = client.demand(area.area, past[0].isoformat(), lambda: beat(0, 0))
    return whole.window(run.as_of_asked, run.horizon_asked), whole.recent(demand, past)


def _units(client: ForecastClient, who: Principal, snapshot: Snapshot, beat: Beat) -> dict[str, str]:
    """The items' units of measure, where a component is told in one."""
    if snapshot.components["uom"].isna().all():
        return {}
    return client.units(who.area.area, lambda: beat(0, 0))


def _compute(known: Inputs, beat: Beat) -> Planned | None:
    """The engine's plan; None where no item-location can be planned."""
    return planned(known, PATHS, beat) if len(known.terms) else None


def _proposals(run: Plan, who: Principal, forecast: Forecast, known: Inputs, result: Planned | None) -> list[Content]:
    origin = proposals.Origin(run.id, forecast.id, forecast.model_version, who.area.currency)
    found = list(proposals.data_fixes(origin, known.faults))
    if result and result.alone:
        terms = known.terms.iloc[result.rows]
        found += proposals.orders(origin, forecast.buckets, terms, result.alone.orders)
    if result and result.together:
        found += network_proposals.orders(origin, forecast.buckets, known, result.together)
        found += network_proposals.overtime(origin, forecast.buckets, result.together)
    return found


def _describe(run: Plan, forecast: Forecast, known: Inputs, result: Planned | None) -> None:
    """Say on what the run rests, how it was computed and what it achieves."""
    run.forecast_id, run.model_version = forecast.id, forecast.model_version
    run.as_of, run.periods = forecast.buckets.as_of, forecast.buckets.periods
    run.code_version = code_version()
    facts = {"keys": known.terms.index.tolist(), "periods": forecast.buckets.periods, "seed": run.seed, "paths": PATHS}
    network = (result.together.web.network,) if result and result.together else ()
    run.input_digest = digest(facts, known.supply, known.demand, *network)
    found = result.comparison(len(forecast.buckets)) if result else None
    run.output_digest = digest({"input": run.input_digest}, *([*result.outputs, found] if result else []))
    run.method = described(result, PATHS) if result else None
    run.kpis = kpis.comparison(found) if found else None
    run.progress_done = run.progress_total = len(known.terms)
    run.progress_unit = UNIT


def _counts(known: Inputs, contents: list[Content]) -> dict[str, int]:
    fixes = sum(content.type == "data_fix" for content in contents)
    counts = CountsOut(
        item_locations=known.known,
        planned=len(known.terms),
        orders=sum(content.order is not None for content in contents),
        data_fixes=fixes,
    )
    return counts.model_dump()
