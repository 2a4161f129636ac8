"""Who waits for whom: decisions go on beside each other, but not while a plan files its recommendations.

A plan supersedes what is still open and counts what was accepted; a decision in between would be lost or counted
twice. Both locks end with the transaction, and are taken before any row's.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

_SPACE = "hashtext('accord recommendations'), hashtext(:area)"


def deciding(session: Session, area: str) -> None:
    """Hold off plans of this area until the decision is stored."""
    session.execute(text(f"SELECT pg_advisory_xact_lock_shared({_SPACE})"), {"area": area})


def filing(session: Session, area: str) -> None:
    """Hold off decisions of this area until the plan's recommendations are stored."""
    session.execute(text(f"SELECT pg_advisory_xact_lock({_SPACE})"), {"area": area})
