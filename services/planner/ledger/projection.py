"""States of recommendations as the ledger alone gives them."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from uuid import UUID

from services.planner.recommendations.decisions import OPEN, IllegalMove, Move, State, after
from services.planner.recommendations.schemas import StandingOut

identified = lru_cache(maxsize=65_536)(UUID)  # a recommendation's entries are many
# Entries about these have what they say of them in `after`:
DOCUMENTS = ("reason_code", "approval_rules", "automation", "auto_accept_policy", "planning_cycle")

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
    """A recommendation's state, the entry that it rests on (tables.py), and the last entry that touched it."""

    state: State
    sequence: int | None
    touched: int


@dataclass(frozen=True)
class Recorded:
    """What an entry says that is stored beside the ledger as it is."""

    facts: Mapping[str, Any]
    sequence: int


class Projection:
    """A fold over entries, in their order.

    executions: by recommendation and reference. documents: reference data, by kind and key, with their versions.
    """

    def __init__(self) -> None:
        self.standings: dict[UUID, Standing] = {}
        self.executions: dict[tuple[UUID, str], Recorded] = {}
        self.documents: dict[tuple[str, str], Recorded] = {}
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
        if facts["action"] in DOCUMENTS:
            named = (facts["action"], facts["subject"])
            said = {"content": facts["body"]["after"], "version": facts["body"]["version"]}
            self.documents[named] = Recorded(said, sequence)
            return
        subject = identified(facts["subject"])
        if facts["action"] == "plan":
            self._file(sequence, subject, members.get(subject, ()), facts["body"])
        elif facts["action"] == "file":
            self._file(sequence, subject, [identified(one) for one in facts["body"]["recommendations"]], facts["body"])
        else:
            self._decide(sequence, subject, facts)

    def _file(self, sequence: int, by: UUID, filed: Sequence[UUID], body: Mapping[str, Any]) -> None:
        """A plan supersedes what is open, save what it names, and proposes its own.

        A net change, and a filing of another service, names what it supersedes.
        """
        named = body.get("superseded")
        closed = self._open.difference(map(UUID, body["kept"])) if named is None else set(map(UUID, named))
        for identifier in closed:
            old = self.standings[identifier]
            self._set(identifier, Standing(after(old.state, Move("supersede", plan=by)), old.sequence, sequence))
        for identifier in filed:
            self._set(identifier, Standing(State(), None, sequence))

    def _decide(self, sequence: int, subject: UUID, facts: Mapping[str, Any]) -> None:
        old = self.standings[subject].state
        state = after(old, _move(facts))
        if StandingOut.facts(state) != facts["body"]["after"]:
            raise ValueError("it says that something else came of it")
        if state != old:
            keeps = self.standings[subject].sequence if facts["action"] == "approve" else None
            self._set(subject, Standing(state, keeps or sequence, sequence))
        order = facts["body"].get("execution")
        if order is not None:
            self.executions[subject, order["reference"]] = Recorded(order, sequence)

    def _set(self, identifier: UUID, standing: Standing) -> None:
        self.standings[identifier] = standing
        (self._open.add if standing.state.status in OPEN else self._open.discard)(identifier)


def _move(facts: Mapping[str, Any]) -> Move:
    body = facts["body"]
    decided = body["after"]
    return Move(
        facts["action"],
        quantity=decided["quantity"],
        due=_date(decided["due"]),
        reason_code=body["reason_code"],
        until=_date(body.get("until")),
        approval=decided.get("status") == "awaiting_approval",
        source=decided.get("source"),
    )


def _date(text: str | None) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
