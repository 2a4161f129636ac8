import numpy as np
import pytest

from services.forecast.engine import metrics
from services.forecast.engine.cells import QUANTILES

DEMAND = np.array([[10.0, 0.0, 20.0, 30.0]])
FORECAST = np.array([[12.0, 3.0, 15.0, 33.0]])


def test_wmape_and_bias_of_the_golden_case():
    assert metrics.wmape(DEMAND, FORECAST) == pytest.approx(13 / 60)
    assert metrics.bias(DEMAND, FORECAST) == pytest.approx(0.05)


@pytest.mark.parametrize(("quantile", "loss"), [(8.0, 1.8), (13.0, 0.3)])
def test_pinball_at_the_ninth_decile(quantile, loss):
    found = metrics.pinball(np.array(10.0), np.array([quantile]), np.array([0.9]))
    assert found[0] == pytest.approx(loss)


def test_unknown_demand_does_not_count():
    demand = np.array([[10.0, np.nan, 20.0, 30.0]])
    assert metrics.wmape(demand, FORECAST) == pytest.approx(10 / 60)


def test_weighted_quantile_loss_of_a_point_forecast_is_its_wmape():
    quantiles = np.repeat(FORECAST[..., None], len(QUANTILES), axis=2)
    assert metrics.wql(DEMAND, quantiles) == pytest.approx(metrics.wmape(DEMAND, FORECAST))


def test_mase_divides_by_the_seasonal_naive_error_in_sample():
    history = np.array([[1.0, 5.0, 3.0, 7.0]])  # seasonal differences of 2 steps: 2 and 2
    assert metrics.mase(history, DEMAND, FORECAST, season=2) == pytest.approx((13 / 4) / 2)


def test_rmsse_leaves_out_series_that_never_change():
    history = np.array([[1.0, 2.0, 1.0], [4.0, 4.0, 4.0]])
    demand, forecast = np.array([[3.0], [9.0]]), np.array([[1.0], [1.0]])
    assert metrics.rmsse(history, demand, forecast) == pytest.approx(2.0)


def test_coverage_counts_both_ends_of_the_interval():
    inside = metrics.coverage(DEMAND, np.array([[10.0, 1.0, 0.0, 0.0]]), np.array([[11.0, 2.0, 20.0, 29.0]]))
    assert inside == pytest.approx(0.5)


def test_scores_without_any_demand_are_none_in_a_report():
    empty = np.full((1, 2), np.nan)
    scores = metrics.Scores.of(DEMAND, empty, empty, np.zeros((1, 2, len(QUANTILES))), season=1)
    assert set(scores.to_dict().values()) == {None}


def test_average_leaves_out_undefined_scores():
    one = metrics.Scores(0.2, 0.2, float("nan"), 1.0, 0.0, 0.8, 0.9)
    two = metrics.Scores(0.4, 0.4, 3.0, 2.0, 0.1, 0.6, 1.0)
    average = metrics.Scores.average([one, two])
    assert average.wql == pytest.approx(0.3)
    assert average.mase == pytest.approx(3.0)
