"""A plan on a cluster is the plan of one process, bit for bit."""

import pytest

from services.planner.engine import plan as engine
from services.planner.plans import run as plan_run
from tests.unit.planner_service.test_network import rules, stock
from tests.unit.planner_service.test_network_plans import policy, resource

distributed = pytest.importorskip("distributed", reason="the extra `dask` is not installed")

NUMBERS = ("input_digest", "output_digest", "kpis", "counts")


def test_two_workers_give_the_bits_of_one_process(area, monkeypatch):
    """Five item-locations in blocks of one, and two that share hours: each is planned on a worker."""
    monkeypatch.setattr(engine, "BLOCK_CELLS", 1)
    area.supply(*"ABCDE")
    for item in "XY":
        stock(area, item, 0)
        rules(area, {"item": item, "lead_time": 0, "resource": "dock", "load_per_unit": 1.0, "order_cost": "9.00"})
    resource(area, "dock", 25)
    policy(area)
    area.forecasts(*"ABCDEXY")
    alone = area.plan()
    assert alone["method"]["name"] == "by_component"
    carry_out = plan_run.carry_out
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        monkeypatch.setattr(plan_run, "carry_out", lambda work, client: carry_out(work, client, address))
        spread = area.plan()
        tasks = cluster.scheduler.transition_counter
    assert tasks > 0
    assert {name: spread[name] for name in NUMBERS} == {name: alone[name] for name in NUMBERS}
