"""Reason codes and approval rules over HTTP."""

from fastapi import Response

from services.planner.reference import service
from services.planner.reference.schemas import ApprovalRules, ApprovalRulesOut, ReasonCodeIn, ReasonCodeOut
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
from shared.etag import IfMatch
from shared.paging import Page
from shared.principal import Caller
from shared.schemas import Key

router = app.router(tags=["Recommendations and decisions"])
CHANGE = problems(400, 412, 415, 428)


@router.get("/reason-codes", operation_id="list_reason_codes", responses=problems())
def list_reason_codes(who: Caller, session: Read) -> Page[ReasonCodeOut]:
    """List the reasons that an override or a rejection may give, those that are not active now as well."""
    return Page(items=list(service.reason_codes(session, who).values()), next_cursor=None)


@router.put("/reason-codes/{code}", operation_id="put_reason_code", responses=CHANGE)
def put_reason_code(
    code: Key, wish: ReasonCodeIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> ReasonCodeOut:
    """Add a reason code (`If-Match: "0"`), or change one: end it with `active_until`, as no code is ever deleted."""
    changed = service.put_reason_code(session, who, code, version, wish)
    response.headers["ETag"] = etag.of(changed.version)
    return changed


@router.get("/approval-rules", operation_id="get_approval_rules", responses=problems())
def get_approval_rules(who: Caller, session: Read, response: Response) -> ApprovalRulesOut:
    """Show what decisions need an approver; without rules none does."""
    rules = service.approval_rules(session, who)
    response.headers["ETag"] = etag.of(rules.version)
    return rules


@router.put("/approval-rules", operation_id="put_approval_rules", responses=CHANGE)
def put_approval_rules(
    wish: ApprovalRules, version: IfMatch, who: Caller, session: Write, response: Response
) -> ApprovalRulesOut:
    """Say what decisions need an approver from now on; what was decided before stands."""
    rules = service.put_approval_rules(session, who, version, wish)
    response.headers["ETag"] = etag.of(rules.version)
    return rules
