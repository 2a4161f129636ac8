"""A plan run: read the forecast and supply, let the engine plan, file what it proposes."""

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import pyarrow as pa
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from services.planner.automation import grounding
from services.planner.engine.assets import assets
from services.planner.engine.inputs import Demand, Floats
from services.planner.engine.kpis import Comparison
from services.planner.engine.policies import AVERAGED
from services.planner.forecast_client import ForecastClient
from services.planner.outcomes import evaluation, learning
from services.planner.plans import (
    capacity,
    changes,
    filing,
    kpis,
    late,
    network_proposals,
    planning,
    proposals,
    proposed,
    quality,
    rows,
    takeover,
    upkeep,
)
from services.planner.plans.basis import Basis
from services.planner.plans.bulk import copy, copy_lines
from services.planner.plans.capacity import Capacity
from services.planner.plans.digest import code_version, digest
from services.planner.plans.forecast import Forecast, ForecastNotReady, ShadowForecast, out_of_stock
from services.planner.plans.inputs import Inputs, Orders, demand_of
from services.planner.plans.method import described
from services.planner.plans.sales import Sales
from services.planner.plans.schemas import CountsOut, PlanWarningOut
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.tables import Plan
from services.planner.plans.takeover import Key, Planned
from services.planner.recommendations.content_schemas import Content
from services.planner.scenarios import deltas, values
from shared import jobs
from shared.principal import Principal

type Beat = Callable[[int, int], None]

PATHS = 200
BEAT_SECONDS = 2.0
UNIT = "item-locations"


def carry_out(work: jobs.Work[Plan], client: ForecastClient, scheduler: str | None = None) -> None:
    """One attempt at a plan run, on the cluster of a `scheduler` where there is one."""
    if scheduler is None:
        _carry_out(work, client)
        return
    from services.planner.plans.scale_out import cluster  # noqa: PLC0415  Dask is an extra

    with cluster(scheduler) as spread:
        before = planning.SPREAD.set(spread)
        try:
            _carry_out(work, client)
        finally:
            planning.SPREAD.reset(before)


def _carry_out(work: jobs.Work[Plan], client: ForecastClient) -> None:
    beat = _beat(work)
    beat(0, 0)
    basis = _basis(work, client, beat)
    run = work.run
    known = basis.inputs(run.seed, basis.changes)
    before = _before(work, client, basis, beat) if run.scenario or run.net_change else None
    earlier = before.earlier if before else None
    planned = takeover.plan(known, earlier, PATHS, beat)
    worth = values.of_deltas(run, basis, before, planned, lambda given: takeover.plan(given, earlier, PATHS, beat))
    wished = _proposals(run, basis, known, planned)
    came = _outcomes(work, client, basis, beat) if run.scenario is None else []
    wished += _learned(work, basis) if run.scenario is None and not run.net_change else []
    with work.finish() as (session, run):
        _describe(run, basis, known, planned)
        run.base_id = earlier.plan if earlier else None
        run.taken_over = len(known.terms) - len(planned.fresh)
        run.delta_values = worth
        measures = planned.measures(known) if len(planned.fresh) else {}
        rows.store(session, run, known, planned, Sales.of(known, planned, measures), earlier)
        if len(planned.fresh):
            copy_lines(session, run.id, known.terms.index[planned.fresh], measures)
            exceptions = late.rows(run, known, planned, measures, PATHS)
            copy(session, "plan_exceptions", late.COLUMNS, exceptions)
        if len(known.terms):
            hours = Capacity.of(known, planned)
            copy(session, "plan_resources", capacity.COLUMNS, hours.rows(run.id, basis.forecast.buckets))
        found = planned.comparison(len(basis.forecast.buckets))
        dear = _dear(known, found) if found else []
        evaluation.store(session, came)
        filed = _file(session, run, basis, known, wished)
        warnings = [*known.warnings, *dear, *(before.warnings if before else []), *filed]
        run.counts = _counts(session, run, known)
        run.warnings = [warning.model_dump() for warning in warnings]


def _beat(work: jobs.Work[Plan]) -> Beat:
    """Show progress and look for a cancellation, at most every `BEAT_SECONDS`."""
    last = 0.0

    def beat(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= BEAT_SECONDS:
            work.progress(done, total, UNIT)
            last = time.monotonic()

    return beat


def _basis(work: jobs.Work[Plan], client: ForecastClient, beat: Beat) -> Basis:
    """The forecast in the plan's buckets, the demand before its first period, [n, H] units, and supply."""
    run = work.run
    who = TypeAdapter(Principal).validate_python(run.caller)
    area, changes = who.area, deltas.parse(run.deltas)
    plain = client.forecast(area.area, run.forecast_asked)
    if plain["status"] != "succeeded":
        raise ForecastNotReady(f"The forecast is {plain['status']}; plan on one that has succeeded.")
    if plain["stage"] == "shadow":
        raise ShadowForecast("Nobody has accepted the challenger's forecast: plan on the one that it is the shadow of.")
    meta = plain
    if overlays := deltas.overlays(changes):
        meta = client.what_if(area.area, plain["id"], overlays, str(run.id), lambda: beat(0, 0))
    whole = Forecast.of(meta, client.values(area.area, meta["id"], lambda: beat(0, 0)), area.frequency)
    past = whole.buckets.before(AVERAGED)
    demand = client.demand(area.area, past[0].isoformat(), lambda: beat(0, 0))
    forecast = whole.window(run.as_of_asked, run.horizon_asked)
    with work.database.read() as session:
        snapshot = Snapshot.read(session, area.area, forecast.buckets.as_of)
    items = client.items(area.area, lambda: beat(0, 0)).to_pandas().set_index("item")
    short = out_of_stock(demand, past)
    return Basis(who, plain, forecast, whole.recent(demand, past), short, snapshot, items, changes)


def _before(work: jobs.Work[Plan], client: ForecastClient, basis: Basis, beat: Beat) -> values.Before | None:
    """The newest plan of the base, where it has the same buckets: what a what-if and a net change depart from."""
    run, area = work.run, basis.who.area
    with work.database.read() as session:
        base = session.scalar(rows.newest(area.area))
    if base is None or base.forecast_id is None or base.periods != basis.forecast.buckets.periods:
        return None
    loaded: dict[str, Forecast] = {str(basis.forecast.id): basis.forecast}

    def forecast() -> Forecast:
        name = str(base.forecast_id)
        if name not in loaded:
            table = client.values(area.area, name, lambda: beat(0, 0))
            whole = Forecast.of(client.forecast(area.area, name), table, area.frequency)
            loaded[name] = whole.window(basis.forecast.buckets.as_of, len(basis.forecast.buckets))
        return loaded[name]

    def demand(keys: Sequence[Key], orders: Orders, recent: Floats) -> Demand:
        was = deltas.on_forecast(forecast(), deltas.parse(base.deltas))
        named = pd.MultiIndex.from_tuples(keys)
        was = was.covering(was.keys.union(named))
        return demand_of(was, was.keys.get_indexer(named), orders, recent, area, run.seed)

    earlier = rows.read(work.database, base, demand)
    return values.Before.of(run, base, basis, earlier, forecast, PATHS) if earlier else None


def _proposals(run: Plan, basis: Basis, known: Inputs, planned: Planned) -> list[Content]:
    """What is proposed for the rows that were not taken over."""
    forecast = basis.forecast
    origin = basis.origin(run)
    fresh = {key: found for key, found in known.faults.items() if key not in planned.same}
    found = list(proposals.data_fixes(origin, fresh))
    found += upkeep.disposals(origin, known, planned, basis.snapshot)
    found += upkeep.lead_times(origin, forecast.buckets, known, basis.snapshot)
    if planned.alone is not None:
        terms = known.terms.iloc[planned.alone.rows]
        changed = changes.Found.alone(forecast.buckets, known, planned.alone, basis.snapshot, PATHS)
        orders = proposals.orders(origin, forecast.buckets, terms, planned.alone.plan.orders, changed.enlarged)
        found += [*orders, *changed.proposals(origin, forecast.buckets)]
    if planned.together is not None:
        found += network_proposals.orders(origin, forecast.buckets, known, planned.together)
        found += network_proposals.overtime(origin, forecast.buckets, planned.together)
        changed = changes.Found.together(forecast.buckets, known, planned.together, basis.snapshot)
        found += changed.proposals(origin, forecast.buckets)
    return found


def _outcomes(work: jobs.Work[Plan], client: ForecastClient, basis: Basis, beat: Beat) -> list[dict[str, Any]]:
    """What became of decisions whose time is over when the plan begins."""

    def demand(first: datetime.date) -> pa.Table:
        return client.demand(basis.who.area.area, first.isoformat(), lambda: beat(0, 0))

    return evaluation.evaluate(work.database, work.run, basis.forecast.buckets, demand)


def _learned(work: jobs.Work[Plan], basis: Basis) -> list[Content]:
    """What people know again and again."""
    with work.database.read() as session:
        return list(learning.proposals(basis.origin(work.run), learning.groups(session, work.run.area)))


def _file(session: Session, run: Plan, basis: Basis, known: Inputs, wished: list[Content]) -> list[PlanWarningOut]:
    """Into the inbox; of a scenario, beside it: nobody is to decide on what is only supposed."""
    categories = basis.items["category"].dropna()
    noticed = grounding.Noticed(quality.flags(basis, known), dict(zip(categories.index, categories, strict=True)))
    if run.scenario is not None:
        earlier = grounding.before(session, basis.who, wished)
        filing.store(session, run, grounding.grounded(session, basis.who, run, wished, noticed, earlier))
        return []
    counted = set(basis.snapshot.commitments["recommendation_id"])
    return filing.file(session, run, basis.who, wished, counted, noticed)


def _describe(run: Plan, basis: Basis, known: Inputs, planned: Planned) -> None:
    """Say on what the run rests, how it was computed and what it achieves."""
    forecast = basis.forecast
    run.forecast_id, run.model_version = forecast.id, forecast.model_version
    run.as_of, run.periods = forecast.buckets.as_of, forecast.buckets.periods
    run.code_version = code_version()
    facts = {"keys": known.terms.index.tolist(), "periods": forecast.buckets.periods, "seed": run.seed, "paths": PATHS}
    found = planned.comparison(len(forecast.buckets))
    network = (planned.together.web.network,) if planned.together else ()
    run.input_digest = digest({**facts, "rows": [row.hex() for row in planned.inputs]}, *network)
    results = [found] if found else []
    run.output_digest = digest({"input": run.input_digest, "rows": [row.hex() for row in planned.outputs]}, *results)
    run.method = described(known, planned, found, PATHS) if found else None
    run.kpis = kpis.comparison(found) if found else None
    run.path_costs = planned.tallies[0].relevant.tolist() if planned.tallies else None
    run.measures = _measures(basis, known) if found else None
    run.tallies = takeover.to_bytes(planned.tallies) if planned.tallies and _may_be_taken_over(run, planned) else None
    run.progress_done = run.progress_total = len(known.terms)
    run.progress_unit = UNIT


def _may_be_taken_over(run: Plan, planned: Planned) -> bool:
    """Whether later plans may: not from a scenario, and not where rows depend on each other."""
    return run.scenario is None and planned.together is None


def _dear(known: Inputs, found: Comparison) -> list[PlanWarningOut]:
    """A warning where a plan costs more than doing nothing: service targets ask for what shortage does not cost."""
    targets = int(known.supply.targeted.sum())
    if targets == 0 or found.plan.cost_relevant.mean <= found.nothing.cost_relevant.mean:
        return []
    detail = "The plan costs more than doing nothing would: service targets ask for more than shortage costs."
    return [PlanWarningOut(code="service-targets-cost", detail=detail, count=targets)]


def _measures(basis: Basis, known: Inputs) -> dict[str, Any]:
    """What KPIs are made of beside the plan's own figures."""
    return {
        "assets": asdict(assets(known.supply, known.demand)),
        "forecast_accuracy": basis.plain.get("accuracy") or None,
    }


def _counts(session: Session, run: Plan, known: Inputs) -> dict[str, int]:
    fixes, orders = proposed.counts(session, run)
    counts = CountsOut(item_locations=known.known, planned=len(known.terms), orders=orders, data_fixes=fixes)
    return counts.model_dump()
