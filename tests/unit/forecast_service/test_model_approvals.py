"""Gates hold a version back until an approver, never its trainer, overrides them with a reason; the ledger has it."""

import pytest
from sqlalchemy import delete, insert, update

from services.forecast.models.tables import Approval, ModelVersion, PromotionRules
from tests.unit.forecast_service.test_promotions import modelled, problem, promote

__all__ = ["modelled"]
FAILED = [
    {"gate": "beats_champion", "passed": False, "detail": "It saves 1 %.", "value": 0.01}
    | {"low": -0.1, "high": 0.2, "bound": 0.0},
    {"gate": "bias", "passed": True, "detail": "0 %.", "value": 0.0, "low": -0.1, "high": 0.1, "bound": 0.02},
]
CRASHED = [FAILED[1] | {"gate": "warm_up", "passed": False}]


@pytest.fixture
def judged(modelled, database):
    """Gives version 2 gates."""

    def judge(gates):
        with database.write() as session:
            here = update(ModelVersion).where(ModelVersion.area == modelled.area.area, ModelVersion.version == 2)
            session.execute(here.values(gates=gates))
        return modelled

    return judge


def say(area, action="approve", *, by="person-2", **more):
    body = {"action": action, "reason": "newer demand"} | more
    return area("POST", "/models/versions/2/approvals", json=body, by=by)


def test_a_failed_gate_is_overridden_by_somebody_else_with_a_reason(judged):
    area = judged(FAILED)
    refused = promote(area, 2, '"0"')
    assert problem(refused) == (409, "gates-failed")
    assert "beats_champion" in refused.json()["detail"]
    assert say(area).status_code == 201
    assert problem(promote(area, 2, '"0"')) == (409, "gates-failed")
    assert problem(say(area, overrides=["beats_champion"], by="person-1")) == (403, "same-person")
    assert problem(say(area, overrides=["beats_champion"], reason="")) == (422, "invalid")
    assert problem(say(area, overrides=["bias"])) == (422, "nothing-to-override")
    assert say(area, overrides=["beats_champion"]).json()["overrides"] == ["beats_champion"]
    promoted = promote(area, 2, '"0"')
    assert (promoted.status_code, promoted.json()["overridden"]) == (201, ["beats_champion"])
    assert area.ok("POST", "/decisions:verify")["chains"][0] == {
        "service": "forecast",
        "entries": 3,
        "intact": True,
        "first_bad": None,
    }
    assert [row["overrides"] for row in area.ok("GET", "/models/versions/2/approvals")["items"]] == [
        ["beats_champion"],
        [],
    ]


def test_a_version_that_is_not_known_is_approved_by_nobody(modelled):
    wish = {"action": "approve", "reason": "newer demand"}
    assert problem(modelled("POST", "/models/versions/9/approvals", json=wish, by="person-2")) == (404, "not-found")
    assert modelled.ok("POST", "/decisions:verify")["chains"][0]["entries"] == 0


def test_what_crashes_in_its_warm_up_is_promoted_by_nobody(judged):
    area = judged(CRASHED)
    assert problem(say(area, overrides=["warm_up"])) == (422, "nothing-to-override")
    assert problem(promote(area, 2, '"0"')) == (409, "gates-failed")


def test_a_version_that_was_judged_against_another_champion_is_judged_anew_or_approved(modelled):
    promote(modelled, 1, '"0"')
    promote(modelled, 2, '"1"')
    modelled.judged_anew = lambda: None
    assert problem(promote(modelled, 3, '"2"')) == (409, "gates-failed")


def test_a_version_that_was_champion_may_be_so_again_unless_it_was_rejected(modelled):
    for number, version in enumerate((1, 2, 1, 2)):
        assert promote(modelled, version, f'"{number}"').status_code == 201
    modelled.judged_anew = lambda: None
    assert promote(modelled, 1, '"4"').status_code == 201
    say(modelled, "reject")
    assert problem(promote(modelled, 2, '"5"')) == (409, "version-rejected")


def test_a_version_from_before_gates_needs_an_approver(judged):
    area = judged(None)
    assert problem(promote(area, 2, '"0"')) == (409, "gates-failed")
    assert say(area, overrides=["judged"]).status_code == 201
    assert promote(area, 2, '"0"').status_code == 201


def test_a_rejected_version_stays_away_until_it_is_approved(modelled):
    say(modelled, "reject")
    assert problem(promote(modelled, 2, '"0"')) == (409, "version-rejected")
    say(modelled)
    assert promote(modelled, 2, '"0"').status_code == 201


def test_an_area_may_ask_for_an_approval_of_each_version(modelled):
    rules = modelled("GET", "/models/promotion-rules")
    assert (rules.headers["etag"][:3], rules.json()["approval_required"]) == ('"0-', False)
    wish = {"approval_required": True, "least_improvement": -0.02}
    changed = modelled("PUT", "/models/promotion-rules", json=wish, headers={"If-Match": '"0"'})
    assert (changed.json()["version"], changed.json()["most_bias"]) == (1, 0.02)
    assert problem(modelled("PUT", "/models/promotion-rules", json=wish, headers={"If-Match": '"0"'})) == (
        412,
        "stale-version",
    )
    assert problem(promote(modelled, 2, '"0"')) == (409, "approval-needed")
    say(modelled)
    assert promote(modelled, 2, '"0"').status_code == 201


def test_verify_finds_an_approval_that_was_changed_or_smuggled_in(modelled, database):
    say(modelled)
    with database.write() as session:
        session.execute(update(Approval).where(Approval.area == modelled.area.area).values(reason="other"))
    assert modelled.ok("POST", "/decisions:verify")["chains"][0]["first_bad"]["sequence"] == 1


def put_rules(area, version, **wish):
    return area("PUT", "/models/promotion-rules", json=wish, headers={"If-Match": f'"{version}"'})


def lenient(area):
    return update(PromotionRules).where(PromotionRules.area == area).values(content={"least_improvement": -0.9})


def older(area):
    return update(PromotionRules).where(PromotionRules.area == area).values(version=1)


def gone(area):
    return delete(PromotionRules).where(PromotionRules.area == area)


@pytest.mark.parametrize("tamper", [lenient, older, gone])
def test_verify_finds_promotion_rules_that_were_changed_behind_the_ledger(area, database, tamper):
    for version, least in enumerate((0.01, 0.02)):
        assert put_rules(area, version, least_improvement=least).status_code == 200
    assert area.ok("POST", "/decisions:verify")["chains"][0]["intact"]
    with database.write() as session:
        session.execute(tamper(area.area.area))
    assert area.ok("POST", "/decisions:verify")["chains"][0]["first_bad"] == {
        "sequence": 2,
        "reason": "version 2 of models/promotion-rules is not what was logged",
    }


def test_verify_finds_promotion_rules_that_nobody_logged(area, database):
    with database.write() as session:
        session.execute(insert(PromotionRules).values(area=area.area.area, version=1, content={}))
    assert area.ok("POST", "/decisions:verify")["chains"][0]["first_bad"] == {
        "sequence": 0,
        "reason": "models/promotion-rules was never logged",
    }
