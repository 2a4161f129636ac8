import json

import numpy as np
import pytest

from services.forecast.engine.backtest import Improvement, backtest
from services.forecast.engine.cells import Cancelled, TooShort
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


def test_segments_hold_every_series_once(report):
    assert sum(segment["series"] for segment in report["segments"].values()) == report["series_count"] == 24


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
