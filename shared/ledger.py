"""The log of what was recommended and decided: one hash chain per area in each service that has effects to record.

An entry's hash is SHA-256(sequence ‖ previous hash ‖ canonical JSON), each part on its own line. The row keeps the
exact text that was hashed, and typed columns beside it for queries; `verify` recomputes the chain and holds the
columns against the text. Entries are appended in the transaction of the effect; the head row is locked last, which
puts the entries of an area in one order. The database refuses UPDATE, DELETE and TRUNCATE on entries.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, Self

from fastapi import Query
from sqlalchemy import DateTime, Text, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared import observe, outbox
from shared.outbox import Happening
from shared.principal import Principal
from shared.schemas import Schema

GENESIS = "0" * 64
FIELDS = ("sequence", "at", "actor", "action", "subject", "content", "previous", "hash")


class LedgerEntry:
    """Columns of an entry; mixed into each service's `ledger_entries`. `content` is the hashed text."""

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True))
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    content: Mapped[str] = mapped_column(Text)
    previous: Mapped[str]
    hash: Mapped[str]


class LedgerHead:
    """Columns of `ledger_heads`: where an area's chain stands."""

    area: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int]
    hash: Mapped[str]


@dataclass(frozen=True)
class Tables:
    """A service's two ledger tables."""

    entry: type[Any]
    head: type[Any]


@dataclass(frozen=True)
class Event:
    """What an entry says: JSON-safe facts (before, after, reason …) about a subject."""

    action: str
    subject: str
    body: Mapping[str, Any]


NOTED = "^(0|[1-9][0-9]{0,17}):([0-9a-f]{64})$"


class Known(NamedTuple):
    """An entry that somebody noted earlier, as `SEQUENCE:HASH`."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = re.fullmatch(NOTED, text)
        return cls(int(found[1]), found[2]) if found else None


Noted = Annotated[str | None, Query(pattern=NOTED, description="An entry that was noted earlier: SEQUENCE:HASH.")]


@dataclass(frozen=True)
class Finding:
    """The first place where a chain does not hold."""

    sequence: int
    reason: str


class HeadOut(Schema):
    """The last entry of a service's chain; sequence 0 where it has none."""

    service: str
    sequence: int
    hash: str


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
    def of(cls, service: str, entries: int, finding: Finding | None) -> Self:
        first_bad = FirstBadOut.model_validate(finding) if finding else None
        return cls(chains=[ChainOut(service=service, entries=entries, intact=finding is None, first_bad=first_bad)])


def canonical(content: Mapping[str, Any]) -> str:
    """One text for one content: sorted keys, no spaces, ASCII escapes, no NaN."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def link(sequence: int, previous: str, content: str) -> str:
    """The hash of an entry."""
    return hashlib.sha256(f"{sequence}\n{previous}\n{content}".encode()).hexdigest()


def append(session: Session, tables: Tables, who: Principal, action: str, subject: str, body: Mapping[str, Any]) -> int:
    """Append one entry to the chain of the caller's area, in the caller's transaction; returns its sequence."""
    return append_all(session, tables, who, [Event(action, subject, body)])[0]


def append_all(session: Session, tables: Tables, who: Principal, events: Sequence[Event]) -> range:
    """Append a block: entries that follow each other, in the caller's transaction; returns their sequences.

    Actor, time and request id are added here, and to each entry of a block of several where the block begins and how
    many entries it has.
    """
    area = who.area.area
    head = tables.head
    session.execute(
        insert(head).values(area=area, sequence=0, hash=GENESIS).on_conflict_do_nothing(index_elements=["area"])
    )
    last = session.scalars(select(head).where(head.area == area).with_for_update()).one()
    now = datetime.datetime.now(datetime.UTC)
    common: dict[str, Any] = {
        "at": now.isoformat(),
        "actor": who.actor,
        "principal": who.id,
        "roles": sorted(who.roles),
        "request_id": observe.request_id(),
    }
    block = range(last.sequence + 1, last.sequence + 1 + len(events))
    if len(events) > 1:
        common["block"] = {"first": block.start, "size": len(events)}
    rows = []
    for sequence, event in zip(block, events, strict=True):
        content = canonical(common | {"action": event.action, "subject": event.subject, "body": event.body})
        row = {"area": area, "sequence": sequence, "at": now, "actor": who.actor}
        row |= {"action": event.action, "subject": event.subject, "content": content}
        rows.append(row | {"previous": last.hash, "hash": link(sequence, last.hash, content)})
        last.sequence, last.hash = sequence, rows[-1]["hash"]
    if rows:
        session.execute(insert(tables.entry), rows)
        outbox.note(session, area, [_happening(row, event) for row, event in zip(rows, events, strict=True)])
    session.flush()
    return block


def _happening(row: Mapping[str, Any], event: Event) -> Happening:
    facts = {"sequence": row["sequence"], "actor": row["actor"], "hash": row["hash"], "body": event.body}
    return Happening(f"decision.{event.action}", event.subject, facts)


def head(session: Session, tables: Tables, area: str, service: str) -> HeadOut:
    """Where an area's chain stands."""
    last = session.scalar(select(tables.head).where(tables.head.area == area))
    sequence, digest = (last.sequence, last.hash) if last else (0, GENESIS)
    return HeadOut(service=service, sequence=sequence, hash=digest)


def verify(session: Session, tables: Tables, area: str, known: Known | None = None) -> tuple[int, Finding | None]:
    """Recompute an area's chain: how many entries hold, and the first that does not, or is not as it was `known`."""
    entry = tables.entry
    rows = select(*(getattr(entry, name) for name in FIELDS)).where(entry.area == area).order_by(entry.sequence)
    count, last, finding = check(session.execute(rows.execution_options(yield_per=5000)))
    if finding:
        return count, finding
    head = session.scalar(select(tables.head).where(tables.head.area == area))
    if (head.sequence, head.hash) != (count, last) if head else count:
        return count, Finding(count + 1, "the head of the chain names another last entry: entries are missing")
    if known is None:
        return count, None
    return count, unlike(known, count, lambda sequence: session.get_one(tables.entry, (area, sequence)).hash)


def unlike(known: Known, count: int, hash_of: Callable[[int], str]) -> Finding | None:
    """Whether a chain of `count` entries has no longer the one that was known; `hash_of` one of them, by sequence."""
    if known.sequence > count:
        return Finding(count + 1, f"the entry is missing: {known.sequence} was known")
    if (hash_of(known.sequence) if known.sequence else GENESIS) != known.hash:
        return Finding(known.sequence, "the entry is not the one that was known: all from here on may be made anew")
    return None


def check(entries: Iterable[Any]) -> tuple[int, str, Finding | None]:
    """Walk a chain from its first entry: entries that hold, the last good hash, and what is wrong with the next."""
    count, previous = 0, GENESIS
    for entry in entries:
        reason = _fault(entry, count + 1, previous)
        if reason:
            return count, previous, Finding(count + 1, reason)
        count, previous = count + 1, entry.hash
    return count, previous, None


def _fault(entry: Any, sequence: int, previous: str) -> str | None:
    if entry.sequence != sequence:
        return "the entry is missing"
    if entry.previous != previous:
        return "the entry does not follow the one before it"
    if entry.hash != link(sequence, previous, entry.content):
        return "the entry's content does not match its hash"
    if not _agrees(entry):
        return "the entry's columns differ from its hashed content"
    return None


def _agrees(entry: Any) -> bool:
    """Whether the columns say what the text says. In canonical text they stand at its ends: it need not be parsed."""
    head = f'{{"action":{_quoted(entry.action)},"actor":{_quoted(entry.actor)},"at":"{entry.at.isoformat()}",'
    if entry.content.startswith(head) and entry.content.endswith(f',"subject":{_quoted(entry.subject)}}}'):
        return True
    return (entry.at, entry.actor, entry.action, entry.subject) == _hashed(entry.content)


_quoted = lru_cache(maxsize=4096)(json.dumps)


def _hashed(content: str) -> tuple[Any, ...] | None:
    """What the columns beside an entry must say; None where somebody put a text there that is no entry."""
    try:
        facts = json.loads(content)
        return datetime.datetime.fromisoformat(facts["at"]), facts["actor"], facts["action"], facts["subject"]
    except (ValueError, TypeError, KeyError):
        return None


def guard(table: str, role: str) -> str:
    """SQL for a migration: nobody changes or removes entries, and the service's role may only add and read."""
    return f"""
        CREATE FUNCTION {table}_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'insufficient_privilege'; END $$;
        CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_is_final();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_final();
        REVOKE ALL ON {table} FROM {role};
        GRANT SELECT, INSERT ON {table} TO {role};
    """
