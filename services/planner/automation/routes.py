"""Automation over HTTP: which orders need nobody."""

from fastapi import Response

from services.planner.automation import rules, service, simulation
from services.planner.automation.schemas import AutomationIn, AutomationOut, PolicyIn, PolicyOut, SimulationOut
from shared import app, etag
from shared.app import problems
from shared.db import Read, Write
from shared.etag import IfMatch
from shared.paging import Page
from shared.principal import Caller
from shared.schemas import Key

router = app.router(tags=["Recommendations and decisions"])
CHANGE = problems(400, 412, 415, 428)


@router.get("/automation", operation_id="get_automation", responses=problems())
def get_automation(who: Caller, session: Read, response: Response) -> AutomationOut:
    """Show whether policies apply, and how many orders of a plan are for people."""
    found = service.automation(session, who)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.put("/automation", operation_id="put_automation", responses=CHANGE)
def put_automation(
    wish: AutomationIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> AutomationOut:
    """Switch all policies on or off; what they accepted stands until it is reverted."""
    found = service.put_automation(session, who, version, wish)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.get("/auto-accept-policies", operation_id="list_policies", responses=problems())
def list_policies(who: Caller, session: Read) -> Page[PolicyOut]:
    """List policies in the order in which they are asked, with what they did."""
    return Page(items=service.shown(session, who, service.policies(session, who)), next_cursor=None)


@router.get("/auto-accept-policies/{policy}", operation_id="get_policy", responses=problems())
def get_policy(policy: Key, who: Caller, session: Read, response: Response) -> PolicyOut:
    """Show a policy with how many orders it accepted, and how people saw its random sample."""
    [found] = service.shown(session, who, [service.one(session, who, policy)])
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.put("/auto-accept-policies/{policy}", operation_id="put_policy", responses=CHANGE)
def put_policy(
    policy: Key, wish: PolicyIn, version: IfMatch, who: Caller, session: Write, response: Response
) -> PolicyOut:
    """Add a policy (`If-Match: "0"`) or change it; it applies from the next plan on."""
    found = service.put_policy(session, who, policy, version, wish)
    response.headers["ETag"] = etag.of(found.version)
    return found


@router.post("/auto-accept-policies/{policy}:simulate", operation_id="simulate_policy", responses=problems(400, 415))
def simulate_policy(policy: Key, who: Caller, session: Read, wish: PolicyIn | None = None) -> SimulationOut:
    """Say what a policy would have done with what was decided before, by itself; nothing is stored.

    Without a body it is the policy as it stands, with one the policy as it would be, which need not exist yet.
    """
    tried = wish or service.one(session, who, policy).policy
    return simulation.simulated(session, who, rules.Named(policy, 0, tried))
