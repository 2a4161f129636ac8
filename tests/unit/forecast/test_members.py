"""Each member against series whose forecast one can say."""

import numpy as np
import pytest

from services.forecast.engine.cells import Cells
from services.forecast.engine.history import History, Memory
from services.forecast.engine.members import MEMBERS, member_forecasts

SEASON = 4
CYCLE = np.array([40.0, 80.0, 120.0, 160.0])


def told(
    demand: np.ndarray, horizon: int = 4, origin: int | None = None, season: int = SEASON
) -> dict[str, np.ndarray]:
    """Forecasts [n, H] by member from the last period of `demand` [n, T], or from `origin`."""
    history = History(np.asarray(demand, dtype=np.float32), Memory.of("M", season))
    n = len(demand)
    found = member_forecasts(history, season, Cells.grid(n, history.length - 1 if origin is None else origin, horizon))
    return {name: found[:, number].reshape(n, horizon) for number, name in enumerate(MEMBERS)}


def test_constant_demand_goes_on():
    for name, forecast in told(np.full((2, 20), 7.0)).items():
        expected = 7 * 0.95 if name == "sba" else 7
        assert forecast == pytest.approx(np.full((2, 4), expected), rel=1e-4), name


@pytest.mark.parametrize("name", ["seasonal_naive", "smoothing", "theta", "trend"])
@pytest.mark.parametrize("length", [16, 18])
def test_a_season_that_repeats_is_continued(name, length):
    demand = np.resize(CYCLE, length)
    expected = np.resize(np.roll(CYCLE, -length), 4)
    assert told(demand[None])[name][0] == pytest.approx(expected, rel=0.02)


def test_a_season_that_grows_with_the_level_is_multiplied():
    demand = np.resize(CYCLE, 48) / 100 * np.linspace(50, 400, 48)
    forecast = told(demand[None])["smoothing"][0]
    assert forecast / forecast.mean() == pytest.approx(CYCLE / CYCLE.mean(), rel=0.12)


def test_theta_goes_on_with_half_the_slope():
    line = 100 + 10.0 * np.arange(40)
    forecast = told(line[None], season=1)["theta"][0]
    assert np.diff(forecast) == pytest.approx([5, 5, 5], rel=0.01)
    assert 450 < forecast[0] < 510


def test_a_trend_is_damped():
    line = 100 + 10.0 * np.arange(40)
    steps = np.diff(told(line[None], season=1)["smoothing"][0])
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_a_lasting_trend_goes_further_than_a_damped_one_but_not_beyond_the_line():
    line = 100 + 10.0 * np.arange(40)
    found = told(line[None], horizon=18, season=1)
    ahead = 100 + 10.0 * np.arange(40, 58)
    assert (found["smoothing"][0] < found["trend"][0]).all()
    assert (found["trend"][0] < ahead).all()
    assert ahead[-1] - found["trend"][0, -1] < 0.6 * (ahead[-1] - found["smoothing"][0, -1])


def test_without_a_trend_both_trends_say_the_same():
    demand = np.random.default_rng(5).poisson(200, (1, 80)).astype(float)
    found = told(demand, horizon=12, season=1)
    assert found["trend"][0] == pytest.approx(found["smoothing"][0], rel=0.05)


def test_rare_sales_are_spread_over_their_interval():
    demand = np.resize([0, 0, 6.0], 60)
    found = told(demand[None])
    assert found["sba"][0] == pytest.approx(np.full(4, 0.95 * 6 / 3), rel=1e-3)
    assert found["tsb"][0] == pytest.approx(np.full(4, 2), rel=0.2)


def test_after_silence_the_chance_of_a_sale_fades_but_not_its_interval():
    demand = np.concatenate([np.resize([0, 6.0], 40), np.zeros(40)])
    found = told(demand[None])
    assert found["tsb"][0, 0] < 0.1
    assert found["sba"][0, 0] == pytest.approx(0.95 * 3, rel=0.01)


def test_a_series_that_starts_late_is_forecast_as_if_alone():
    demand = np.random.default_rng(1).poisson(50, (1, 24)).astype(float)
    late = np.concatenate([np.full((1, 12), np.nan), demand], axis=1)
    together = np.concatenate([late, np.random.default_rng(2).poisson(9, (1, 36))])
    for name, forecast in told(together).items():
        assert forecast[0] == pytest.approx(told(demand)[name][0], rel=1e-4), name


def test_nothing_after_the_origin_is_read():
    demand = np.random.default_rng(3).poisson(20, (3, 40)).astype(float)
    changed = demand.copy()
    changed[:, 31:] = 500
    for name, forecast in told(demand, origin=30).items():
        assert np.array_equal(forecast, told(changed, origin=30)[name]), name


def test_unknown_periods_teach_nothing():
    demand = np.full((1, 30), 9.0)
    demand[0, [3, 10, 11, 20, 29]] = np.nan
    for name, forecast in told(demand).items():
        expected = 9 * 0.95 if name == "sba" else 9
        assert forecast[0] == pytest.approx(np.full(4, expected), rel=1e-3), name


def test_before_its_first_record_a_series_has_no_forecast():
    demand = np.full((1, 20), 5.0)
    demand[0, :15] = np.nan
    found = told(demand, origin=10)
    assert np.isnan(found["smoothing"]).all()
    assert np.isnan(found["mean"]).all()
