"""The route of each recommendation of a plan, and the orders that policies accept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from services.planner.automation import grounding, rules, service
from services.planner.automation.grounding import Before
from services.planner.automation.schemas import AutomationOut
from services.planner.ledger.tables import TABLES
from services.planner.recommendations import approvals
from services.planner.recommendations.advice import Proposal
from services.planner.recommendations.content_schemas import Content, RoutedOut
from services.planner.recommendations.decisions import Move, after
from services.planner.recommendations.desk import event
from services.planner.recommendations.tables import Recommendation
from services.planner.reference import service as reference
from services.planner.reference.schemas import ApprovalRules
from shared import ledger
from shared.principal import Principal

ACTOR = "auto-accept"


def routed(
    session: Session, who: Principal, contents: Sequence[Content], earlier: Mapping[grounding.Source, Before]
) -> list[Content]:
    """The same recommendations, each with its route: by the area's policies, and by how many people are to see."""
    automation = service.automation(session, who)
    policies = service.policies(session, who) if automation.enabled else []
    if not policies:
        return _limited(automation, contents)
    limits = reference.approval_rules(session, who)
    found = [_routed(one, policies, limits, earlier) for one in contents]
    return _limited(automation, found)


def accept(session: Session, who: Principal, contents: Sequence[Content]) -> None:
    """Accept the orders whose route is `auto`, in one block of the ledger; they have been proposed."""
    accepted = sorted(one.id for one in contents if one.route == "auto")
    if not accepted:
        return
    state = Recommendation.state
    wanted = select(Recommendation).join(state).options(contains_eager(state))
    rows = session.scalars(wanted.where(Recommendation.id.in_(accepted)).order_by(Recommendation.id)).all()
    actor = replace(who, id=ACTOR, name=ACTOR, roles=frozenset({"service"}), on_behalf_of=None)
    drafts = []
    for row in rows:
        proposal = Proposal.of(row.content)
        assert proposal is not None  # noqa: S101  only orders have this route
        decided = after(row.state.value, Move("auto_accept", proposal.quantity, proposal.receipt_date))
        facts = {"reason_code": None, "note": None, "warnings": [], "policy": row.content["policy"]}
        drafts.append((row, decided, event(row, "auto_accept", row.state.value, decided, facts)))
    block = ledger.append_all(session, TABLES, actor, [draft[2] for draft in drafts])
    for sequence, (row, decided, _) in zip(block, drafts, strict=True):
        row.state.set(decided, sequence)


def _routed(
    one: Content, policies: Sequence[rules.Named], limits: ApprovalRules, earlier: Mapping[grounding.Source, Before]
) -> Content:
    if one.order is None:
        return one
    before, content = earlier.get(grounding.source(one)), one.model_dump(mode="json")
    drawn, barred = before.drawn if before else None, approvals.barred(limits, content["order"])
    chosen = rules.way(one.id, content, policies, drawn=drawn, barred=barred)
    policy = RoutedOut.model_validate(chosen.facts) if chosen.facts else None
    return one.model_copy(update={"route": chosen.route, "policy": policy})


def _limited(automation: AutomationOut, contents: Sequence[Content]) -> list[Content]:
    """At most so many orders for people, those of the highest net benefit; what a policy drew for review stays."""
    if automation.review_limit is None:
        return list(contents)
    seen = [one for one in contents if one.order and one.route == "review" and not (one.policy and one.policy.sampled)]
    ranked = sorted(seen, key=lambda one: (-one.order.net_benefit if one.order else 0, one.id))
    beyond = {one.id for one in ranked[automation.review_limit :]}
    return [one.model_copy(update={"route": "inform"}) if one.id in beyond else one for one in contents]
