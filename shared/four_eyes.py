"""Who may approve what somebody did: another person."""

from dataclasses import dataclass

from shared.errors import Forbidden


class SamePerson(Forbidden):
    slug, title = "same-person", "Decider and approver must be two people"


@dataclass(frozen=True)
class Identity:
    """Who acted: the principal of the key, and the person whom it spoke for."""

    principal: str
    on_behalf_of: str | None

    @property
    def actor(self) -> str:
        return self.on_behalf_of or self.principal


def differ(decider: Identity, approver: Identity) -> bool:
    """Whether these are two people. One principal may act as both only where it speaks for two different persons."""
    if decider.actor == approver.actor:
        return False
    spoken_for = decider.on_behalf_of is not None and approver.on_behalf_of is not None
    return decider.principal != approver.principal or spoken_for
