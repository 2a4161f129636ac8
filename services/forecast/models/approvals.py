"""What people say of versions, and whether a version may be promoted."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.forecast.ledger.tables import TABLES
from services.forecast.models import rules, versions
from services.forecast.models.schemas import ModelApprovalIn
from services.forecast.models.tables import Approval, ModelVersion, Promotion, TrainingRun
from shared import four_eyes, ledger
from shared.errors import Conflict, Unprocessable
from shared.four_eyes import Identity, SamePerson
from shared.ids import uuid7
from shared.principal import Principal

ACTIONS = {"approve": "approve_model", "reject": "reject_model"}
WARM_UP, CURRENT, JUDGED = "warm_up", "judged_against_champion", "judged"


class GatesFailed(Conflict):
    slug, title = "gates-failed", "The version failed its gates"


class ApprovalNeeded(Conflict):
    slug, title = "approval-needed", "Somebody else must approve it"


class VersionRejected(Conflict):
    slug, title = "version-rejected", "The version was rejected"


class NothingToOverride(Unprocessable):
    slug, title = "nothing-to-override", "Not a gate that can be overridden"


def approvals(area: str, version: int) -> Select[Approval]:
    return select(Approval).where(Approval.area == area, Approval.version == version)


def failing(version: ModelVersion, champion: int | None) -> list[str]:
    """Gates that the version fails today; one judged against another champion than today's must be judged anew."""
    if version.gates is None:
        return [JUDGED]
    failed = [gate["gate"] for gate in version.gates if not gate["passed"]]
    return [*failed, CURRENT] if version.judged_against != champion else failed


def decide(session: Session, who: Principal, number: int, champion: int | None, wish: ModelApprovalIn) -> Approval:
    """Approve or reject a version. SamePerson for its trainer, NothingToOverride for a gate that passed or must."""
    version = versions.one(session, who.area.area, number)
    trainer = session.get_one(TrainingRun, version.training_run)
    if not four_eyes.differ(_identity(trainer), Identity(who.id, who.on_behalf_of)):
        raise SamePerson("Somebody else has to approve or reject what you trained.")
    overrides = sorted(set(wish.overrides))
    possible = [] if wish.action == "reject" else [gate for gate in failing(version, champion) if gate != WARM_UP]
    wrong = [place for place, gate in enumerate(wish.overrides) if gate not in possible]
    if wrong:
        detail = f"can be overridden are {', '.join(possible) or 'none'}"
        errors = [{"pointer": f"#/overrides/{place}", "detail": detail} for place in wrong]
        raise NothingToOverride("Only gates that failed can be overridden, and never the warm-up.", errors=errors)
    row = Approval(
        id=uuid7(),
        area=version.area,
        version=number,
        action=wish.action,
        overrides=overrides,
        reason=wish.reason,
        decided_by=who.actor,
    )
    row.sequence = ledger.append(session, TABLES, who, ACTIONS[wish.action], f"models/{number}", facts(row))
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


def require(session: Session, version: ModelVersion, champion: int | None) -> list[str]:
    """The failing gates that an approval overrides. VersionRejected, ApprovalNeeded, GatesFailed where it may not."""
    newest = _unrejected(session, version)
    if newest is None and rules.rules(session, version.area).approval_required:
        raise ApprovalNeeded("In this area somebody else than its trainer approves a version before it is promoted.")
    failed = [] if _was_champion(session, version) else failing(version, champion)
    left = sorted(set(failed) - set(newest.overrides if newest else []))
    if left:
        raise GatesFailed(
            f"It fails {', '.join(left)}: train again, or let an approver override them with a reason "
            f"(POST models/versions/{version.version}/approvals)."
        )
    return failed


def require_runnable(session: Session, version: ModelVersion) -> None:
    """VersionRejected, or GatesFailed where it crashed in its warm-up: what must not even run beside the champion."""
    _unrejected(session, version)
    if any(gate["gate"] == WARM_UP and not gate["passed"] for gate in version.gates or []):
        raise GatesFailed(f"It fails {WARM_UP}: a model that cannot forecast challenges nobody. Train again.")


def _unrejected(session: Session, version: ModelVersion) -> Approval | None:
    """The newest that was said of a version; VersionRejected where that is a rejection."""
    newest = session.scalar(approvals(version.area, version.version).order_by(Approval.sequence.desc()).limit(1))
    if newest is not None and newest.action == "reject":
        raise VersionRejected("An approver has rejected it; an approval that comes later opens the way again.")
    return newest


def _was_champion(session: Session, version: ModelVersion) -> bool:
    """Whether it was judged and promoted before; then only a rejection keeps it away."""
    mine = (Promotion.area == version.area, Promotion.version == version.version)
    return session.scalar(select(Promotion.sequence).where(*mine).limit(1)) is not None


def facts(row: Approval) -> dict[str, Any]:
    """What the ledger keeps of an approval."""
    return {name: getattr(row, name) for name in ("version", "action", "overrides", "reason")} | {"id": str(row.id)}


def _identity(run: TrainingRun) -> Identity:
    principal = run.principal or run.requested_by
    return Identity(principal, None if run.requested_by == principal else run.requested_by)
