"""Imports over HTTP. Each service has a router of its own, since each has imports of its own."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pyarrow as pa
from fastapi import APIRouter, Request
from sqlalchemy import select

from shared import app, fetch
from shared.app import problems
from shared.db import Read, Write
from shared.errors import Gone
from shared.export import AS_TABLE, stream
from shared.imports import service
from shared.imports.job import REJECTS_KEPT_DAYS
from shared.imports.kinds import Counts
from shared.imports.schemas import ImportOut, RejectOut
from shared.imports.service import RUNS
from shared.imports.tables import Import, Reject
from shared.media import ARROW, CSV, JSON, NDJSON, PARQUET, TABLES, wanted
from shared.paging import Page, Paging, page
from shared.parse import MOST_ROWS
from shared.principal import Caller
from shared.schemas import Schema
from shared.upload import ENCODINGS

REJECTS = pa.schema([("row", pa.int64()), ("field", pa.string()), ("detail", pa.string())])
BINARY = {"schema": {"type": "string", "format": "binary"}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Counts, "description": "All rows are stored."},
    202: {"model": ImportOut, "description": "The body is kept, and its import queued."},
    **problems(400, 413, 415),
}


class RejectsGone(Gone):
    slug, title = "rejects-gone", "The list of rejects is no longer kept"


def accepts(row: type[Schema]) -> dict[str, Any]:
    """The `openapi_extra=` of a route that takes a table."""
    schema = row.model_json_schema(ref_template="#/components/schemas/{model}")
    many = {"type": "array", "items": schema, "maxItems": MOST_ROWS}
    text: Mapping[str, Any] = {"schema": {"type": "string"}}
    content = {JSON: {"schema": {"anyOf": [many, schema]}}, CSV: text, NDJSON: text, PARQUET: BINARY, ARROW: BINARY}
    encoding = {
        "name": "Content-Encoding",
        "in": "header",
        "required": False,
        "description": "How the body is compressed, if it is.",
        "schema": {"type": "string", "enum": list(ENCODINGS)},
    }
    body = {"required": True, "content": {media: content[media] for media in TABLES}}
    return {"requestBody": body, "parameters": [encoding]}


def router(home: str, prefix: str = "") -> APIRouter:
    """The imports of a service at `home` below the area; prefix: of its operations' names."""
    routes = app.router(tags=["Imports"])

    @routes.get(f"/{home}", operation_id=f"list_{prefix}imports", responses=problems())
    def list_imports(who: Caller, session: Read, asked: Paging) -> Page[ImportOut]:
        """List imports, newest first."""
        keys = [Import.created_at, Import.id]
        rows, following = page(session, service.runs(who.area.area), keys, asked, descending=True)
        return Page(items=[ImportOut.of(row) for row in rows], next_cursor=following)

    @routes.get(
        f"/{home}/{{import_id}}",
        operation_id=f"get_{prefix}import",
        responses=problems(),
        dependencies=[RUNS.prefer],
    )
    def get_import(import_id: UUID, who: Caller, session: Read) -> ImportOut:
        """Show an import."""
        return ImportOut.of(service.one(session, who.area.area, import_id))

    RUNS.events(routes, f"/{home}/{{run}}/events", operation_id=f"follow_{prefix}import", responses=problems())

    @routes.post(f"/{home}/{{import_id}}/cancel", operation_id=f"cancel_{prefix}import", responses=problems())
    def cancel_import(import_id: UUID, who: Caller, session: Write) -> ImportOut:
        """Ask an import to stop, with nothing stored; one that has ended stays as it is."""
        return ImportOut.of(service.cancel(session, who.area.area, import_id))

    @routes.get(
        f"/{home}/{{import_id}}/rejects",
        operation_id=f"list_{prefix}rejects",
        response_model=Page[RejectOut],
        responses=problems(406, 410) | AS_TABLE,
    )
    def list_rejects(import_id: UUID, request: Request, who: Caller, session: Read, asked: Paging) -> Any:
        """List what is wrong with the rows of an import, in their order, for the first 100,000 findings."""
        media = wanted(request, *TABLES)
        run = service.one(session, who.area.area, import_id)
        mine = Reject.import_id == run.id
        rows, following = page(session, select(Reject).where(mine), [Reject.number], asked)
        if run.rejected and not rows and asked.cursor is None:
            raise RejectsGone(f"Rejects are kept for {REJECTS_KEPT_DAYS} days after the import's end.")
        if media == JSON:
            return Page(items=[RejectOut.model_validate(row) for row in rows], next_cursor=following)
        whole = select(Reject.row, Reject.field, Reject.detail).where(mine).order_by(Reject.number)
        return stream(media, REJECTS, fetch.batches(request.app.state.database, whole, REJECTS))

    return routes
