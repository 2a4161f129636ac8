from typing import Any

from fastapi import Request, Response

from services.forecast.datasets import service
from services.forecast.datasets.blocks import Datasets
from services.forecast.datasets.schemas import DatasetDetailOut, DatasetOut, Digest
from services.forecast.datasets.tables import Dataset
from shared.app import problems
from shared.app import router as strict_router
from shared.db import Read
from shared.export import AS_TABLE, stream
from shared.media import ARROW, CSV, NDJSON, PARQUET, wanted
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Key

router = strict_router(tags=["Models"])


@router.get("/datasets", operation_id="list_datasets", responses=problems())
def list_datasets(who: Caller, session: Read, asked: Paging) -> Page[DatasetOut]:
    """List the datasets that trainings and forecasts have read, newest first; those that were deleted say when."""
    keys = [Dataset.created_at, Dataset.digest]
    rows, following = page(session, service.datasets(who.area.area), keys, asked, descending=True)
    return Page(items=[DatasetOut.model_validate(row) for row in rows], next_cursor=following)


@router.get("/datasets/{digest}", operation_id="get_dataset", responses=problems(410))
def get_dataset(digest: Digest, who: Caller, session: Read, request: Request) -> DatasetDetailOut:
    """Show what is in a dataset, who has read it and until when it is kept."""
    found = service.one(session, who.area.area, digest)
    return service.detail(session, found, request.app.state.settings.dataset_retention_days)


@router.get(
    "/datasets/{digest}/tables/{table}",
    operation_id="get_dataset_table",
    response_class=Response,
    response_model=None,
    responses=problems(406, 410) | AS_TABLE,
)
def get_dataset_table(digest: Digest, table: Key, request: Request, who: Caller, session: Read) -> Any:
    """Load one table of a dataset as it was read: an Arrow stream, or CSV, NDJSON or Parquet.

    Demand and driver values come by calendar year, as they are kept; within a year in the order of their codes.
    """
    media = wanted(request, ARROW, CSV, NDJSON, PARQUET)
    service.one(session, who.area.area, digest)
    schema, batches = Datasets(request.app.state.settings.datasets).table(digest, table)
    return stream(media, schema, batches)
