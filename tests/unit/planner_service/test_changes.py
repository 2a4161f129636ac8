"""Orders under way that had better change: recommended with what that saves, and decided on once."""

from decimal import Decimal

from tests.unit.planner_service.upstream import week

ORDER = {"reference": "PO-1", "item": "A", "location": "L", "due": week(1).isoformat(), "quantity": 20}


def stocked(area, on_hand, **order):
    area.supply("A", lead_time=1, moq=0)
    area.ok(
        "POST", "/inventory", json=[{"item": "A", "location": "L", "as_of": week(0).isoformat(), "on_hand": on_hand}]
    )
    area.ok("POST", "/scheduled-receipts", json=[ORDER | {"kind": "purchase", "status": "released"} | order])
    area.forecasts("A")


def told(area, kind):
    return [one for one in area.ok("GET", "/recommendations")["items"] if one["type"] == kind]


def test_an_order_that_can_wait_is_deferred_and_its_figures_add_up(area):
    stocked(area, 55)
    area.plan()
    [found] = told(area, "defer")
    change = found["change"]
    assert (found["item"], found["order"], change["reference"], change["due"]) == (
        "A",
        None,
        "PO-1",
        week(1).isoformat(),
    )
    assert change["new_due"] in {week(number).isoformat() for number in (3, 4, 5)}
    parts = ("holding_saved", "shortage_saved", "ordering_saved")
    assert Decimal(change["net_benefit"]) == sum(Decimal(change[name]) for name in parts) > 0
    for number in (change["reference"], change["new_due"], change["holding_saved"], change["net_benefit"]):
        assert number in found["text"]


def test_what_is_never_needed_is_cancelled_where_that_can_be(area):
    stocked(area, 500, cancellable=True)
    area.plan()
    [found] = told(area, "cancel")
    change = found["change"]
    assert (change["new_due"], change["quantity"], change["new_quantity"]) == (None, 20.0, 0.0)


def test_an_order_that_has_not_begun_grows_in_place_of_a_new_one(area):
    stocked(area, 0, status="firm", quantity=10)
    area.plan()
    [found] = told(area, "increase")
    assert told(area, "buy") == []
    assert found["change"]["new_quantity"] > 10
    assert f"to {found['change']['new_quantity']:g}: no other order is needed then." in found["text"]


def test_an_order_that_is_wanted_sooner_is_expedited_and_is_no_order_to_release(area):
    stocked(area, 5, due=week(3).isoformat(), quantity=60)
    area.supply("A", lead_time=4, moq=0)
    plan = area.plan()
    inbox = area.ok("GET", "/recommendations")["items"]
    assert plan["counts"]["orders"] == sum(one["order"] is not None for one in inbox)
    [one] = [one for one in told(area, "expedite") if one["change"]]
    assert one["change"]["new_due"] == week(0).isoformat()
    assert Decimal(one["change"]["shortage_saved"]) > 0
    assert f"from {week(3)} to {week(0)} if that can be" in one["text"]
    tag = {"If-Match": f'"{one["version"]}"'}
    area.ok("POST", f"/recommendations/{one['id']}/decisions", json={"action": "accept"}, headers=tag)
    assert area.ok("GET", "/orders?status=to_release")["items"] == []


def test_what_is_on_its_way_or_not_to_be_cancelled_stays(area):
    stocked(area, 500, cancellable=False)
    area.plan()
    assert told(area, "cancel") == told(area, "defer") == []
    stocked(area, 55, status="in_transit")
    area.plan()
    assert told(area, "defer") == []


def test_once_it_is_accepted_it_is_not_recommended_again(area):
    stocked(area, 55)
    area.plan()
    [found] = told(area, "defer")
    tag = {"If-Match": f'"{found["version"]}"'}
    area.ok("POST", f"/recommendations/{found['id']}/decisions", json={"action": "accept"}, headers=tag)
    area.plan()
    [again] = told(area, "defer")
    assert (again["id"], again["status"]) == (found["id"], "accepted")
