from dataclasses import replace

import numpy as np
import pytest

from services.forecast.engine.blend import Blend
from services.forecast.engine.calibration import HeldOut
from services.forecast.engine.members import MEMBERS

SMOOTHING = [MEMBERS.index("smoothing"), MEMBERS.index("theta")]
RARE = [MEMBERS.index("sba"), MEMBERS.index("tsb")]
TREND = [MEMBERS.index("trend"), MEMBERS.index("theta")]


def block(share: float, seed: int, r: int = 4000, segment: int = 0, right: list[int] = SMOOTHING) -> HeldOut:
    """Demand that lies `share` of the way from the learned mean to the `right` members; the others are noise."""
    rng = np.random.default_rng(seed)
    learned, truth = rng.uniform(0.5, 1.5, (2, r))
    members = rng.uniform(0.5, 1.5, (r, len(MEMBERS)))
    members[:, right] = truth[:, None]
    return HeldOut(
        spread=np.zeros((r, 1)),
        target=(1 - share) * learned + share * truth + rng.normal(0, 0.1, r),
        mean=learned,
        members=members,
        scale=np.ones(r),
        series=np.arange(r) // 8,
        origin=np.full(r, 20),
        step=np.arange(r) % 8 + 1,
        segment=np.full(r, segment),
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_finds_the_weight_that_made_the_demand(share):
    blend = Blend.learn([block(share, seed) for seed in range(4)])
    assert blend.partner[0] == "smoothing" or share == 0  # of weight 0, any is as good
    assert blend.weight[0] == pytest.approx(share, abs=0.06)


def test_a_class_of_rare_sales_may_prefer_methods_for_them():
    blend = Blend.learn([block(0.6, seed, segment=2, right=RARE) for seed in range(4)])
    assert blend.partner[2] == "rare"
    assert blend.weight[2] == pytest.approx(0.6, abs=0.08)


@pytest.mark.parametrize("segment", [0, 1])
def test_regular_sales_may_prefer_a_lasting_trend(segment):
    blend = Blend.learn([block(0.6, seed, segment=segment, right=TREND) for seed in range(4)])
    assert blend.partner[segment] == "trend"
    assert blend.weight[segment] == pytest.approx(0.6, abs=0.06)


def test_what_few_cells_say_is_drawn_in_to_the_prior():
    few = Blend.learn([block(1.0, 1, r=8)]).weight[0]
    many = Blend.learn([block(1.0, seed) for seed in range(4)]).weight[0]
    assert 0.4 < few < many


def test_a_class_without_cells_keeps_the_learned_mean():
    blend = Blend.learn([block(0.5, 1)])
    assert blend.weight[1:].tolist() == [0, 0, 0]


def test_where_no_member_knows_a_series_the_learned_mean_stands_alone():
    one = block(0.8, 1)
    members = one.members.copy()
    members[0] = np.nan
    blend = Blend.learn([replace(one, members=members)])
    found = blend.mean(one.mean, members, one.segment)
    assert found[0] == one.mean[0]
    assert found[1] == pytest.approx(one.mean[1] + blend.weight[0] * (members[1, SMOOTHING[0]] - one.mean[1]), rel=1e-6)


def test_there_and_back():
    blend = Blend(("smoothing", "rare", "mean", "smoothing"), np.array([0.1, 0.25, 1.0, 0.0]))
    again = Blend.from_dict(blend.to_dict())
    assert again.partner == blend.partner
    assert np.array_equal(again.weight, blend.weight)
