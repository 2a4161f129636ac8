"""Stock, orders under way, rules and policies over HTTP."""

import pytest

STOCK = {"item": "A", "location": "L", "as_of": "2026-03-02", "on_hand": 5}
RULE = {"item": "A", "location": "L", "mode": "buy", "source": "S", "lead_time": 2, "unit_cost": "4.00"}
RECEIPT = {"reference": "PO-1", "item": "A", "location": "L", "due": "2026-03-09", "quantity": 20}
ORDER = {"reference": "SO-1", "item": "A", "location": "L", "due": "2026-03-09", "quantity": 20}
POLICY = {"item": "A", "service_level": 0.95}
SUMMER = {"effective_from": "2026-06-01", "effective_to": "2026-09-01", "unit_cost": "3.00"}
TABLES = [
    ("POST", "/inventory", STOCK, {"on_hand": 6}),
    ("POST", "/scheduled-receipts", RECEIPT, {"due": "2026-03-16"}),
    ("POST", "/open-orders", ORDER, {"shipped_quantity": 20, "shipped": "2026-03-10"}),
    ("PUT", "/supply/sourcing-rules", RULE, {"unit_cost": "4.01"}),
    ("PUT", "/supply/planning-policies", POLICY, {"review_period": 2}),
]
IDS = [path for _, path, *_ in TABLES]


def counts(received, created, updated, unchanged):
    return {"received": received, "created": created, "updated": updated, "unchanged": unchanged}


@pytest.mark.parametrize(("method", "path", "row", "change"), TABLES, ids=IDS)
def test_rows_are_stored_by_their_natural_key(area, method, path, row, change):
    other = row | {"item": "B"} | ({"reference": "another"} if "reference" in row else {})
    assert area.ok(method, path, json=row) == counts(1, 1, 0, 0)
    assert area.ok(method, path, json=[row, other]) == counts(2, 1, 0, 1)
    assert area.ok(method, path, json=[row | change, other]) == counts(2, 0, 1, 1)
    listed = area.ok("GET", path)["items"]
    assert len(listed) == 2
    assert [one for one in listed if (row | change).items() <= one.items()]
    assert [one["item"] for one in area.ok("GET", f"{path}?item=B")["items"]] == ["B"]
    assert area.ok("GET", f"{path}?item=b")["items"] == []


@pytest.mark.parametrize(("method", "path", "row", "change"), TABLES, ids=IDS)
def test_two_rows_of_one_key_are_refused(area, method, path, row, change):
    answer = area(method, path, json=[row, row | change])
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/0", "#/1"]
    assert area.ok("GET", path)["items"] == []


@pytest.mark.parametrize(("method", "path", "row", "change"), TABLES, ids=IDS)
def test_another_area_sees_nothing(area, client, database, upstream, method, path, row, change):
    area.ok(method, path, json=row)
    elsewhere = type(area)(client, area.area.__class__(**{**vars(area.area), "area": "elsewhere"}), database, upstream)
    assert elsewhere.ok("GET", path)["items"] == []


def test_defaults_are_shown(area):
    area.ok("PUT", "/supply/sourcing-rules", json=RULE)
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "3.50"})
    area.ok("POST", "/scheduled-receipts", json=RECEIPT)
    area.ok("POST", "/open-orders", json=ORDER)
    lots = {"moq": 0.0, "multiple": 1.0, "max_quantity": None, "order_cost": "0", "lead_time_spread": 0.0}
    always = {"effective_from": "1900-01-01", "effective_to": None, "priority": 1, "split": None}
    slow = {"expedite_lead_time": None, "expedite_surcharge": None}
    free = {"resource": None, "load_per_unit": None, "carbon_per_unit": None, "cancellable": False}
    free |= {"strict_lots": False}
    assert area.ok("GET", "/supply/sourcing-rules")["items"] == [RULE | lots | always | slow | free]
    assert area.ok("GET", "/scheduled-receipts")["items"] == [
        RECEIPT | {"kind": "purchase", "status": "released", "cancellable": False, "recommendation_id": None}
    ]
    assert area.ok("GET", "/open-orders")["items"] == [
        ORDER | {"customer": None, "priority": 1, "ordered": None, "shipped_quantity": 0.0, "shipped": None}
    ]
    assert area.ok("GET", "/supply/planning-policies")["items"] == [
        {
            "item": None,
            "location": None,
            "service_level": None,
            "fill_rate": None,
            "shortage_cost": "3.50",
            "shortage_mode": "lost",
            "review_period": 1,
            "frozen_fence": 0,
            "holding_cost": None,
            "max_stock": None,
        }
    ]


def test_a_policy_for_all_is_one_row(area):
    wish = {"service_level": 0.9}
    assert area.ok("PUT", "/supply/planning-policies", json=wish) == counts(1, 1, 0, 0)
    assert area.ok("PUT", "/supply/planning-policies", json=wish) == counts(1, 0, 0, 1)
    assert area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "2.00"}) == counts(1, 0, 1, 0)


@pytest.mark.parametrize(
    ("method", "path", "row", "pointer"),
    [
        ("POST", "/inventory", STOCK | {"on_hand": -1}, "#/0/on_hand"),
        ("POST", "/inventory", STOCK | {"as_of": "2026-02-30"}, "#/0/as_of"),
        ("POST", "/inventory", STOCK | {"onhand": 1}, "#/0/onhand"),
        ("POST", "/scheduled-receipts", RECEIPT | {"quantity": 0}, "#/0/quantity"),
        ("POST", "/scheduled-receipts", RECEIPT | {"kind": "gift"}, "#/0/kind"),
        ("PUT", "/supply/sourcing-rules", RULE | {"lead_time": 1.5}, "#/0/lead_time"),
        ("PUT", "/supply/sourcing-rules", RULE | {"unit_cost": 4}, "#/0/unit_cost"),
        ("PUT", "/supply/sourcing-rules", RULE | {"multiple": 0}, "#/0/multiple"),
        ("PUT", "/supply/sourcing-rules", RULE | {"multiple": 1e-7}, "#/0/multiple"),
        ("PUT", "/supply/sourcing-rules", RULE | {"multiple": 1e-320, "moq": 1}, "#/0/multiple"),
        ("PUT", "/supply/sourcing-rules", RULE | {"multiple": 1e-6, "moq": 1e15}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"moq": 10, "multiple": 6, "max_quantity": 11}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"mode": "transfer", "source": "L"}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"lead_time": -1}, "#/0/lead_time"),
        ("PUT", "/supply/sourcing-rules", RULE | {"lead_time_spread": -0.5}, "#/0/lead_time_spread"),
        ("PUT", "/supply/sourcing-rules", RULE | {"moq": 20, "max_quantity": 10}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"split": 0}, "#/0/split"),
        ("PUT", "/supply/sourcing-rules", RULE | {"priority": 0}, "#/0/priority"),
        ("PUT", "/supply/sourcing-rules", RULE | SUMMER | {"effective_to": "2026-06-01"}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"expedite_lead_time": 1}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"expedite_surcharge": "1.00"}, "#/0"),
        ("PUT", "/supply/sourcing-rules", RULE | {"expedite_lead_time": 2, "expedite_surcharge": "1.00"}, "#/0"),
        ("POST", "/scheduled-receipts", RECEIPT | {"status": "lost"}, "#/0/status"),
        ("POST", "/scheduled-receipts", RECEIPT | {"cancellable": 1}, "#/0/cancellable"),
        ("POST", "/open-orders", ORDER | {"quantity": 0}, "#/0/quantity"),
        ("POST", "/open-orders", ORDER | {"shipped_quantity": 5}, "#/0"),
        ("POST", "/open-orders", ORDER | {"shipped": "2026-03-10"}, "#/0"),
        ("PUT", "/supply/planning-policies", {"service_level": 0.9, "frozen_fence": -1}, "#/0/frozen_fence"),
        ("PUT", "/supply/planning-policies", {"service_level": 1.0}, "#/0/service_level"),
        ("PUT", "/supply/planning-policies", {"service_level": 0.9, "shortage_cost": "1.00"}, "#/0"),
        ("PUT", "/supply/planning-policies", {}, "#/0"),
        ("PUT", "/supply/planning-policies", {"service_level": 0.9, "holding_cost": "0"}, "#/0/holding_cost"),
    ],
)
def test_a_bad_row_is_refused(area, method, path, row, pointer):
    answer = area(method, path, json=row)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert area.ok("GET", path)["items"] == []


def test_lots_are_compared_without_rounding_noise(area):
    rule = RULE | {"moq": 0.3, "multiple": 0.1, "max_quantity": 0.3}
    assert area.ok("PUT", "/supply/sourcing-rules", json=rule) == counts(1, 1, 0, 0)


def test_csv_is_read_as_json_is(area):
    text = "item,location,mode,source,lead_time,moq,unit_cost\nA,L,buy,S,2,10,4.00\nB,L,make,P,0,,2.50\n"
    answer = area("PUT", "/supply/sourcing-rules", content=text, headers={"content-type": "text/csv"})
    assert answer.json() == counts(2, 2, 0, 0)
    rows = area.ok("GET", "/supply/sourcing-rules")["items"]
    assert [(row["item"], row["mode"], row["moq"], row["unit_cost"]) for row in rows] == [
        ("A", "buy", 10.0, "4.00"),
        ("B", "make", 0.0, "2.50"),
    ]


def test_an_item_location_has_a_rule_for_each_source_and_date(area):
    second, summer = RULE | {"source": "T", "priority": 2}, RULE | SUMMER
    assert area.ok("PUT", "/supply/sourcing-rules", json=[RULE, second, summer]) == counts(3, 3, 0, 0)
    assert area.ok("PUT", "/supply/sourcing-rules", json=[RULE, summer | {"split": 0.7}]) == counts(2, 0, 1, 1)
    assert sources(area) == [("S", "1900-01-01"), ("S", "2026-06-01"), ("T", "1900-01-01")]
    assert sources(area, "&mode=buy&source=T") == [("T", "1900-01-01")]
    assert sources(area, "&mode=make") == []
    first = area.ok("GET", "/supply/sourcing-rules?limit=1")
    second = area.ok("GET", f"/supply/sourcing-rules?limit=1&cursor={first['next_cursor']}")
    assert second["items"][0]["effective_from"] == "2026-06-01"


def sources(area, query=""):
    rows = area.ok("GET", f"/supply/sourcing-rules?item=A{query}")["items"]
    return [(row["source"], row["effective_from"]) for row in rows]


def test_which_rule_to_remove_is_said_where_there_are_several(area):
    area.ok("PUT", "/supply/sourcing-rules", json=[RULE, RULE | SUMMER, RULE | {"source": "T"}])
    path = "/supply/sourcing-rules?item=A&location=L"
    for query in ("", "&source=S", "&mode=buy&source=S"):
        refused = area("DELETE", path + query)
        assert (refused.status_code, refused.json()["type"]) == (409, "/docs/errors#several-rows")
        assert "effective_from" in refused.json()["detail"]
    assert len(sources(area)) == 3
    assert area("DELETE", f"{path}&source=S&effective_from=1900-01-01").status_code == 204
    assert area("DELETE", f"{path}&source=S").status_code == 204
    assert area("DELETE", f"{path}&source=S").status_code == 404
    assert area("DELETE", path).status_code == 204
    assert sources(area) == []


def test_rows_are_removed_by_their_key(area):
    area.ok("POST", "/scheduled-receipts", json=RECEIPT)
    area.ok("POST", "/open-orders", json=ORDER)
    area.ok("PUT", "/supply/sourcing-rules", json=RULE)
    by_key = ("/scheduled-receipts?reference=PO-1", "/open-orders?reference=SO-1")
    for path in (*by_key, "/supply/sourcing-rules?item=A&location=L"):
        assert area("DELETE", path).status_code == 204
        assert area("DELETE", path).status_code == 404
        assert area.ok("GET", path)["items"] == []
    assert area("DELETE", "/supply/sourcing-rules?item=A").status_code == 422


def test_pages_follow_each_other(area):
    area.ok("POST", "/inventory", json=[STOCK | {"item": f"I{number}"} for number in range(5)])
    first = area.ok("GET", "/inventory?limit=2")
    second = area.ok("GET", f"/inventory?limit=2&cursor={first['next_cursor']}")
    third = area.ok("GET", f"/inventory?limit=2&cursor={second['next_cursor']}")
    pages = [[row["item"] for row in page["items"]] for page in (first, second, third)]
    assert (pages, third["next_cursor"]) == ([["I0", "I1"], ["I2", "I3"], ["I4"]], None)
    assert area("GET", f"/inventory?location=L&cursor={first['next_cursor']}").status_code == 422
