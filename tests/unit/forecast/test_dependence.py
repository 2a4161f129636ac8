import numpy as np
import pytest
from scipy.special import ndtri

from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.dependence import dependence

STEPS = 6


def stretches(rho: float, m: int = 1500):
    rng = np.random.default_rng(5)
    noise = np.sqrt(rho) * rng.normal(size=(m, 1)) + np.sqrt(1 - rho) * rng.normal(size=(m, STEPS))
    quantiles = np.tile(100 + 10 * ndtri(np.array(QUANTILES)), (m, STEPS, 1))
    return 100 + 10 * noise, np.full((m, STEPS), 100.0), quantiles


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_finds_the_correlation_that_made_the_sums(rho):
    demand, mean, quantiles = stretches(rho)
    found = dependence(demand, mean, quantiles, np.zeros(len(demand), dtype=int), seed=1)
    assert found[0] == pytest.approx(rho, abs=0.08)


def test_a_class_with_few_stretches_takes_the_correlation_of_all():
    demand, mean, quantiles = stretches(0.5)
    segment = np.zeros(len(demand), dtype=int)
    segment[:10] = 2
    found = dependence(demand, mean, quantiles, segment, seed=1)
    assert found[2] == found[1] == pytest.approx(0.5, abs=0.08)


def test_no_stretch_no_dependence():
    none = np.zeros((0, STEPS))
    assert dependence(none, none, none[..., None], np.zeros(0, dtype=int), seed=1).tolist() == [0] * 4
