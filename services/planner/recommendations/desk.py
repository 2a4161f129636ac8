"""What a decision in an area is held against, and what it makes of a recommendation: rules, no locks."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select, true
from sqlalchemy.orm import Session

from services.planner.ledger.tables import Entry
from services.planner.outcomes.tables import Outcome
from services.planner.plans.tables import Plan
from services.planner.recommendations import advice, approvals
from services.planner.recommendations.content import MODES
from services.planner.recommendations.decisions import Move, State, after
from services.planner.recommendations.schemas import AdviceOut, CountOut, DecisionIn, StandingOut, TrackRecordOut
from services.planner.recommendations.tables import Recommendation
from services.planner.reference import service as reference
from services.planner.reference.schemas import ApprovalRules, ReasonCodeOut
from services.planner.supply.tables import SourcingRule
from shared.errors import Unprocessable
from shared.ledger import Event
from shared.principal import Principal

FIELDS = ("quantity", "due", "source", "until", "reason_code")
USED = {"override": {"quantity", "due", "source", "reason_code"}, "reject": {"reason_code"}, "defer": {"until"}}

REASON = "(content::jsonb -> 'body' ->> 'reason_code')"  # as the index on overrides has it


@dataclass(frozen=True)
class Draft:
    """A decision that holds, and the state that it leads to; nothing is stored yet."""

    row: Recommendation
    state: State
    event: Event


class Desk:
    """One caller's decisions in one area, in one transaction."""

    def __init__(self, session: Session, who: Principal) -> None:
        self.session = session
        self.who = who
        self._known: dict[str, CountOut] = {}

    @cached_property
    def codes(self) -> dict[str, ReasonCodeOut]:
        return reference.reason_codes(self.session, self.who)

    @cached_property
    def rules(self) -> ApprovalRules:
        return reference.approval_rules(self.session, self.who)

    def complete(self, wish: DecisionIn) -> None:
        """422 with a pointer to each field that the action lacks, has no use for, or that does not hold."""
        found = [*self._missing(wish), *_superfluous(wish), *self._unusable(wish)]
        if found:
            errors = [{"pointer": f"#/{name}", "detail": detail} for name, detail in found]
            raise Unprocessable(f"The fields do not make a decision to {wish.action}.", errors=errors)

    def draft(self, row: Recommendation, wish: DecisionIn) -> Draft:
        """What the decision makes of a recommendation; raises IllegalMove, or Unprocessable where it has no order."""
        proposal = advice.Proposal.of(row.content)
        made = _move(wish, proposal)
        if wish.action == "override" and proposal and made.quantity:
            proposal = self._supplied(row, wish, proposal, made.quantity)
        demands = self._demands(row, made)
        before = row.state.value
        decided = after(before, replace(made, approval=bool(demands)))
        warnings = self._warnings(row, wish, proposal, made)
        facts = {
            "until": wish.until.isoformat() if wish.until else None,
            "reason_code": wish.reason_code,
            "note": wish.note,
            "warnings": [warning.model_dump(mode="json") for warning in warnings],
            "approval_for": [demand.model_dump() for demand in demands],
        }
        return Draft(row, decided, event(row, wish.action, before, decided, facts))

    def _missing(self, wish: DecisionIn) -> Sequence[tuple[str, str]]:
        missing = []
        code = self.codes.get(wish.reason_code) if wish.reason_code else None
        if wish.action in {"override", "reject"} and wish.reason_code is None:
            missing.append(("reason_code", "is required; GET reason-codes lists them"))
        if wish.action == "override" and wish.quantity is None and wish.due is None and wish.source is None:
            missing.append(("quantity", "an override changes the quantity, the due date or the source"))
        if wish.action == "defer" and wish.until is None:
            missing.append(("until", "is required: the day on which it comes back"))
        if wish.note is None and (wish.action == "annotate" or (code and code.note_required)):
            missing.append(("note", "is required here"))
        return missing

    def _unusable(self, wish: DecisionIn) -> Sequence[tuple[str, str]]:
        unusable = []
        today = self.who.area.today()
        if wish.reason_code and wish.action in {"override", "reject"}:
            code = self.codes.get(wish.reason_code)
            detail = code.inactive_on(today) if code else "is no reason code of this area; GET reason-codes lists them"
            unusable += [("reason_code", detail)] if detail else []
        if wish.action == "defer" and wish.until and wish.until <= today:
            unusable.append(("until", "must lie after today in the area's time zone"))
        return unusable

    def _supplied(
        self, row: Recommendation, wish: DecisionIn, proposal: advice.Proposal, quantity: float
    ) -> advice.Proposal:
        """The proposal in the lots of the source that an override names.

        422 where that supplies nothing of the kind, or takes no such quantity.
        """
        rule = self._rule(row, wish.source or row.content["order"]["source"])
        if rule is None and wish.source is not None:
            detail = "supplies nothing of the kind here; GET supply/sourcing-rules lists who does"
            raise Unprocessable("There is no such source.", errors=[{"pointer": "#/source", "detail": detail}])
        if rule is not None and (wish.source is not None or rule.strict_lots):
            lots = {name: getattr(rule, name) for name in ("moq", "multiple", "max_quantity")}
            proposal = replace(proposal, **lots)
        if rule is not None and rule.strict_lots and (wrong := list(advice.off_lots(proposal, quantity))):
            errors = [{"pointer": "#/quantity", "detail": detail} for _, detail in wrong]
            raise Unprocessable("The supplier takes no such quantity.", errors=errors)
        return proposal

    def _rule(self, row: Recommendation, source: str) -> SourcingRule | None:
        """The rule of a source of the recommended mode: the last that began by the release, else any."""
        rule = SourcingRule
        mine = select(rule).where(rule.area == row.area, rule.item == row.item, rule.location == row.location)
        mode = MODES.get(row.type)
        mine = mine.where(rule.source == source, rule.mode == mode if mode else true())
        began = rule.effective_from <= datetime.date.fromisoformat(row.content["order"]["release_date"])
        return self.session.scalar(mine.order_by(began.desc(), rule.effective_from.desc()).limit(1))

    def _demands(self, row: Recommendation, made: Move) -> list[AdviceOut]:
        """Why the decision needs an approver."""
        order = row.content["order"]
        if order is None or made.quantity is None or made.due is None:
            return []
        demands = list(approvals.order_demands(self.rules, order, made.quantity))
        if row.route == "dual":
            demands.append(AdviceOut(code="dual_control", detail="A policy asks for two people."))
        if made.action == "override":
            periods = self._periods(row) if self.rules.frozen_fence else []
            demands += approvals.override_demands(self.rules, order, made.quantity, made.due, periods)
        return demands

    def _periods(self, row: Recommendation) -> list[Any]:
        return self.session.scalars(select(Plan.periods).where(Plan.id == row.plan_id)).one() or []

    def _warnings(
        self, row: Recommendation, wish: DecisionIn, proposal: advice.Proposal | None, made: Move
    ) -> list[AdviceOut]:
        if wish.until is not None:
            return advice.of_deferral(wish.until, row.state.expires_on)
        if proposal is None or wish.action != "override" or made.quantity is None or made.due is None:
            return []
        found = advice.of_override(proposal, made.quantity, made.due, wish.note)
        return [self._with_record(one, wish) if one.code in advice.FRICTION else one for one in found]

    def _with_record(self, warning: AdviceOut, wish: DecisionIn) -> AdviceOut:
        """The warning with how often this person overrode before, and anybody for this reason."""
        reason: ColumnElement[str] = literal_column(REASON)
        record = TrackRecordOut(
            person=self._count("person", Entry.actor == self.who.actor, Outcome.actor == self.who.actor),
            reason_code=self._count(
                f"reason {wish.reason_code}", reason == wish.reason_code, Outcome.reason_code == wish.reason_code
            ),
        )
        return warning.model_copy(update={"track_record": record})

    def _count(self, name: str, logged: Any, measured: Any) -> CountOut:
        """Overrides in the area's ledger, and what came of them; those of one block do not count each other."""
        if name not in self._known:
            area = self.who.area.area
            overrides = select(func.count()).where(Entry.area == area, Entry.action == "override", logged)
            added = func.avg(Outcome.recommended_cost - Outcome.executed_cost)
            came = select(func.count(), added).where(Outcome.area == area, Outcome.action == "override", measured)
            count, mean = self.session.execute(came).one()
            value = None if mean is None else round(Decimal(mean), 2)
            known = CountOut(overrides=self.session.scalar(overrides) or 0, measured=count, value_added=value)
            self._known[name] = known
        return self._known[name]


def event(row: Recommendation, action: str, before: State, decided: State, facts: dict[str, Any]) -> Event:
    """The ledger entry of what happened to a recommendation."""
    common = {
        "plan" if row.plan_id else "filing": str(row.by),
        "forecast": row.content["forecast"],
        "model_version": row.content["model_version"],
        "before": StandingOut.facts(before),
        "after": StandingOut.facts(decided),
    }
    return Event(action, str(row.id), common | facts)


def _superfluous(wish: DecisionIn) -> Sequence[tuple[str, str]]:
    given = {name for name in FIELDS if getattr(wish, name) is not None}
    return [(name, f"has no meaning with {wish.action}") for name in sorted(given - USED.get(wish.action, set()))]


def _move(wish: DecisionIn, proposal: advice.Proposal | None) -> Move:
    """What the decision settles: an order's quantity and due date, nothing where data are to be mended."""
    if wish.action in {"accept", "override"} and proposal:
        quantity, due = wish.quantity or proposal.quantity, wish.due or proposal.receipt_date
        return Move(wish.action, quantity, due, wish.reason_code, source=wish.source)
    if wish.action == "override":
        raise Unprocessable("Only an order has a quantity and a date to override: accept, reject or annotate this.")
    return Move(wish.action, reason_code=wish.reason_code, until=wish.until)
