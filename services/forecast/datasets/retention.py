"""How long datasets are kept, and how those whose time is over go.

The row says first that a dataset is gone, then its blocks are deleted, save those that a dataset of any area still
has: a crash in between leaves blocks that the next round deletes. A run that reads the same data meanwhile keeps it
anew, before or after, and finds it whole.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import CompoundSelect, and_, exists, func, or_, select, union, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from services.forecast.datasets.blocks import DatasetGone, Datasets, Facts
from services.forecast.datasets.tables import Dataset
from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion, Promotion, TrainingRun
from shared import jobs
from shared.db import Database

GRACE_SECONDS = 24 * 3600  # from the moment when a block is kept to the one when its dataset is recorded
RUNS = (TrainingRun, Forecast)
log = logging.getLogger(__name__)


def prune(database: Database, datasets: Datasets, days: int) -> None:
    """Let go of all datasets that no run has read for so many days and nothing holds."""
    _adopt(database, datasets)
    with database.write() as session:
        gone = session.scalars(_over(days)).all()
    with database.read() as session:
        kept = session.scalars(select(Dataset.digest).where(Dataset.pruned_at.is_(None)).distinct()).all()
    named = {name for digest in kept for name in datasets.files(digest)}
    deleted = datasets.delete_others(named, before=time.time() - GRACE_SECONDS)
    if gone or deleted:
        log.info("%d datasets are no longer kept; %d files deleted", len(gone), deleted)


def held(days: int) -> CompoundSelect[str, str]:
    """What is kept however old, by area and digest: of champions, versions promoted lately, and unfinished runs."""
    later = aliased(Promotion)
    champion = ~exists().where(later.area == Promotion.area, later.sequence > Promotion.sequence)
    lately = Promotion.promoted_at > func.now() - timedelta(days=days)
    version = and_(ModelVersion.area == Promotion.area, ModelVersion.version == Promotion.version)
    promoted = select(ModelVersion.area, ModelVersion.dataset_digest.label("digest")).join(Promotion, version)
    unfinished = (
        select(run.area, run.input_digest).where(run.input_digest.is_not(None), run.status.not_in(jobs.OVER))
        for run in RUNS
    )
    return union(promoted.where(or_(champion, lately)), *unfinished)


def _over(days: int) -> Any:
    """Marks what is to go; a run that reads the same data meanwhile either comes first or takes the mark away."""
    safe = held(days).subquery()
    return (
        update(Dataset)
        .where(
            Dataset.pruned_at.is_(None),
            Dataset.last_used_at < func.now() - timedelta(days=days),
            ~exists().where(safe.c.area == Dataset.area, safe.c.digest == Dataset.digest),
        )
        .values(pruned_at=func.now())
        .returning(Dataset.digest)
        .execution_options(synchronize_session=False)
    )


class _Named(NamedTuple):
    """A digest that runs name, and when the first and the last of them were asked for."""

    area: str
    digest: str
    first: datetime
    last: datetime


def _adopt(database: Database, datasets: Datasets) -> None:
    """Give a row to each dataset that a release without such rows has kept."""
    with database.read() as session:
        missing = list(_missing(session))
    for named in missing:
        row: dict[str, Any] = {
            "area": named.area,
            "digest": named.digest,
            "created_at": named.first,
            "last_used_at": named.last,
        }
        try:
            row |= told(datasets.facts(named.digest))
        except DatasetGone:
            row |= {"tables": [], "bytes": 0, "pruned_at": func.now()}
        with database.write() as session:
            session.execute(insert(Dataset).values(**row).on_conflict_do_nothing())


def _missing(session: Session) -> Iterator[_Named]:
    named = union_all(
        *(select(run.area, run.input_digest.label("digest"), run.created_at.label("at")) for run in RUNS)
    ).subquery()
    of = (named.c.area, named.c.digest)
    found = select(*of, func.min(named.c.at), func.max(named.c.at)).where(
        named.c.digest.is_not(None), ~exists().where(Dataset.area == named.c.area, Dataset.digest == named.c.digest)
    )
    return (_Named(*row) for row in session.execute(found.group_by(*of)).all())


def told(tables: Mapping[str, Facts]) -> dict[str, Any]:
    """The columns of a row that tell what is in a dataset."""
    listed = [{"table": name, **asdict(facts)} for name, facts in tables.items()]
    return {"tables": listed, "bytes": sum(facts.bytes for facts in tables.values())}
