"""A plan run: read the forecast and supply, let the engine plan, file what it proposes."""

import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from services.planner.engine import plan as engine
from services.planner.engine.inputs import Floats
from services.planner.engine.policies import AVERAGED
from services.planner.forecast_client import ForecastClient
from services.planner.plans import filing, kpis, proposals
from services.planner.plans.bulk import copy_lines
from services.planner.plans.digest import code_version, digest
from services.planner.plans.forecast import Forecast, ForecastNotReady
from services.planner.plans.inputs import Inputs, inputs
from services.planner.plans.money import money
from services.planner.plans.schemas import CountsOut, PlanWarningOut
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.tables import Plan
from services.planner.recommendations.schemas import Content
from shared import jobs
from shared.principal import Principal

type Beat = Callable[[int, int], None]

PATHS = 200
BEAT_SECONDS = 2.0
UNIT = "item-locations"
THREADS = 2
BY_RULE = (
    "Each item-location by itself: the order that can be released now is the feasible lot of least expected cost on "
    "joint demand paths over the reviews that it covers. Later releases are projected by a reorder point and an "
    "order-up-to level, where they pay. It is no optimum over several periods, so no bound is proven."
)
EXACTLY = (
    "Each item-location by itself: demand is certain, and dynamic programming over lots finds the releases that cost "
    "least in holding, shortage and ordering over the horizon. What is left at its end keeps its purchase price."
)


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
            copy_lines(session, run.id, known.terms.index, _measures(known, result))
        filed = filing.file(session, run, who, wished, set(snapshot.commitments["recommendation_id"]))
        run.counts = _counts(known, filed.contents)
        dear = _dear(result, known) if result else []
        run.warnings = [warning.model_dump() for warning in (*known.warnings, *dear, *filed.warnings)]


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


def _measures(known: Inputs, result: engine.Plan) -> dict[str, Floats]:
    """What a plan's lines hold, by name: [n, T] each."""
    measures = {field.name: getattr(result.lines, field.name) for field in fields(result.lines)}
    return measures | {"open_orders": known.orders, "net_forecast": known.demand.mean - known.orders}


def _compute(known: Inputs, beat: Beat) -> engine.Plan | None:
    """The engine's plan; None where no item-location can be planned."""
    total = len(known.terms)
    if total == 0:
        return None
    beat(0, total)
    return engine.plan(
        known.supply, known.demand, paths=PATHS, threads=THREADS, progress=lambda done: beat(done, total)
    )


def _proposals(
    run: Plan, who: Principal, forecast: Forecast, known: Inputs, result: engine.Plan | None
) -> list[Content]:
    origin = proposals.Origin(run.id, forecast.id, forecast.model_version, who.area.currency)
    fixes = list(proposals.data_fixes(origin, known.faults))
    return fixes + list(proposals.orders(origin, forecast.buckets, known.terms, result.orders)) if result else fixes


def _describe(run: Plan, forecast: Forecast, known: Inputs, result: engine.Plan | None) -> None:
    """Say on what the run rests, how it was computed and what it achieves."""
    run.forecast_id, run.model_version = forecast.id, forecast.model_version
    run.as_of, run.periods = forecast.buckets.as_of, forecast.buckets.periods
    run.code_version = code_version()
    facts = {"keys": known.terms.index.tolist(), "periods": forecast.buckets.periods, "seed": run.seed, "paths": PATHS}
    run.input_digest = digest(facts, known.supply, known.demand)
    run.output_digest = digest(
        {"input": run.input_digest}, *([result.orders, result.lines, result.kpis] if result else [])
    )
    run.method = _method(result) if result else None
    run.kpis = kpis.comparison(result.kpis) if result else None
    run.progress_done = run.progress_total = len(known.terms)
    run.progress_unit = UNIT


def _method(result: engine.Plan) -> dict[str, Any]:
    """How the plan was found; only one that is exact throughout has a bound."""
    exact = int(result.exact.sum())
    if exact == len(result.exact):
        bound = str(money(result.kpis.plan.cost_total.mean))
        return {"name": engine.EXACT, "detail": EXACTLY, "paths": PATHS, "bound": bound, "gap": 0.0}
    detail = f"{BY_RULE} {exact} item-locations, whose demand is certain, are planned exactly." if exact else BY_RULE
    return {"name": engine.METHOD, "detail": detail, "paths": PATHS, "bound": None, "gap": None}


def _dear(result: engine.Plan, known: Inputs) -> list[PlanWarningOut]:
    """A warning where a plan costs more than doing nothing: service targets ask for what shortage does not cost."""
    targets = int(np.isfinite(known.supply.service_target).sum())
    if targets == 0 or result.kpis.plan.cost_relevant.mean <= result.kpis.nothing.cost_relevant.mean:
        return []
    detail = "The plan costs more than doing nothing would: service targets ask for more than shortage costs."
    return [PlanWarningOut(code="service-targets-cost", detail=detail, count=targets)]


def _counts(known: Inputs, contents: list[Content]) -> dict[str, int]:
    fixes = sum(content.type == "data_fix" for content in contents)
    counts = CountsOut(
        item_locations=known.known,
        planned=len(known.terms),
        orders=len(contents) - fixes,
        data_fixes=fixes,
    )
    return counts.model_dump()
