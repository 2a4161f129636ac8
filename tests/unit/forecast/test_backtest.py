import json

import numpy as np
import pandas as pd
import pytest

from services.forecast.engine.backtest import BacktestReport, Improvement, Outcome, backtest
from services.forecast.engine.cells import QUANTILES, Cancelled, TooShort
from services.forecast.engine.level_scores import level_outcomes
from services.forecast.engine.members import MEMBERS
from tests.unit.forecast.conftest import panel_of, seasonal_demand


@pytest.fixture(scope="module")
def report():
    return backtest(panel_of(seasonal_demand(), horizon=4), origins=2, threads=1).to_dict()


def test_origins_do_not_overlap_and_end_with_history(report):
    assert report["origins"] == ["2024-05-01", "2024-09-01"]


def test_beats_seasonal_naive_where_it_should(report):
    overall = report["overall"]
    assert overall["model"]["wql"] < overall["seasonal_naive"]["wql"]
    better = report["improvement"]["wql"]
    assert better["low"] <= better["estimate"] <= better["high"]
    assert better["estimate"] > 0.1
    assert report["series"]["better"] + report["series"]["worse"] == 24


def test_the_model_adds_value_to_members_that_know_no_season(report):
    for found in (report["members"], report["segments"]["smooth"]["members"]):
        assert set(found) == set(MEMBERS)
        assert found["tsb"]["value_added"] > 0.5
        assert found["tsb"]["value_added"] == pytest.approx(
            1 - report["overall"]["model"]["rmsse"] / found["tsb"]["rmsse"]
        )


def test_segments_hold_every_series_once(report):
    assert sum(segment["series"] for segment in report["segments"].values()) == report["series_count"] == 24


def test_volumes_share_out_every_series_of_every_segment(report):
    for found in (report, *report["segments"].values()):
        count = found.get("series_count") or found["series"]
        assert sum(volume["series"] for volume in found["volumes"].values()) == count
    smooth = report["segments"]["smooth"]
    assert smooth["volumes"]["A"]["model"]["wmape"] == pytest.approx(report["volumes"]["A"]["model"]["wmape"])


def test_levels_tell_what_reconciling_gains(report):
    assert report["levels"].keys() == {"total"}
    total = report["levels"]["total"]
    assert total["nodes"] == 1
    assert total["gain"] == pytest.approx(1 - total["reconciled"]["rmsse"] / total["summed"]["rmsse"])
    assert total["reconciled"]["wmape"] < report["overall"]["model"]["wmape"]


def test_a_factor_is_taken_out_of_what_was_merely_summed():
    known = panel_of([[4, 6, 4], [6, 6, 6]], horizon=2)
    demand, mean = np.array([[4.0, np.nan], [8, 8]]), np.array([[6.0, 6], [6, 6]])
    [total] = level_outcomes(known, demand, mean, factor=np.array([[2.0, 2], [1, 1]]))
    assert total.means["reconciled"].tolist() == [[12, 6]]
    assert total.means["summed"].tolist() == [[9, 6]]
    assert total.demand.tolist() == [[12, 8]]
    assert total.errors("summed") == pytest.approx((np.sqrt((9 + 4) / 2) / 2, 5 / 20, -5 / 20))


def outcome_of(origin, demand, model, naive):
    """One origin at which median and mean of model and yardstick said a constant; one period ahead."""
    demand = np.array(demand, dtype=float)[:, None]
    said = [(np.full(demand.shape, value), np.full((*demand.shape, len(QUANTILES)), value)) for value in (model, naive)]
    segment = np.zeros(len(demand), dtype=int)
    members = np.zeros((len(MEMBERS), *demand.shape))
    history = np.ones((len(demand), 4))
    return Outcome(
        np.array([origin], dtype="datetime64[D]"), history, demand, said[0], said[1], members, segment, volume=segment
    )


def test_cells_tell_where_and_when_seasonal_naive_was_better():
    series = pd.DataFrame({"item": ["A", "B"], "location": "north"})
    outcomes = (
        outcome_of("2024-01-01", [10, 6], model=10.0, naive=6.0),
        outcome_of("2024-02-01", [10, 14], model=12.0, naive=6.0),
    )
    found = BacktestReport(outcomes, series, season=1, seed=1, seconds=0.0, monitoring={}).to_dict()
    assert (found["series"]["better"], found["series"]["worse"]) == (2, 0)
    cells = found["cells"]
    assert (cells["better"], cells["worse"]) == (3, 1)
    assert cells["worst"] == [{"item": "B", "location": "north", "origin": "2024-01-01", "improvement": None}]
    assert [(cell["item"], cell["origin"]) for cell in cells["best"]] == [
        ("B", "2024-02-01"),
        ("A", "2024-01-01"),
        ("A", "2024-02-01"),
    ]
    assert [cell["improvement"] for cell in cells["best"]] == pytest.approx([0.75, 1, 0.5])


def test_cells_hold_every_series_at_every_origin(report):
    cells = report["cells"]
    assert cells["better"] + cells["worse"] == 24 * 2
    assert {cell["origin"] for cell in cells["best"]} <= set(report["origins"])


def test_each_class_has_limits_from_its_own_errors(report):
    assert report["monitoring"].keys() == report["segments"].keys()
    for scope in ("items", "segment"):
        found = report["monitoring"]["smooth"][scope]
        assert (found["basis"], found["limits"]["rate"]) == ("backtest", 0.05)
        assert found["baseline"]["variance"] > 0 < found["limits"]["level"]


def test_the_report_is_plain_json(report):
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_too_short_a_history_is_named():
    with pytest.raises(TooShort, match="backtest needs 10 periods"):
        backtest(panel_of(seasonal_demand(3, 9), horizon=4))


def test_fewer_origins_where_history_is_short():
    report = backtest(panel_of(seasonal_demand(6, 20), horizon=4), origins=9, threads=1).to_dict()
    assert len(report["origins"]) == 3


def test_cancelling_stops_the_backtest():
    with pytest.raises(Cancelled):
        backtest(panel_of(seasonal_demand(), horizon=4), threads=1, cancelled=lambda: True)


def test_an_even_improvement_has_an_interval_of_no_width():
    naive = np.random.default_rng(1).uniform(1, 2, (3, 40))
    found = Improvement.of(0.7 * naive, naive, seed=1)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.3, 0.3, 0.3))


def test_an_improvement_seen_at_one_origin_only_is_in_doubt():
    naive = np.ones((3, 200))
    found = Improvement.of(naive * [[0.4], [1.1], [1.1]], naive, seed=1)
    assert found.low < 0 < found.estimate < found.high
