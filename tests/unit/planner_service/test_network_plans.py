"""Plans of item-locations that use each other, have several sources or share hours."""

import io
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from services.planner.engine import plan as engine
from services.planner.plans import planning
from shared.media import PARQUET
from tests.unit.planner_service.test_network import component, load, make, rules, stock
from tests.unit.planner_service.test_plan_run import lines, recommendations
from tests.unit.planner_service.upstream import demand, values, week

PARTS = ("holding", "shortage", "ordering", "purchase", "overtime")


def forecast(area, table, periods=4, spread=0.0):
    """A forecast of `table` by item and location in L: one number each period, or one for all."""
    known = dict.fromkeys(table, (1.0, 1.0, 1.0))
    shape = values(known, periods).to_pylist()
    for row in shape:
        wanted = table[row["item"], row["location"]]
        step = (row["period"] - week(0)).days // 7
        mean = wanted[step] if isinstance(wanted, list) else wanted
        row |= {"mean": mean, "q0.1": mean * (1 - spread), "q0.5": mean, "q0.9": mean * (1 + spread)}
    area.upstream.forecasts(values(known, periods).from_pylist(shape), demand(dict.fromkeys(known, 0.0)))


def policy(area, **given):
    usual = {"shortage_cost": "1000.00", "holding_cost": "1.00"}
    area.ok("PUT", "/supply/planning-policies", json=usual | given)


def resource(area, name, hours, **given):
    area.ok("PUT", "/supply/resources", json={"resource": name, "hours": hours} | given)


def series(area, item, name, location="L"):
    found = area.ok("GET", f"/plans/latest/lines?item={item}&location={location}")["items"]
    return [line[name] for line in found]


def hours(area, name):
    return [row[name] for row in area.ok("GET", "/plans/latest/resources")["items"]]


def cost(plan, part="total"):
    return float(plan["kpis"]["plan"]["cost"][part]["mean"])


@pytest.fixture
def sailco(area):
    """G11: 40 boats a quarter at 400, more at 450; demand of 40, 60, 75 and 25, 10 in stock, 20 to hold one."""
    stock(area, "boat", 10)
    make(area, "boat", lead_time=0, unit_cost="400.00")
    area.ok("PUT", "/supply/process-loads", json={"process": "make boat", "resource": "yard", "hours_per_unit": 1})
    resource(area, "yard", 40, overtime_hours=100, overtime_cost="50.00")
    policy(area, holding_cost="20.00")
    forecast(area, {("boat", "L"): [40.0, 60.0, 75.0, 25.0]})
    return area


def test_sailco_works_overtime_as_the_book_does(sailco):
    plan = sailco.plan()
    assert cost(plan) == pytest.approx(78450, abs=0.01)
    assert (cost(plan, "overtime"), cost(plan, "holding"), cost(plan, "shortage")) == (2250, 200, 0)
    assert hours(sailco, "load") == pytest.approx([40, 50, 75, 25])
    assert hours(sailco, "overtime") == pytest.approx([0, 10, 35, 0])
    assert series(sailco, "boat", "available") == pytest.approx([10, 0, 0, 0])
    [part] = plan["method"]["components"]
    assert (part["components"], part["item_locations"], float(part["cost"])) == (1, 1, pytest.approx(78450, abs=0.01))
    assert part["gap"] == pytest.approx(0, abs=1e-6)
    assert part["status"] == "complete"


def test_hours_are_told_with_their_price_where_it_is_sure(sailco):
    sailco.plan()
    first, second, third, last = sailco.ok("GET", "/plans/latest/resources")["items"]
    assert (first["resource"], first["period"]) == ("yard", week(0).isoformat())
    assert [row["utilisation"] for row in (first, second, third, last)] == pytest.approx([1, 1.25, 1.875, 0.625])
    assert [float(row["overtime_cost"]) for row in (first, second, third, last)] == [0, 500, 1750, 0]
    assert [row["price"] for row in (first, second, third, last)] == ["30.00", "50.00", "50.00", None]
    assert (third["available"], third["overtime_available"]) == (40, 100)


def test_overtime_is_proposed_and_not_to_be_ordered(sailco):
    sailco.plan()
    [proposed] = recommendations(sailco, "type=add_capacity")
    assert (proposed["item"], proposed["location"], proposed["resource"]) == (None, None, "yard")
    assert proposed["order"] is None
    assert proposed["capacity"]["hours"] == pytest.approx(45)
    assert proposed["capacity"]["cost"] == "2250.00"
    assert [one["period"] for one in proposed["capacity"]["periods"]] == [week(1).isoformat(), week(2).isoformat()]
    # without overtime 45 boats are lost, at 1,000 beyond the price that is then not paid for
    assert float(proposed["capacity"]["net_benefit"]) == pytest.approx(
        45 * 950 + 45 * 450 - 45 * 400 - 2250 + 0, rel=0.2
    )
    answer = sailco(
        "POST",
        f"/recommendations/{proposed['id']}/decisions",
        json={"action": "accept"},
        headers={"If-Match": f'"{proposed["version"]}"'},
    )
    assert answer.status_code == 201, answer.text
    assert sailco.ok("GET", "/orders")["items"] == []
    assert sailco.plan()["status"] == "succeeded"


def test_what_cannot_wait_is_proposed_with_what_binds(sailco):
    sailco.plan()
    [made] = recommendations(sailco, "type=produce")
    order = made["order"]
    assert (order["quantity"], order["source"], order["release_date"]) == (40, "make boat", week(0).isoformat())
    assert order["cost_of_acting"]["purchase"] == "16000.00"
    assert {one["resource"] for one in order["binding_constraints"]} <= {"yard"}
    assert float(order["net_benefit"]) > 0


def test_resources_come_in_every_format(sailco):
    sailco.plan()
    answer = sailco("GET", "/plans/latest/resources", headers={"Accept": PARQUET})
    table = pq.read_table(io.BytesIO(answer.content))
    assert table["load"].to_pylist() == pytest.approx([40, 50, 75, 25])
    assert table["price"].to_pylist()[-1] is None
    page = sailco.ok("GET", "/plans/latest/resources?limit=3")
    rest = sailco.ok("GET", f"/plans/latest/resources?limit=3&cursor={page['next_cursor']}")
    assert len(page["items"] + rest["items"]) == 4
    assert sailco.ok("GET", "/plans/latest/resources?resource=elsewhere")["items"] == []


def test_the_total_is_the_sum_of_parts_lines_and_resources(sailco):
    plan = sailco.plan()
    figures = plan["kpis"]["plan"]["cost"]
    assert sum(Decimal(figures[part]["mean"]) for part in PARTS) == Decimal(figures["total"]["mean"])
    names = [f"{part}_cost" for part in PARTS if part != "overtime"]
    told = sum(Decimal(line[name]) for line in lines(sailco, "boat") for name in names)
    told += sum(Decimal(row["overtime_cost"]) for row in sailco.ok("GET", "/plans/latest/resources")["items"])
    assert told == Decimal(figures["total"]["mean"])


def test_components_are_bought_for_what_is_made_of_them(area):
    """10 tables a week, 4 legs each; a table takes a week, legs are bought a week ahead in lots of 50."""
    stock(area, "table", 20)
    stock(area, "leg", 40)
    make(area, "table", lead_time=1)
    component(area, "make table", "leg", quantity_per=4)
    rules(area, {"item": "leg", "lead_time": 1, "multiple": 50})
    policy(area, item="table")
    policy(area, item="leg", holding_cost="0.10")
    forecast(area, {("table", "L"): 10.0}, periods=5)
    plan = area.plan()
    assert plan["kpis"]["plan"]["cost"]["shortage"]["mean"] == "0.00"
    releases = series(area, "table", "planned_releases")
    assert releases == pytest.approx([0, 10, 10, 10, 0])
    assert series(area, "leg", "dependent_demand") == pytest.approx([4 * units for units in releases])
    assert series(area, "leg", "demand") == series(area, "leg", "dependent_demand")
    bought = series(area, "leg", "planned_releases")
    assert bought == pytest.approx([0, 50, 50, 0, 0])
    available = series(area, "leg", "available")
    assert available == pytest.approx([40, 0, 10, 20, 20])


def test_a_transfer_takes_from_where_it_comes(area):
    """A depot that has 100 and a shop that sells 10 a week, a week away."""
    stock(area, "A", 100, "depot")
    stock(area, "A", 10, "L")
    rules(area, {"item": "A", "mode": "transfer", "source": "depot", "lead_time": 1, "unit_cost": "0.50"})
    rules(area, {"item": "A", "location": "depot", "lead_time": 1})
    policy(area)
    policy(area, location="depot", holding_cost="0.20")
    forecast(area, {("A", "L"): 10.0})
    area.plan()
    assert series(area, "A", "planned_releases") == pytest.approx([10, 10, 10, 0])
    assert series(area, "A", "dependent_demand", "depot") == pytest.approx([10, 10, 10, 0])
    assert series(area, "A", "available", "depot") == pytest.approx([90, 80, 70, 70])
    [moved] = recommendations(area)
    assert (moved["type"], moved["location"], moved["order"]["source"]) == ("transfer", "L", "depot")
    assert moved["order"]["quantity"] == 10
    assert moved["text"].startswith("Transfer 10 of A for L from depot")


def test_hours_that_do_not_suffice_go_to_what_is_dearest_to_lack(area):
    """Two items of an hour each, 10 an hour a week each wanted, 12 hours there: B is 5 times as dear to lack."""
    for item in ("A", "B"):
        stock(area, item, 0)
        make(area, item, lead_time=0)
        area.ok(
            "PUT", "/supply/process-loads", json={"process": f"make {item}", "resource": "line", "hours_per_unit": 1}
        )
    resource(area, "line", 12)
    policy(area, item="A", shortage_cost="10.00")
    policy(area, item="B", shortage_cost="50.00")
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 10.0})
    plan = area.plan()
    assert series(area, "A", "planned_releases") == pytest.approx([2, 2, 2, 2])
    assert series(area, "B", "planned_releases") == pytest.approx([10, 10, 10, 10])
    assert cost(plan, "shortage") == pytest.approx(4 * 8 * 10)
    assert {price for row in area.ok("GET", "/plans/latest/resources")["items"] if (price := row["price"])} == {"10.00"}


def test_hours_that_suffice_join_nothing(area):
    for item in ("A", "B"):
        stock(area, item, 0)
        make(area, item, lead_time=0)
        load(area, f"make {item}", "line")
    resource(area, "line", 100)
    policy(area)
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 10.0})
    plan = area.plan()
    assert plan["method"]["components"] == []
    assert hours(area, "load") == pytest.approx([10, 10, 10, 10])
    assert {row["price"] for row in area.ok("GET", "/plans/latest/resources")["items"]} == {None}


def test_what_was_looked_at_for_its_hours_is_planned_once(area, monkeypatch):
    for item in ("A", "B", "bought"):
        stock(area, item, 0)
    for item in ("A", "B"):
        make(area, item, lead_time=0)
        load(area, f"make {item}", "line")
    rules(area, {"item": "bought"})
    resource(area, "line", 100)
    policy(area)
    forecast(area, {("A", "L"): 10.0, ("B", "L"): 10.0, ("bought", "L"): 10.0}, spread=0.5)
    at_once, planned = engine.plan, []

    def counted(supply, demand, **options):
        planned.append(len(supply.on_hand))
        return at_once(supply, demand, **options)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "plan", counted)
        plan = area.plan()
    assert planned == [2, 1]
    with monkeypatch.context() as patch:
        patch.setattr(planning, "coupled", lambda *_: planning.Coupled(None, None))
        whole = area.plan()
    assert plan["output_digest"] == whole["output_digest"]
    assert plan["kpis"] == whole["kpis"]


def test_an_expedited_order_is_proposed_as_one(area):
    stock(area, "A", 10)
    hurry = {"expedite_lead_time": 1, "expedite_surcharge": "2.00"}
    rules(area, {"item": "A", "lead_time": 2} | hurry)
    policy(area, shortage_cost="50.00")
    forecast(area, {("A", "L"): 10.0})
    plan = area.plan()
    assert cost(plan, "shortage") == 0
    proposed = {one["type"]: one["order"] for one in recommendations(area)}
    assert proposed["expedite"]["quantity"] == 10
    assert proposed["expedite"]["receipt_date"] == week(1).isoformat()
    assert proposed["expedite"]["cost_of_acting"]["purchase"] == "60.00"
    assert proposed["expedite"]["stockout_probability"] == {"without": 1.0, "with": 0.0}
    assert proposed["expedite"]["cost_of_inaction"]["mean"] == "500.00"
    told = {one["kind"]: one for one in proposed["expedite"]["alternatives"]}
    assert list(told) == ["larger_lot", "smaller_lot", "wait"]
    assert proposed["expedite"]["net_benefit"] == "480.00"  # ten units that would be lost at 50, for 2 more each
    assert told["larger_lot"]["net_benefit"] == "477.00"  # a unit held for a week at 1, bought for 2 more
    assert told["smaller_lot"]["net_benefit"] == "432.00"  # a unit lost at 50, that would have cost 2 more
    assert told["wait"]["net_benefit"] == "0.00"
    assert told["wait"]["stockout_probability"] == 1.0
    assert proposed["buy"]["quantity"] == 10


def test_what_shares_nothing_is_planned_beside_a_network_as_it_is_alone(sailco):
    sailco.supply("A")
    table = {("boat", "L"): [40.0, 60.0, 75.0, 25.0], ("A", "L"): 10.0}
    forecast(sailco, table, spread=0.4)
    policy(sailco, item="A", holding_cost=None, shortage_cost="6.00")
    together = sailco.plan()
    beside, proposed = lines(sailco, "A"), recommendations(sailco, "item=A&status=proposed")
    sailco("DELETE", "/supply/process-loads?process=make boat&resource=yard")
    alone = sailco.plan()
    assert lines(sailco, "A") == beside
    figures = [{**one["order"], "id": None} for one in (*proposed, *recommendations(sailco, "item=A&status=proposed"))]
    assert figures[0] == figures[1]
    assert together["method"]["name"] == "by_component"
    assert alone["method"]["components"] == []
    assert together["kpis"]["nothing"] == alone["kpis"]["nothing"]


def test_uncertain_demand_of_a_network_has_a_spread_and_a_safety_stock(sailco):
    forecast(sailco, {("boat", "L"): [40.0, 60.0, 75.0, 25.0]}, spread=0.4)
    plan = sailco.plan()
    first = lines(sailco, "boat")[0]
    assert first["safety_stock"] > 0
    assert first["available_p10"] < first["available_p50"] < first["available_p90"]
    total = plan["kpis"]["plan"]["cost"]["total"]
    assert float(total["p10"]) < float(total["p90"])
    assert 0 < plan["kpis"]["plan"]["stockout_probability"]["mean"] < 1


def test_the_same_network_gives_the_same_digests(sailco):
    first, second = sailco.plan(), sailco.plan()
    assert first["output_digest"] == second["output_digest"]
    resource(sailco, "yard", 41, overtime_hours=100, overtime_cost="50.00")
    third = sailco.plan()
    assert third["input_digest"] != first["input_digest"]


def test_where_anything_is_planned_together_nothing_is_taken_over(sailco):
    """A is the same in all plans, but which rows are coupled may change by what others do."""
    sailco.supply("A")
    forecast(sailco, {("boat", "L"): [40.0, 60.0, 75.0, 25.0], ("A", "L"): 10.0})
    first = sailco.plan()
    numbers = ("input_digest", "output_digest", "kpis", "counts", "method")
    again = sailco.plan(net_change=True)
    assert (again["base"], again["taken_over"]) == (first["id"], 0)
    assert {name: again[name] for name in numbers} == {name: first[name] for name in numbers}
    resource(sailco, "yard", 200)
    apart = sailco.plan()
    assert apart["method"]["components"] == []
    stock(sailco, "A", 11)
    part = sailco.plan(net_change=True)
    assert (part["base"], part["taken_over"]) == (apart["id"], 1)
    assert hours(sailco, "load") == pytest.approx([30, 60, 75, 25])
    resource(sailco, "yard", 40)
    coupled = sailco.plan(net_change=True)
    assert coupled["method"]["name"] == "by_component"
    assert coupled["taken_over"] == 0
    whole = sailco.plan()
    assert {name: coupled[name] for name in numbers} == {name: whole[name] for name in numbers}
