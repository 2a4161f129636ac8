"""States of recommendations as the ledger alone gives them."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from services.planner.recommendations.decisions import IllegalMove, Move, State, after

OF_SCENARIOS = frozenset({"promote_scenario", "take_back_scenario"})  # they touch no recommendation


class Impossible(Exception):  # noqa: N818
    """An entry records what cannot have happened: forged, since its hash holds."""

    def __init__(self, sequence: int) -> None:
        super().__init__(f"entry {sequence}")
        self.sequence = sequence


@contextmanager
def reading(sequence: int) -> Iterator[None]:
    """Whatever an entry's facts do not allow is Impossible."""
    try:
        yield
    except (IllegalMove, LookupError, TypeError, ValueError) as error:
        raise Impossible(sequence) from error


@dataclass(frozen=True)
class Standing:
    """A recommendation's state, the entry of its last decision or release, and the last entry that touched it."""

    state: State
    sequence: int | None
    touched: int


class Projection:
    """A fold over entries, in their order."""

    def __init__(self) -> None:
        self.standings: dict[UUID, Standing] = {}
        self._open: set[UUID] = set()

    @classmethod
    def of(cls, entries: Iterable[tuple[int, Mapping[str, Any]]], members: Mapping[UUID, Sequence[UUID]]) -> Self:
        """Rebuild the states from (sequence, hashed facts); `members` are the recommendations of each plan."""
        projection = cls()
        for sequence, facts in entries:
            with reading(sequence):
                projection._take(sequence, facts, members)
        return projection

    def _take(self, sequence: int, facts: Mapping[str, Any], members: Mapping[UUID, Sequence[UUID]]) -> None:
        if facts["action"] in OF_SCENARIOS:
            return
        subject = UUID(facts["subject"])
        if facts["action"] == "plan":
            self._file(sequence, subject, members.get(subject, ()), facts["body"])
        else:
            self._decide(sequence, subject, facts)

    def _file(self, sequence: int, plan: UUID, filed: Sequence[UUID], body: Mapping[str, Any]) -> None:
        """A plan supersedes what is open, save what it counted on, and proposes its own; a net change names what."""
        named = body.get("superseded")
        closed = self._open.difference(map(UUID, body["kept"])) if named is None else set(map(UUID, named))
        for identifier in closed:
            old = self.standings[identifier]
            self._set(identifier, Standing(after(old.state, Move("supersede", plan=plan)), old.sequence, sequence))
        for identifier in filed:
            self._set(identifier, Standing(State(), None, sequence))

    def _decide(self, sequence: int, subject: UUID, facts: Mapping[str, Any]) -> None:
        old = self.standings[subject].state
        state = after(old, _move(facts))
        if state != old:
            self._set(subject, Standing(state, sequence, sequence))

    def _set(self, identifier: UUID, standing: Standing) -> None:
        self.standings[identifier] = standing
        (self._open.add if standing.state.status == "proposed" else self._open.discard)(identifier)


def _move(facts: Mapping[str, Any]) -> Move:
    body = facts["body"]
    decided = body["after"]
    return Move(
        facts["action"],
        quantity=decided["quantity"],
        due=datetime.date.fromisoformat(decided["due"]) if decided["due"] else None,
        reason_code=body["reason_code"],
    )
