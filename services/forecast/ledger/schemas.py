from shared.ledger import Finding
from shared.schemas import Schema


class FirstBadOut(Schema):
    sequence: int
    reason: str


class ChainOut(Schema):
    """How far a service's chain holds. `first_bad` is null where all of it does."""

    service: str
    entries: int
    intact: bool
    first_bad: FirstBadOut | None


class VerificationOut(Schema):
    chains: list[ChainOut]

    @classmethod
    def of(cls, service: str, entries: int, finding: Finding | None) -> "VerificationOut":
        first_bad = FirstBadOut.model_validate(finding) if finding else None
        return cls(chains=[ChainOut(service=service, entries=entries, intact=finding is None, first_bad=first_bad)])
