"""The proof of a ledger from its export alone: no database, no service, no trust in whoever gave it."""

import datetime
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from services.planner.ledger.projection import DOCUMENTS, Impossible, Projection, identified, reading
from shared import ledger
from shared.ledger import Finding, Known

GZIP = b"\x1f\x8b"


class NoExport(Exception):  # noqa: N818
    """The command was given something else."""


class Exported(NamedTuple):
    """One line of `GET decisions` as NDJSON (shared.ledger.FIELDS)."""

    sequence: int
    at: datetime.datetime
    actor: str
    action: str
    subject: str
    content: str
    previous: str
    hash: str


def command(file: Path, known: Sequence[str]) -> int:
    """Print what the export proves as JSON; the exit status is 0 where all of it holds, 1 where not, 2 for no export.

    known: `SEQUENCE:HASH` of entries that the auditor noted earlier, so that a chain that was cut or made anew shows.
    """
    try:
        entries, notes = list(read(file)), dict(map(_noted, known))
    except (OSError, NoExport) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    finding = check(entries, notes)
    last = {"sequence": entries[-1].sequence, "hash": entries[-1].hash} if entries else None
    bad = {"sequence": finding.sequence, "reason": finding.reason} if finding else None
    print(json.dumps({"entries": len(entries), "last": last, "intact": bad is None, "first_bad": bad}))  # noqa: T201
    return 0 if finding is None else 1


def read(file: Path) -> Iterator[Exported]:
    """The entries of an export, gzipped or not; NoExport where a line is none."""
    with file.open("rb") as raw:
        opener = gzip.open if raw.read(len(GZIP)) == GZIP else open
    with opener(file, "rb") as lines:
        yield from map(_entry, lines)


def check(entries: Sequence[Exported], known: dict[int, str]) -> Finding | None:
    """The first entry that does not hold: of the chain, of what was noted earlier, or of what can have happened."""
    _, _, finding = ledger.check(entries)
    return finding or _unlike(entries, known) or _impossible(entries)


def _entry(line: bytes) -> Exported:
    try:
        facts = json.loads(line)
        return Exported(**facts | {"at": datetime.datetime.fromisoformat(facts["at"])})
    except (LookupError, TypeError, ValueError) as error:
        raise NoExport("The file is no export of decisions as NDJSON.") from error


def _noted(text: str) -> tuple[int, str]:
    found = Known.parse(text)
    if found is None:
        raise NoExport("What was noted is given as SEQUENCE:HASH.")
    return found


def _unlike(entries: Sequence[Exported], known: dict[int, str]) -> Finding | None:
    for sequence, digest in sorted(known.items()):
        found = ledger.unlike(Known(sequence, digest), len(entries), lambda place: entries[place - 1].hash)
        if found is not None:
            return found
    return None


def _impossible(entries: Iterable[Exported]) -> Finding | None:
    """Whether the decisions can have followed each other. Recommendations that no entry names are not known here."""
    try:
        facts = [(entry.sequence, json.loads(entry.content)) for entry in entries]
        Projection.of(facts, _members(facts))
    except Impossible as error:
        return Finding(error.sequence, "the entry records what cannot have happened")
    return None


def _members(facts: Sequence[tuple[int, dict[str, Any]]]) -> dict[UUID, list[UUID]]:
    """The recommendations of each plan that were decided on, or that a later net change names.

    Of the latter nothing says which plan they are from: they are taken for the plan's before it, where they were open.
    """
    found: dict[UUID, dict[UUID, None]] = {}
    for sequence, said in facts:
        if said["action"] not in {"plan", "file", *DOCUMENTS} and "plan" in said["body"]:
            with reading(sequence):
                found.setdefault(identified(said["body"]["plan"]), {})[identified(said["subject"])] = None
    decided = {one for members in found.values() for one in members}
    before: UUID | None = None
    for sequence, said in facts:
        if said["action"] != "plan":
            continue
        with reading(sequence):
            for named in map(identified, said["body"].get("superseded", ())):
                if before is not None and named not in decided:
                    found.setdefault(before, {})[named] = None
            before = identified(said["subject"])
    return {plan: list(members) for plan, members in found.items()}
