"""What a plan of uncoupled item-locations costs: seconds and memory, alone, as a whole job, and beside one big model.

Weekly demand told by quantiles, minimum orders and lot multiples, lead times, lost sales and backlog: made on the spot,
the same for the same seed. `engine` plans arrays, a process for each size. `job` loads a real stack and runs a plan
through the gateway: forecast read, simulation, evidence and writing. `beside` knows demand for certain and compares
dynamic programming with one model of all item-locations in HiGHS, which is given as long, or longer.
"""

import argparse
import datetime
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtri

from bench.report import Goal, report
from bench.stack import Stack, started
from services.planner.engine.dynamic import schedule
from services.planner.engine.inputs import ENDLESS, Demand, Floats, Supply
from services.planner.engine.plan import plan
from shared.paths import series_seeds

KIBIBYTES = 2**20  # in a GiB
PARTS = ("engine", "job", "beside")
LEVELS = np.array([0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975])
PAST = 13
SEED = 5
BEGIN = datetime.date(2026, 1, 5)
PROFILE = {"area": "bench", "frequency": "W", "currency": "USD", "time_zone": "UTC", "horizon": 26}
AREA = "/v1/areas/bench"
PARQUET = "application/vnd.apache.parquet"
SUPPLY = ("inventory", "scheduled-receipts", "supply/sourcing-rules", "supply/planning-policies")
PAUSE_SECONDS = 0.5

GOALS = {
    "engine": (
        Goal("engine_seconds", "at_most", 10),
        Goal("engine_memory_gib", "at_most", 4),
        Goal("growth_2", "at_most", 1.15),  # 1 is linear
        Goal("growth_3", "at_most", 1.15),
    ),
    "job": (Goal("job_seconds", "at_most", 120), Goal("job_memory_gib", "at_most", 4)),
    "beside": (Goal("of_big_model_cost", "at_most", 1.0001), Goal("bound_of_exact_cost", "at_most", 1.0001)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.measure:
        print(json.dumps(MEASURES[options.measure](options)))
        return 0
    figures: dict[str, Any] = {"item_locations": options.series, "periods": options.periods}
    if "engine" in options.parts:
        figures |= _growth(options)
    if "job" in options.parts:
        figures |= _job(options)
    if "beside" in options.parts:
        figures |= {"beside_series": options.beside_series} | _child("beside", options, options.beside_series)
    return report(figures, [goal for part in options.parts for goal in GOALS[part]])


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.plan", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--series", type=int, default=30_000, help="item-locations")
    parser.add_argument("--beside-series", type=int, default=200, help="beside the big model")
    parser.add_argument("--periods", type=int, default=26)
    parser.add_argument("--paths", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="that the big model is given at least")
    parser.add_argument("--measure", choices=[*MEASURES], help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def made(n: int, periods: int) -> tuple[Supply, Demand]:
    """Item-locations whose level spreads over two orders of magnitude, with a season and skewed demand."""
    random = np.random.default_rng(SEED)
    level = random.lognormal(3, 1, n)
    weeks = np.arange(-PAST, periods) / 52
    mean = level[:, None] * (1 + 0.3 * np.sin(2 * np.pi * (weeks + random.random((n, 1)))))
    spread = np.sqrt(np.log1p(random.uniform(0.2, 0.9, n) ** 2))[:, None, None]
    ahead = mean[:, PAST:]
    supply = Supply(
        on_hand=np.round(level * random.uniform(0, 6, n)),
        receipts=np.round(level[:, None] * (random.random((n, periods)) < 0.08)),
        lead_time=random.integers(0, 5, n),
        review=random.integers(1, 3, n),
        lead_spread=np.zeros(n),
        fence=np.zeros(n, dtype=np.int64),
        moq=np.round(level * random.choice([0, 1, 2], n)),
        multiple=np.maximum(np.round(level * random.choice([0.25, 0.5, 1], n)), 1),
        max_qty=np.full(n, np.inf),
        unit_cost=_by_bucket(np.round(random.uniform(1, 20, n), 2), periods),
        order_cost=_by_bucket(random.choice(np.array([0.0, 5.0, 20.0]), n), periods),
        holding_cost=np.round(random.uniform(0.02, 0.2, n), 3),
        shortage_cost=np.round(random.uniform(1, 8, n), 2),
        service_target=np.full(n, np.nan),
        fill_target=np.full(n, np.nan),
        backlog=random.random(n) < 0.5,
        shelf_life=np.full(n, ENDLESS),
        closed=np.zeros((n, periods), dtype=bool),
    )
    demand = Demand(
        levels=LEVELS,
        grid=ahead[:, :, None] * np.exp(spread * ndtri(LEVELS) - spread**2 / 2),
        mean=ahead,
        rho=random.uniform(0, 0.4, n),
        seeds=series_seeds(map(str, range(n))),
        recent=np.round(mean[:, :PAST]),
    )
    return supply, demand


def _by_bucket(values: Floats, periods: int) -> Floats:
    """Costs [n] that stay as they are."""
    return np.repeat(values[:, None], periods, axis=1)


def _growth(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a third, two thirds and all; growth: processor seconds an item-location, of the first."""
    sizes = [options.series * part // 3 for part in (1, 2, 3)]
    found = [_child("engine", options, size) for size in sizes]
    each = [one["processor_seconds"] / size for one, size in zip(found, sizes, strict=True)]
    return {
        "threads": options.threads,
        "engine_seconds": found[-1]["seconds"],
        "engine_processor_seconds": [one["processor_seconds"] for one in found],
        "engine_memory_gib": found[-1]["memory_gib"],
        "growth_2": round(each[1] / each[0], 3),
        "growth_3": round(each[2] / each[0], 3),
    }


def _child(measure: str, options: argparse.Namespace, series: int) -> dict[str, Any]:
    sizes = {name: getattr(options, name) for name in ("periods", "paths", "threads", "seconds")}
    words = [f"--{name}={value}" for name, value in ({"measure": measure, "series": series} | sizes).items()]
    command = [sys.executable, "-m", "bench.plan", *words]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])  # HiGHS greets before it
    return found


def _engine(options: argparse.Namespace) -> dict[str, Any]:
    supply, demand = made(options.series, options.periods)
    began, idle = time.perf_counter(), time.process_time()
    plan(supply, demand, paths=options.paths, threads=options.threads)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "processor_seconds": round(time.process_time() - idle, 2),
        "memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIBIBYTES, 2),
    }


def _beside(options: argparse.Namespace) -> dict[str, Any]:
    """Both plan the mean demand; costs are those of holding, backlog and ordering, which all can wait for."""
    supply, demand = made(options.series, options.periods)
    waiting = replace(supply, backlog=np.ones(options.series, dtype=bool))
    began = time.perf_counter()
    exact = float(schedule(waiting, demand.mean).cost.sum())
    seconds = time.perf_counter() - began
    told = _big_model(waiting, demand.mean, max(seconds, options.seconds), options.threads)
    cost, bound = told["big_model_cost"], told["big_model_bound"]
    return told | {
        "exact_seconds": round(seconds, 2),
        "exact_cost": round(exact, 2),
        "of_big_model_cost": 0.0 if cost is None else round(exact / cost, 4),  # 0: it found no plan at all
        "bound_of_exact_cost": round(bound / exact, 4),
    }


def _big_model(supply: Supply, mean: Floats, seconds: float, threads: int) -> dict[str, Any]:
    """The mixed-integer model: stock less backlog balances, an order is its lots, between smallest and most of all."""
    n, periods = mean.shape
    size = n * periods
    net = supply.receipts - mean
    net[:, 0] += supply.on_hand
    most = np.maximum(np.ceil(-np.cumsum(net, axis=1).min(axis=1) / supply.multiple), 0) + supply.first_lot
    release = np.arange(periods) - supply.lead_time[:, None]
    due = (release >= 0) & (release % supply.review[:, None] == 0)
    change = sparse.kron(sparse.eye_array(n), sparse.eye_array(periods) - sparse.eye_array(periods, k=-1))
    alone, multiple, first, last = (
        sparse.diags_array(np.repeat(values, periods))
        for values in (np.ones(n), supply.multiple, supply.first_lot.astype(np.float64), most)
    )
    matrix = sparse.block_array(
        [[-multiple, None, change, -change], [alone, -first, None, None], [alone, -last, None, None]], format="csc"
    )
    zero, endless = np.zeros(size), np.full(size, highspy.kHighsInf)
    costs = (supply.ordering, supply.holding_cost, supply.shortage_cost)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = 4 * size, 3 * size  # lots and whether any, by arrival; stock and backlog
    model.col_cost_ = np.concatenate([zero, *(np.repeat(cost, periods) for cost in costs)])
    model.col_lower_ = np.zeros(4 * size)
    model.col_upper_ = np.concatenate([np.where(due, most[:, None], 0), due, endless, endless], axis=None)
    model.row_lower_ = np.concatenate([net.ravel(), zero, -endless])
    model.row_upper_ = np.concatenate([net.ravel(), endless, zero])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    whole, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [whole] * (2 * size) + [real] * (2 * size)
    solver = highspy.Highs()
    for name, value in {"output_flag": False, "time_limit": seconds, "threads": threads}.items():
        solver.setOptionValue(name, value)
    began = time.perf_counter()
    solver.passModel(model)
    solver.run()
    info = solver.getInfo()
    found = info.objective_function_value if info.primal_solution_status == 2 else None  # 2: a feasible point
    return {
        "big_model_seconds": round(time.perf_counter() - began, 1),
        "big_model_status": solver.modelStatusToString(solver.getModelStatus()),
        "big_model_cost": found if found is None else round(found, 2),
        "big_model_bound": round(info.mip_dual_bound, 2) if np.isfinite(info.mip_dual_bound) else 0.0,
        "big_model_gap": round(info.mip_gap, 4) if np.isfinite(info.mip_gap) else None,
    }


def _job(options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place, started(Path(place, "data")) as stack:
        stack.call("POST", "/v1/areas", json.dumps(PROFILE).encode())
        forecast = _loaded(stack, *made(options.series, options.periods))
        worker = stack.process("planner", "work")
        worker.forget_peak()
        began = time.perf_counter()
        run = stack.call("POST", f"{AREA}/plans", json.dumps({"forecast": forecast}).encode())["id"]
        told = _finished(stack, "plans", run)
        seconds = time.perf_counter() - began
        return {
            "job_seconds": round(seconds, 1),
            "job_memory_gib": round(worker.peak_mib() / 1024, 2),
            "job_orders": told["counts"]["orders"],
        }


def _loaded(stack: Stack, supply: Supply, demand: Demand) -> str:
    """Store everything that the plan reads; the forecast's id."""
    n, periods = demand.mean.shape
    keys = pd.DataFrame({"item": [f"I{row:05}" for row in range(n)], "location": "L1"})
    _put(stack, "PUT", "items", keys[["item"]])
    _put(stack, "PUT", "locations", pd.DataFrame({"location": ["L1"]}))
    cells = keys.loc[np.repeat(np.arange(n), periods)].assign(period=np.tile(_weeks(0, periods), n))
    quantiles = {f"q{level:g}": demand.grid[:, :, number].ravel() for number, level in enumerate(LEVELS)}
    past = keys.loc[np.repeat(np.arange(n), PAST)].assign(period=np.tile(_weeks(-PAST, 0), n))
    _put(stack, "POST", "demand", past.assign(quantity=demand.recent.ravel()))
    _put(stack, "POST", "inventory", keys.assign(as_of=BEGIN, on_hand=np.maximum(supply.on_hand, 0)))
    due = np.argwhere(supply.receipts > 0)
    under_way = keys.loc[due[:, 0]].assign(
        reference=[f"{row}-{bucket}" for row, bucket in due],
        due=_weeks(0, periods)[due[:, 1]],
        quantity=supply.receipts[due[:, 0], due[:, 1]],
    )
    _put(stack, "POST", "scheduled-receipts", under_way)
    terms = {"lead_time": supply.lead_time, "moq": supply.moq, "multiple": supply.multiple}
    money = {"unit_cost": supply.price.round(6).astype(str), "order_cost": supply.ordering.round(6).astype(str)}
    _put(stack, "PUT", "supply/sourcing-rules", keys.assign(mode="buy", source="S1", **terms, **money))
    wished = {name: getattr(supply, name).round(6).astype(str) for name in ("shortage_cost", "holding_cost")}
    mode = np.where(supply.backlog, "backlog", "lost")
    _put(
        stack, "PUT", "supply/planning-policies", keys.assign(review_period=supply.review, shortage_mode=mode, **wished)
    )
    table = cells.assign(mean=demand.mean.ravel(), **quantiles)
    return str(_put(stack, "POST", "external-forecasts?name=bench", table)["made"])


def _weeks(first: int, last: int) -> Any:
    return np.array([BEGIN + datetime.timedelta(weeks=number) for number in range(first, last)], dtype=object)


def _put(stack: Stack, method: str, path: str, table: pd.DataFrame) -> Any:
    """Load a table; what the answer or the import that it became says."""
    body = io.BytesIO()
    table.to_parquet(body, index=False)
    told = stack.call(method, f"{AREA}/{path}", body.getvalue(), PARQUET)
    kind = "supply/imports" if path in SUPPLY else "imports"
    return _finished(stack, kind, told["id"]) if "status" in told else told


def _finished(stack: Stack, kind: str, run: str) -> Any:
    while (found := stack.call("GET", f"{AREA}/{kind}/{run}"))["status"] in {"queued", "running"}:
        time.sleep(PAUSE_SECONDS)
    if found["status"] != "succeeded" or found.get("rejected"):
        raise RuntimeError(f"{kind}/{run} ended as {found['status']}: {found}")
    return found


MEASURES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {"engine": _engine, "beside": _beside}

if __name__ == "__main__":
    sys.exit(main())
