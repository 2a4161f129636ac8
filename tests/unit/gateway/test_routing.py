"""Every operation of the table is found, and nothing beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.access import AREA, OPERATIONS, Operation
from services.gateway.contract import shape_of
from services.gateway.routing import Routes

ROUTES = Routes(OPERATIONS)
KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)


def filled(template, values):
    return re.sub(r"\{\w+\}", lambda _: next(values), template)


@given(operation=st.sampled_from(OPERATIONS), values=st.lists(KEYS, min_size=3, max_size=3))
def test_every_operation_is_found_whatever_its_parameters(operation, values):
    words = {segment for each in OPERATIONS for segment in each.path.split("/")}
    values = [value + "0" if value in words else value for value in values]
    found = ROUTES.find(filled(operation.path, iter(values)))
    assert found.operations[operation.method] is operation
    assert found.area == (values[0] if "{area}" in operation.path else None)


@given(bad=st.sampled_from(["", ".", "..", "a/b", "a%2Fb", "a b", "ä", "a\x00", "-a", "a" * 65, "*"]))
def test_nothing_is_found_where_a_parameter_is_no_key(bad):
    assert ROUTES.find(f"/v1/areas/{bad}/items") is None
    assert ROUTES.find(f"/v1/areas/north/forecasts/{bad}/values") is None


@pytest.mark.parametrize(
    "path",
    ["", "/", "/v1", "/v1/areas/", "/v1/areas/north/items/", "//v1/areas", "/V1/areas", "/v1/areas/north/nothing"],
)
def test_other_paths_do_not_exist(path):
    assert ROUTES.find(path) is None


def test_a_word_goes_before_a_parameter():
    word, parameter = (Operation("GET", path, "Plans", (), None) for path in ("/plans/compare", "/plans/{plan}"))
    routes = Routes([parameter, word])
    assert routes.find("/plans/compare").operations["GET"] is word
    assert routes.find("/plans/latest").operations["GET"] is parameter


def test_a_verb_stands_behind_a_parameter():
    plain, verb = (Operation("POST", path, "Plans", (), None) for path in ("/plans/{plan}", "/plans/{plan}:try"))
    routes = Routes([plain, verb])
    assert routes.find("/plans/a").operations["POST"] is plain
    assert routes.find("/plans/a:try").operations["POST"] is verb
    for path in ("/plans/a:", "/plans/:try", "/plans/a:other", "/plans/a:try:try", "/plans/a b:try"):
        assert routes.find(path) is None


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_every_operation_is_found(operation):
    found = ROUTES.find(filled(operation.path, iter(["north", "a0", "b0"])))
    assert found.operations[operation.method] is operation


def test_the_table_names_no_operation_twice():
    shapes = [(operation.method, shape_of(operation.path)) for operation in OPERATIONS]
    assert len(set(shapes)) == len(shapes)


def test_an_administrator_may_everything():
    assert [each for each in OPERATIONS if each.roles is not None and "admin" not in each.roles] == []


def test_a_service_may_read_tell_what_happened_recommend_and_ask_for_what_ifs_and_nothing_else():
    writes = [each for each in OPERATIONS if each.method != "GET" and "service" in (each.roles or ())]
    told = {(each.method, each.path) for each in writes}
    assert told == {("POST", f"{AREA}/{path}") for path in ("forecasts", "events", "recommendations")}
