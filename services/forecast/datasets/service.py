"""Datasets as rows: which there are, who has read them, and until when they are kept."""

import datetime
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.forecast.datasets import retention
from services.forecast.datasets.blocks import DatasetGone, Kept
from services.forecast.datasets.schemas import DatasetDetailOut
from services.forecast.datasets.tables import Dataset
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion, TrainingRun
from shared.errors import NotFound

MOST_READERS = 100


def record(session: Session, area: str, kept: Kept) -> None:
    """Note that a run has read a dataset that was just kept."""
    told = retention.told(kept.tables)
    new = insert(Dataset).values(area=area, digest=kept.digest, **told)
    again = told | {"last_used_at": func.now(), "pruned_at": None}
    session.execute(new.on_conflict_do_update(index_elements=["area", "digest"], set_=again))


def use(session: Session, area: str, digest: str) -> None:
    """Note that a run has read a dataset that was kept before."""
    mine = (Dataset.area == area, Dataset.digest == digest)
    session.execute(update(Dataset).where(*mine).values(last_used_at=func.now()))


def datasets(area: str) -> Select[Dataset]:
    return select(Dataset).where(Dataset.area == area)


def one(session: Session, area: str, digest: str) -> Dataset:
    """NotFound where no run of the area has read it; DatasetGone where it is no longer kept."""
    found = session.get(Dataset, (area, digest))
    if found is None:
        raise NotFound("No run of this area has read such a dataset.")
    if found.pruned_at is not None:
        day = found.pruned_at.date()
        raise DatasetGone(f"The dataset was last read on {found.last_used_at.date()} and deleted on {day}.")
    return found


def detail(session: Session, dataset: Dataset, days: int) -> DatasetDetailOut:
    version = (ModelVersion.area == dataset.area, ModelVersion.dataset_digest == dataset.digest)
    names = DatasetDetailOut.model_fields.keys() & dataset.__mapper__.columns.keys()
    return DatasetDetailOut(
        **{name: getattr(dataset, name) for name in names},
        kept_until=_kept_until(session, dataset, days),
        versions=list(session.scalars(select(ModelVersion.version).where(*version).order_by(ModelVersion.version))),
        training_runs=_readers(session, dataset, TrainingRun),
        forecasts=_readers(session, dataset, Forecast),
    )


def _kept_until(session: Session, dataset: Dataset, days: int) -> datetime.datetime | None:
    held = retention.held(days).subquery()
    mine = select(held).where(held.c.area == dataset.area, held.c.digest == dataset.digest)
    if session.scalar(select(mine.exists())):
        return None
    return dataset.last_used_at + datetime.timedelta(days=days)


def _readers(session: Session, dataset: Dataset, run: Any) -> Sequence[UUID]:
    mine = select(run.id).where(run.area == dataset.area, run.input_digest == dataset.digest)
    return session.scalars(mine.order_by(run.created_at.desc(), run.id.desc()).limit(MOST_READERS)).all()
