"""A table body: a small one is stored whole or not at all before the answer, a larger one becomes an import."""

from typing import Annotated, Any, BinaryIO, Literal
from uuid import UUID

from fastapi import Depends, Query, Response
from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from shared import jobs, parse, waiting
from shared.db import Write
from shared.errors import NotFound
from shared.imports.kinds import Call, Counts, Finding, Kind
from shared.imports.schemas import ImportOut
from shared.imports.tables import Import, Piece
from shared.media import CSV
from shared.principal import Caller, Principal
from shared.rows import Reader, Rows
from shared.schemas import Schema
from shared.upload import Table, Upload

SMALL = 1000
PIECE_BYTES = 1 << 20
TASK = "imports:carry_out"
NOTHING = parse.Raw([], {}, [])
RUNS = waiting.Runs(Import, lambda _, run: ImportOut.of(run))

type OnError = Literal["reject", "skip"]


class Wish:
    """How the body is to be treated. Whoever says so gets an import, however small the body is."""

    def __init__(
        self,
        on_error: Annotated[
            OnError | None,
            Query(description="`reject` (default): one bad row, and nothing is stored. `skip`: bad rows are left out."),
        ] = None,
        validate_only: Annotated[bool | None, Query(description="Check all rows and store none.")] = None,
    ) -> None:
        self.on_error: OnError = on_error or "reject"
        self.validate_only = validate_only or False
        self.is_said = on_error is not None or validate_only is not None


class Reception:
    """A call that brings a table."""

    def __init__(
        self,
        upload: Table,
        wish: Annotated[Wish, Depends(scope="function")],
        _: Annotated[None, RUNS.prefer],
        who: Caller,
        session: Write,
        response: Response,
    ) -> None:
        self._upload, self._wish, self._who, self._session, self._response = upload, wish, who, session, response

    def take(self, kind: Kind[Any], **parameters: str) -> Counts | ImportOut:
        """Store at most SMALL rows at once, all or none; queue more, or what `wish` says something of, as an import."""
        call = Call(self._who, parameters)
        reader = Reader(kind.row, cells=self._upload.media == CSV)
        raw = _if_small(self._upload, reader.names)
        if raw is not None and not self._wish.is_said:
            rows, faults = reader.read(raw)
            _require_none(Finding(faults))
            return put(kind, self._session, call, rows)
        run = start(kind, self._session, call, self._upload, self._wish)
        self._response.status_code = 202
        self._response.headers["Location"] = f"/v1/areas/{run.area}/{kind.home}/{run.id}"
        return ImportOut.of(run)


Received = Annotated[Reception, Depends(scope="function")]


def put[S: Schema](kind: Kind[S], session: Session, call: Call, rows: Rows[S]) -> Counts:
    """Store all rows; the problem of the first rule that is broken where there is one."""
    for finding in kind.check(session, call, rows):
        _require_none(finding)
    return kind.store(session, call, rows)


def _if_small(upload: Upload, names: list[str]) -> parse.Raw | None:
    """The rows of a body that has at most SMALL. Raises where its beginning is no table of these columns."""
    with upload.open() as stream:
        batches = parse.batches(stream, upload.media, names, SMALL)
        first = next(batches, NOTHING)
        return first if next(batches, None) is None else None


def _require_none(finding: Finding) -> None:
    if finding.faults:
        raise finding.problem(finding.detail, errors=[fault.error() for fault in finding.faults])


def start[S: Schema](kind: Kind[S], session: Session, call: Call, upload: Upload, wish: Wish) -> Import:
    """Keep the body and queue its import. Imports of one kind into one area are carried out in the order of calls.

    What is wrong with the call itself, such as a driver that nobody defined, is a problem at once.
    """
    nothing, _ = Reader(kind.row, cells=False).read(NOTHING)
    list(kind.check(session, call, nothing))
    run = Import(
        area=call.area,
        caller=TypeAdapter(Principal).dump_python(call.who, mode="json"),
        kind=kind.name,
        parameters=dict(call.parameters),
        media=upload.media,
        encoding=upload.encoding,
        size=upload.size,
        on_error=wish.on_error,
        validate_only=wish.validate_only,
        progress_unit="rows",
    )
    jobs.start(session, run, call.who, TASK, lock=f"import {kind.name} {call.area}", queue=jobs.IMPORTS)
    upload.file.seek(0)
    _keep(session, run, upload.file)
    return run


def _keep(session: Session, run: Import, file: Any) -> None:
    stream: BinaryIO = file
    number = 0
    while content := stream.read(PIECE_BYTES):
        session.add(Piece(import_id=run.id, number=number, content=content))
        session.flush()
        session.expunge_all()
        number += 1
    session.add(run)


def runs(area: str) -> Select[Import]:
    return select(Import).where(Import.area == area)


def one(session: Session, area: str, import_id: UUID) -> Import:
    run = session.scalar(runs(area).where(Import.id == import_id))
    if run is None:
        raise NotFound("There is no such import in this area.")
    return run


def cancel(session: Session, area: str, import_id: UUID) -> Import:
    """Stop an import; one that has ended stays as it is."""
    run = one(session, area, import_id)
    jobs.cancel(session, run)
    session.flush()
    return run
