"""Simulated policies: on synthetic history where the truth is known, and on what was decided over HTTP."""

import hashlib
from types import SimpleNamespace
from uuid import UUID

import numpy as np
import pytest

from services.planner.automation import estimate, rules
from services.planner.automation.schemas import PolicyIn
from services.planner.automation.simulation import Past, judged
from services.planner.reference.schemas import ApprovalRules
from tests.unit.planner_service.test_automation import POLICY, orders
from tests.unit.planner_service.test_executions import tell
from tests.unit.planner_service.test_outcomes import actual
from tests.unit.planner_service.test_recommendations import decide
from tests.unit.planner_service.test_reference import put
from tests.unit.planner_service.upstream import week

SEEDS, ORDERS = 400, 1000
CHEAP, TRIED = 100.0, 300.0  # what the old policy accepted, and what the new one would; orders cost up to 600
OLD_SAMPLE, NEW_SAMPLE = 0.2, 0.05
CHANGED = 0.5  # of what people see
WORSE, BETTER, SPREAD = 6.0, -10.0, 20.0  # what people's changes cost of dear and of cheap orders
TRUTH = CHANGED * (CHEAP * BETTER + (TRIED - CHEAP) * WORSE) / TRIED  # of an order up to TRIED: 1/3
NAMED = rules.Named("new", 1, PolicyIn(action="auto", order_value_at_most="300.00", sample=NEW_SAMPLE))


def history(seed):
    """Orders of which an old policy accepted the cheap ones but a sample; people decided on the others.

    People change half of what they see: cheap orders for the better, others for the worse.
    """
    random = np.random.default_rng(seed)
    values, drawn = random.uniform(0, 600, ORDERS), random.random(ORDERS) < OLD_SAMPLE
    changed = random.random(ORDERS) < CHANGED
    gains = random.normal(np.where(values <= CHEAP, BETTER, WORSE), SPREAD) * changed
    return [
        past(random.bytes(16), value, sampled, gain)
        for value, sampled, gain in zip(values.tolist(), drawn.tolist(), gains.tolist(), strict=True)
    ]


def past(identifier, value, sampled, gain):
    cheap = value <= CHEAP
    acting = {"purchase": repr(value)}
    order = {"quantity": 1.0, "cost_of_acting": acting, "cost_of_inaction": {"mean": "1"}, "net_benefit": "1"}
    policy = {"name": "old", "sampled": sampled, "sample": OLD_SAMPLE} if cheap else None
    content = {"type": "buy", "item": "A", "location": "L", "order": order, "policy": policy}
    automatic = cheap and not sampled
    row = SimpleNamespace(id=UUID(bytes=identifier), route="auto" if automatic else "review", content=content)
    return Past(row, "accepted", automatic or gain == 0, 0.0 if automatic else gain)


def drawn(one):
    """The rule as docs/decisions.md gives it: the first eight bytes of the id's SHA-256, as a fraction."""
    return int.from_bytes(hashlib.sha256(one.row.id.bytes).digest()[:8], "big") < NEW_SAMPLE * 2**64


def covered(seed, found):
    low, high = (float(bound) for bound in (found.low, found.high))
    assert low < float(found.value) < high, seed
    return low <= TRUTH <= high


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """95 % of 400 are 380, give or take three standard deviations of the binomial distribution."""
    count = sum(covered(seed, judged(history(seed), NAMED, ApprovalRules())) for seed in range(SEEDS))
    assert abs(count - 0.95 * SEEDS) <= 3 * (SEEDS * 0.95 * 0.05) ** 0.5


def test_without_propensities_the_estimate_is_of_something_else():
    """The sample of cheap orders stands for five times as many: left as they are, people seem far worse than they are.

    Seen are 1/5 of 1/3 cheap ones and 2/3 dear ones: 1/11 * -5 + 10/11 * 3 = 2.27 on average.
    """
    weighted, plain = [], []
    for seed in range(60):
        seen = [one for one in history(seed) if one.propensity > 0 and rules.holds(NAMED.policy, one.row.content)]
        gained = [one.gained for one in seen]
        weighted.append(estimate.weighted(gained, [one.propensity for one in seen]).mean)
        plain.append(float(np.mean(gained)))
    assert np.mean(weighted) == pytest.approx(TRUTH, abs=4 * np.std(weighted) / 60**0.5)
    assert np.mean(plain) == pytest.approx(25 / 11, abs=4 * np.std(plain) / 60**0.5)
    assert np.mean(plain) - TRUTH > 10 * np.std(plain) / 60**0.5


def test_the_share_is_what_one_counts():
    for seed in range(20):
        known = history(seed)
        matched = [one for one in known if float(one.row.content["order"]["cost_of_acting"]["purchase"]) <= TRIED]
        seen = [one for one in matched if one.row.route == "review"]
        automated = sum(not drawn(one) for one in matched)
        found = judged(known, NAMED, ApprovalRules())
        assert (found.decided, found.matched, found.automated) == (ORDERS, len(matched), automated)
        assert found.share == round(automated / ORDERS, 4)
        assert (found.measured, found.agreement.reviewed) == (len(seen), len(seen))
        assert found.of_sample == sum(one.propensity < 1 for one in seen)
        assert float(found.total) == pytest.approx(float(found.value) * automated, abs=0.005 * automated + 0.01)
        none = judged(known, NAMED, ApprovalRules(order_value_above="0"))
        assert (none.matched, none.automated, none.share) == (len(matched), 0, 0.0)


def test_a_sample_of_one_half_by_hand():
    """2, 4 seen for certain, 6, 8, 10 with one half: (2 + 4 + 2 * 24) / 8 = 6.75, with 64 / 14 effective orders.

    Ten times as many are 640 / 14: their errors sum to 10 * (4.75^2 + 2.75^2 + 4 * (0.75^2 + 1.25^2 + 3.25^2)).
    """
    values, propensities = [2, 4, 6, 8, 10], [1, 1, 0.5, 0.5, 0.5]
    assert estimate.weighted(values, propensities) == estimate.Estimate(6.75, None, None)
    found = estimate.weighted(values * 10, propensities * 10)
    errors, effective = 10 * (4.75**2 + 2.75**2 + 4 * (0.75**2 + 1.25**2 + 3.25**2)), 640 / 14
    half = 1.959964 * (errors * effective / (effective - 1)) ** 0.5 / 80
    assert (found.mean, found.high - 6.75, 6.75 - found.low) == pytest.approx((6.75, half, half), rel=1e-6)


@pytest.mark.parametrize(("count", "bounded"), [(29, False), (30, True)])
def test_of_a_few_nothing_is_said_of_the_spread(count, bounded):
    """Student's quantile of 29 degrees of freedom is 2.045, 4 % above the normal one; of fewer it is more."""
    found = estimate.weighted([float(number) for number in range(count)], [1.0] * count)
    assert (found.low is not None, found.high is not None) == (bounded, bounded)


def test_what_does_not_vary_has_no_bounds_and_nothing_has_no_mean():
    assert estimate.weighted([0.0] * 50, [1.0] * 50) == estimate.Estimate(0.0, None, None)
    assert estimate.weighted([], []) == estimate.Estimate(None, None, None)


def test_what_policies_accepted_is_no_agreement_of_people(area):
    """A and B go to people, C and what the ERP made of it does not say what they think."""
    area.supply("A", "B", "C")
    area.forecasts("A", "B", "C")
    put(area, POLICY, {"action": "auto", "sample": 0, "item": "C"})
    area.plan()
    found = orders(area)
    decide(area, found["A"], {"action": "accept"})
    decide(area, found["B"], {"action": "reject", "reason_code": "BUDGET_CASH"})
    tell(area, found["C"], "released")
    tried = area.ok("POST", f"{POLICY}:simulate", json={"action": "auto", "sample": 0})
    assert (tried["decided"], tried["matched"], tried["automated"], tried["share"]) == (3, 3, 3, 1.0)
    assert (tried["agreement"]["reviewed"], tried["agreement"]["accepted"], tried["rejected"]) == (2, 1, 1)
    stored = area.ok("POST", f"{POLICY}:simulate")
    assert (stored["decided"], stored["matched"], stored["automated"], stored["share"]) == (3, 1, 1, 0.3333)
    assert stored["agreement"]["reviewed"] == 0
    off = area.ok("POST", f"{POLICY}:simulate", json={"action": "auto", "sample": 0, "enabled": False})
    assert off["automated"] == 3
    assert area.ok("POST", f"{POLICY}:simulate", json={"action": "dual"})["automated"] == 0
    assert area("POST", "/auto-accept-policies/none:simulate").status_code == 404


def test_what_a_policy_accepted_is_measured_but_tells_nothing_of_people(area):
    area.supply("A", "B")
    area.ok("PUT", "/supply/planning-policies", json={"shortage_cost": "6.00", "holding_cost": "0.50"})
    area.forecasts("A", "B")
    put(area, POLICY, {"action": "auto", "sample": 0, "item": "A"})
    area.plan()
    decide(area, orders(area)["B"], {"action": "reject", "reason_code": "BUDGET_CASH"})
    actual(area, A=[10, 10, 12], B=[10, 10, 12])
    area.plan(as_of=week(3).isoformat())
    assert len(area.ok("GET", "/outcomes")["items"]) == 2
    tried = area.ok("POST", f"{POLICY}:simulate", json={"action": "auto", "sample": 0})
    [lost] = [one for one in area.ok("GET", "/outcomes")["items"] if one["item"] == "B"]
    assert (tried["measured"], tried["of_sample"]) == (1, 0)
    assert float(tried["value"]) == -float(lost["value_added"]) > 0
    assert float(tried["total"]) == 2 * float(tried["value"])
