"""What a policy would have done with past recommendations, and what that would have been worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from services.planner.automation import estimate, rules
from services.planner.automation.schemas import SimulationOut
from services.planner.automation.service import AS_IT_WAS, DECIDED, of_area
from services.planner.outcomes.tables import Outcome
from services.planner.plans.money import money
from services.planner.recommendations import approvals
from services.planner.recommendations.content import IS_ORDER
from services.planner.recommendations.tables import Recommendation, RecommendationState
from services.planner.reference import service as reference
from services.planner.reference.schemas import ApprovalRules
from shared.principal import Principal

MOST = 10_000


@dataclass(frozen=True)
class Past:
    """A decided order. gained: what was done less what the recommendation would have cost, where that is measured."""

    row: Recommendation
    status: str
    as_it_was: bool
    gained: float | None

    @property
    def propensity(self) -> float:
        """The probability with which people came to decide on it; 0 where a policy did."""
        policy = self.row.content.get("policy")
        if self.row.route == "auto":
            return 0.0
        return float(policy["sample"]) if policy and policy["sampled"] else 1.0


def simulated(session: Session, who: Principal, named: rules.Named) -> SimulationOut:
    """What a policy would have done with the newest decided orders of the area."""
    return judged(_past(session, who), named, reference.approval_rules(session, who))


def judged(past: Sequence[Past], named: rules.Named, limits: ApprovalRules) -> SimulationOut:
    """What a policy would have done with past orders, had it been the only one and enabled. limits: of today."""
    policy = replace(named, policy=named.policy.model_copy(update={"enabled": True}))
    ways = [(one, _way(one, policy, limits)) for one in past]
    matched = [one for one, way in ways if way.by is not None]
    automated = sum(way.route == "auto" for _, way in ways)
    seen = [one for one in matched if one.propensity > 0]
    others = [one for one in seen if not one.as_it_was]
    rejected = sum(one.status == "rejected" for one in others)
    return SimulationOut(
        decided=len(past),
        matched=len(matched),
        automated=automated,
        share=round(automated / len(past), rules.DIGITS) if past else None,
        agreement=rules.precision(len(seen) - len(others), len(seen)),
        overridden=len(others) - rejected,
        rejected=rejected,
        net_benefit=sum((Decimal(one.row.content["order"]["net_benefit"]) for one in others), Decimal("0.00")),
        **_value(seen, automated),
    )


def _past(session: Session, who: Principal) -> list[Past]:
    """The newest decided orders of the area."""
    gained = Outcome.executed_cost - Outcome.recommended_cost
    told = of_area(who).add_columns(RecommendationState.status, AS_IT_WAS, gained)
    told = told.outerjoin(Outcome, Outcome.recommendation_id == Recommendation.id)
    told = told.where(RecommendationState.status.in_(DECIDED), IS_ORDER)
    newest: Any = told.order_by(Recommendation.created_at.desc(), Recommendation.id).limit(MOST)
    return [Past(*row) for row in session.execute(newest)]


def _way(one: Past, named: rules.Named, limits: ApprovalRules) -> rules.Way:
    content = one.row.content
    return rules.way(one.row.id, content, [named], barred=approvals.barred(limits, content["order"]))


def _value(seen: Sequence[Past], automated: int) -> dict[str, Any]:
    """The estimate per order, and of as many as would have been automated."""
    measured = [(one.gained, one.propensity) for one in seen if one.gained is not None]
    found = estimate.weighted([gained for gained, _ in measured], [propensity for _, propensity in measured])
    total = None if found.mean is None else found.mean * automated
    told = {"value": found.mean, "low": found.low, "high": found.high, "total": total}
    counts = {"measured": len(measured), "of_sample": sum(propensity < 1 for _, propensity in measured)}
    return counts | {name: None if one is None else money(one) for name, one in told.items()}
