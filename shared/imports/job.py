"""The import job: read the body, check its rows, store them, all in one transaction."""

import datetime
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import procrastinate
from procrastinate import JobContext
from psycopg import sql
from pydantic import TypeAdapter
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared import jobs, parse
from shared.db import Database, psycopg_connection
from shared.errors import Unprocessable
from shared.imports.kinds import Call, Counts, Kind, Made
from shared.imports.tables import Import, Piece, Reject
from shared.jobs import Work
from shared.media import CSV
from shared.parse import Fault
from shared.principal import Principal
from shared.rows import Reader, Rows, joined
from shared.upload import IN_MEMORY, Upload

BATCH_ROWS = 65_536
MOST_REJECTS = 100_000
REJECTS_KEPT_DAYS = 30
LOOK_SECONDS = 1.0
NOTHING = Counts(received=0, created=0, updated=0, unchanged=0)
REJECTED = "Some rows do not hold, so nothing was stored: see the import's rejects."

type Kinds = Mapping[str, Kind[Any]]


class RowsRejected(Unprocessable):
    slug, title = "rows-rejected", "Some rows were rejected"


def tasks(kinds: Kinds) -> procrastinate.Blueprint:
    """The jobs that carry imports out and clear away what they leave behind."""
    blueprint = procrastinate.Blueprint()

    @blueprint.task(name="carry_out", queue=jobs.IMPORTS, pass_context=True, retry=jobs.RETRY)
    def carry_out_import(context: JobContext, run_id: str) -> None:
        jobs.attempt(context, Import, run_id, lambda work: carry_out(work, kinds))

    @blueprint.periodic(cron="37 * * * *")
    @blueprint.task(name="forget", queue=jobs.UPKEEP, queueing_lock="forget_imports", pass_context=True)
    def forget_imports(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
        database: Database = context.additional_context["database"]
        with database.write() as session:
            forget(session)

    return blueprint


def carry_out(work: Work[Import], kinds: Kinds) -> None:
    """One attempt at an import. Raises RowsRejected where rows do not hold and none may be left out."""
    run = work.run
    kind = kinds[run.kind]
    call = Call(TypeAdapter(Principal).validate_python(run.caller), run.parameters)
    with _body(work) as upload:
        rows, rejects = _read(work, kind, upload)
    received = len(rows) + len(rejects.rows)
    with work.database.write() as session:
        for finding in kind.check(session, call, rows):
            rejects.add(finding.faults)
        rejected = rejects.rows
        refused = bool(len(rejected)) and run.on_error == "reject"
        valid = rows.only(~np.isin(rows.numbers, rejected)) if len(rejected) else rows
        counts = NOTHING if refused else _store(session, kind, call, valid, keep=not run.validate_only)
        _keep_rejects(session, run, rejects.first)
        session.execute(delete(Piece).where(Piece.import_id == run.id))
        held = work.lock(session)  # last: whoever looks at the import or cancels it need not wait for the rows
        if held.cancel_requested:
            raise jobs.Cancelled
        _conclude(held, counts, received, len(rejected))
        if refused and not run.validate_only:
            jobs.close(held, "failed", RowsRejected(REJECTED).document(run.request_id))
        else:
            jobs.close(held, "succeeded")


class Rejects:
    """What is wrong with the rows of an import: the first MOST_REJECTS faults, and of the others only which rows."""

    def __init__(self) -> None:
        self.first: list[Fault] = []  # in the order of rows
        self._rows = [np.empty(0, dtype=np.int64)]

    def add(self, faults: Sequence[Fault]) -> None:
        self.first += faults
        self._rows.append(np.unique([fault.row for fault in faults]).astype(np.int64))
        self.first = sorted(self.first, key=lambda fault: fault.row)[:MOST_REJECTS]

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """The rows that have a fault, each once."""
        return np.unique(np.concatenate(self._rows))


def _read(work: Work[Import], kind: Kind[Any], upload: Upload) -> tuple[Rows[Any], Rejects]:
    """All rows of the body that hold one by one, and what is wrong with the others."""
    reader = Reader(kind.row, cells=upload.media == CSV)
    parts, rejects = [reader.read(parse.Raw([], {}, []))[0]], Rejects()
    looked = 0.0
    with upload.open() as stream:
        for raw in parse.batches(stream, upload.media, reader.names, BATCH_ROWS):
            rows, wrong = reader.read(raw)
            parts.append(rows)
            if wrong:
                rejects.add(wrong)
            if time.monotonic() - looked > LOOK_SECONDS:
                done = sum(map(len, parts))
                work.progress(done, done, "rows")
                looked = time.monotonic()
    return joined(parts), rejects


def _store(session: Session, kind: Kind[Any], call: Call, rows: Rows[Any], *, keep: bool) -> Counts:
    """What storing the rows does, or would do."""
    savepoint = session.begin_nested()
    counts = kind.store(session, call, rows)
    savepoint.commit() if keep else savepoint.rollback()
    return counts


def _conclude(run: Import, counts: Counts, received: int, rejected: int) -> None:
    run.received = run.progress_done = run.progress_total = received
    run.created, run.updated, run.unchanged = counts.created, counts.updated, counts.unchanged
    run.rejected = rejected
    run.made = counts.made if isinstance(counts, Made) and not run.validate_only else None


def _keep_rejects(session: Session, run: Import, faults: Iterable[Fault]) -> None:
    statement = sql.SQL("COPY import_rejects (import_id, number, row, field, detail) FROM STDIN")
    with psycopg_connection(session).cursor() as cursor, cursor.copy(statement) as copy:
        for number, fault in enumerate(faults):
            copy.write_row((run.id, number, fault.row, _printable(fault.field), fault.detail))


def _printable(name: str | None) -> str | None:
    """A field's name as it was sent may hold what no column can."""
    return name if name is None else name.encode("ascii", "backslashreplace").decode().replace("\0", "\\0")


@contextmanager
def _body(work: Work[Import]) -> Iterator[Upload]:
    run = work.run
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        with work.database.read() as session:
            pieces = select(Piece.content).where(Piece.import_id == run.id).order_by(Piece.number)
            for content in session.scalars(pieces.execution_options(yield_per=1)):
                file.write(content)
        yield Upload(run.media, run.encoding, file, run.size)


def forget(session: Session) -> None:
    """Remove the bodies of imports that are over, and lists of rejects that have been kept long enough."""
    over = select(Import.id).where(Import.status.in_(jobs.OVER))
    session.execute(delete(Piece).where(Piece.import_id.in_(over)))
    old = over.where(Import.finished_at < func.now() - datetime.timedelta(days=REJECTS_KEPT_DAYS))
    session.execute(delete(Reject).where(Reject.import_id.in_(old)))
