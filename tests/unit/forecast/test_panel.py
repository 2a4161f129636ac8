import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.panel import DriverDefinition, Panel
from tests.unit.forecast.conftest import panel_of

DEMAND = pd.DataFrame(
    [
        ("b", "south", "2024-02-01", 4.0),
        ("a", "north", "2024-01-01", 1.0),
        ("a", "north", "2024-03-01", 3.0),
    ],
    columns=["item", "location", "period", "quantity"],
)


def monthly(demand=DEMAND, **given) -> Panel:
    return Panel.from_long(demand, frequency="M", **({"horizon": 2} | given))


def test_aligns_series_and_periods():
    panel = monthly()
    assert panel.series["item"].tolist() == ["a", "b"]
    assert panel.periods.astype(str).tolist() == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert panel.future.astype(str).tolist() == ["2024-04-01", "2024-05-01"]
    assert panel.season == 12


def test_gaps_are_zero_from_the_first_record_on():
    assert np.array_equal(monthly().demand, [[1, 0, 3], [np.nan, 4, 0]], equal_nan=True)


def test_gaps_are_unknown_on_request():
    demand = monthly(gaps="unknown").demand
    assert np.array_equal(demand, [[1, np.nan, 3], [np.nan, 4, np.nan]], equal_nan=True)


def test_demand_out_of_stock_is_unknown():
    demand = monthly(DEMAND.assign(in_stock=[True, True, False])).demand
    assert np.array_equal(demand, [[1, 0, np.nan], [np.nan, 4, 0]], equal_nan=True)


def test_history_can_end_after_the_last_sale():
    panel = monthly(last_period=np.datetime64("2024-04-01"))
    assert panel.demand[:, -1].tolist() == [0, 0]


def test_item_locations_without_history_are_all_unknown():
    new = pd.DataFrame({"item": ["c"], "location": ["north"]})
    panel = monthly(item_locations=new)
    assert panel.series["item"].tolist() == ["a", "b", "c"]
    assert np.isnan(panel.demand[2]).all()


def test_attributes_join_by_the_keys_they_have():
    items = pd.DataFrame({"item": ["a"], "category": ["bread"]})
    places = pd.DataFrame({"location": ["north", "south"], "region": ["n", "s"]})
    series = monthly(attributes=[items, places]).series
    assert series["region"].tolist() == ["n", "s"]
    assert series["category"].isna().tolist() == [False, True]


def test_drivers_are_broadcast_by_scope():
    line = pd.DataFrame({"period": ["2024-01-01", "2024-05-01"], "value": [1.0, 2.0]})
    place = pd.DataFrame({"location": ["south"], "period": ["2024-02-01"], "value": [7.0]})
    definitions = DriverDefinition("holiday", "event"), DriverDefinition("rain", "weather")
    panel = monthly(drivers=list(zip(definitions, (line, place), strict=True)))
    holiday, rain = panel.drivers
    assert np.array_equal(holiday.matrix, [[1, np.nan, np.nan, np.nan, 2]] * 2, equal_nan=True)
    assert np.isnan(rain.matrix[0]).all()
    assert rain.matrix[1, 1] == 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": [1.0, np.nan, 2.0]}, "a number"),
        ({"quantity": [1.0, np.inf, 2.0]}, "finite"),
        ({"quantity": [1.0, -1.0, 2.0]}, "negative"),
        ({"period": ["2024-01-15", "2024-01-01", "2024-02-01"]}, "no bucket start"),
        ({"item": "a", "location": "x", "period": "2024-01-01"}, "more than one row"),
    ],
)
def test_bad_rows_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        monthly(DEMAND.assign(**change))


def test_demand_after_the_end_of_history_is_refused():
    with pytest.raises(ValueError, match="after the last period"):
        monthly(last_period=np.datetime64("2024-02-01"))


def test_weeks_keep_their_anchor_day_over_a_year_with_53_weeks():
    rows = pd.DataFrame(
        {"item": "a", "location": "n", "period": pd.date_range("2020-12-21", periods=4, freq="7D"), "quantity": 1.0}
    )
    panel = Panel.from_long(rows, frequency="W", horizon=1)
    assert panel.periods.astype(str).tolist() == ["2020-12-21", "2020-12-28", "2021-01-04", "2021-01-11"]


def test_going_back_hides_what_was_not_yet_published():
    periods = pd.date_range("2024-01-01", periods=3, freq="MS")
    values = pd.DataFrame({"period": periods, "value": [1.0, 2.0, 3.0]})
    late = DriverDefinition("index", "economic", known_ahead=False, publication_delay=2)
    panel = monthly(drivers=[(late, values)]).until(2)
    assert panel.demand.shape == (2, 2)
    assert panel.future.astype(str).tolist() == ["2024-03-01", "2024-04-01"]
    assert np.array_equal(panel.drivers[0].matrix[0], [1, np.nan, np.nan, np.nan], equal_nan=True)


def test_a_past_only_driver_needs_a_delay():
    with pytest.raises(ValueError, match="publication_delay"):
        DriverDefinition("index", "economic", known_ahead=False, publication_delay=0)


@pytest.mark.parametrize("bad", [-1.0, np.inf])
def test_a_panel_refuses_impossible_demand(bad):
    with pytest.raises(ValueError, match="finite and not negative"):
        panel_of([[1.0, bad]])
