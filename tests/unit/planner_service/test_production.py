"""Processes, their components and loads, and resources with their hours over HTTP."""

import pytest

from tests.unit.planner_service.test_supply import counts

PROCESS = {"process": "P", "item": "A", "location": "L", "yield_rate": 0.9}
COMPONENT = {"process": "P", "component": "B", "quantity_per": 2.0, "scrap_rate": 0.1, "offset": 1, "uom": "kg"}
LOAD = {"process": "P", "resource": "R", "hours_per_unit": 0.5, "setup_hours": 2.0}
RESOURCE = {"resource": "R", "hours": 40.0, "overtime_hours": 8.0, "overtime_cost": "30.00"}
CAPACITY = {"resource": "R", "day": "2026-03-02", "hours": 32.0, "overtime_hours": 0.0}
TABLES = [
    ("processes", PROCESS, {"process": "Q"}, {"yield_rate": 0.8}),
    ("process-components", COMPONENT, {"component": "C"}, {"quantity_per": 3.0}),
    ("process-loads", LOAD, {"resource": "S"}, {"hours_per_unit": 0.6}),
    ("resources", RESOURCE, {"resource": "S"}, {"hours": None}),
    ("resource-capacity", CAPACITY, {"day": "2026-03-09"}, {"hours": 0.0}),
]
IDS = [path for path, *_ in TABLES]


def query(row, another):
    """What names the row alone: the first field, and the one in which the other differs."""
    key = dict.fromkeys([next(iter(row)), *another])
    return "&".join(f"{name}={row[name]}" for name in key)


@pytest.mark.parametrize(("path", "row", "another", "change"), TABLES, ids=IDS)
def test_rows_are_stored_shown_and_removed_by_their_natural_key(area, path, row, another, change):
    path = f"/supply/{path}"
    other = row | another
    assert area.ok("PUT", path, json=row) == counts(1, 1, 0, 0)
    assert area.ok("PUT", path, json=[row, other]) == counts(2, 1, 0, 1)
    assert area.ok("PUT", path, json=[row | change, other]) == counts(2, 0, 1, 1)
    assert sorted(map(str, area.ok("GET", path)["items"])) == sorted(map(str, [row | change, other]))
    first = area.ok("GET", f"{path}?limit=1")
    following = area.ok("GET", f"{path}?limit=1&cursor={first['next_cursor']}")
    assert (len(following["items"]), following["next_cursor"]) == (1, None)
    assert area("DELETE", f"{path}?{query(row, another)}").status_code == 204
    assert area("DELETE", f"{path}?{query(row, another)}").status_code == 404
    assert area.ok("GET", path)["items"] == [other]


@pytest.mark.parametrize(("path", "row", "another", "change"), TABLES, ids=IDS)
def test_two_rows_of_one_key_are_refused(area, path, row, another, change):
    answer = area("PUT", f"/supply/{path}", json=[row, row | change])
    assert [error["pointer"] for error in answer.json()["errors"]] == ["#/0", "#/1"]
    assert area.ok("GET", f"/supply/{path}")["items"] == []


@pytest.mark.parametrize(("path", "row", "another", "change"), TABLES, ids=IDS)
def test_another_area_sees_nothing(area, client, database, upstream, path, row, another, change):
    area.ok("PUT", f"/supply/{path}", json=row)
    elsewhere = type(area)(client, area.area.__class__(**{**vars(area.area), "area": "elsewhere"}), database, upstream)
    assert elsewhere.ok("GET", f"/supply/{path}")["items"] == []
    assert elsewhere("DELETE", f"/supply/{path}?{query(row, another)}").status_code == 404


@pytest.mark.parametrize(
    ("path", "text", "row"),
    [
        ("processes", "process,item,location\nP,A,L\n", PROCESS | {"yield_rate": 1.0}),
        (
            "process-components",
            "process,component,quantity_per,uom\nP,B,2,\n",
            COMPONENT | {"scrap_rate": 0.0, "offset": 0, "uom": None},
        ),
        ("process-loads", "process,resource,hours_per_unit\nP,R,0.5\n", LOAD | {"setup_hours": 0.0}),
        (
            "resources",
            "resource,hours\nR,\n",
            {"resource": "R", "hours": None, "overtime_hours": 0.0, "overtime_cost": "0"},
        ),
        ("resource-capacity", "resource,day,hours\nR,2026-03-02,32\n", CAPACITY),
    ],
)
def test_a_table_in_csv_needs_only_what_has_no_default(area, path, text, row):
    headers = {"content-type": "text/csv"}
    assert area("PUT", f"/supply/{path}", content=text, headers=headers).json() == counts(1, 1, 0, 0)
    assert area.ok("GET", f"/supply/{path}")["items"] == [row]


@pytest.mark.parametrize(
    ("path", "row", "field"),
    [
        ("processes", PROCESS | {"yield_rate": 0}, "yield_rate"),
        ("processes", PROCESS | {"yield_rate": 1.01}, "yield_rate"),
        ("process-components", COMPONENT | {"quantity_per": 0}, "quantity_per"),
        ("process-components", COMPONENT | {"scrap_rate": 1}, "scrap_rate"),
        ("process-components", COMPONENT | {"offset": -1}, "offset"),
        ("process-loads", LOAD | {"hours_per_unit": -1}, "hours_per_unit"),
        ("process-loads", LOAD | {"setup_hours": -1}, "setup_hours"),
        ("resources", RESOURCE | {"hours": -1}, "hours"),
        ("resources", RESOURCE | {"overtime_cost": "-1.00"}, "overtime_cost"),
        ("resource-capacity", CAPACITY | {"overtime_hours": -1}, "overtime_hours"),
        ("resource-capacity", CAPACITY | {"day": "2026-02-30"}, "day"),
    ],
)
def test_a_bad_row_is_refused(area, path, row, field):
    answer = area("PUT", f"/supply/{path}", json=row)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [f"#/0/{field}"])
    assert area.ok("GET", f"/supply/{path}")["items"] == []
