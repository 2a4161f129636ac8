"""Rounds: what has come since the last look, judged once, by what both had told of it before."""

import datetime
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.forecast.forecasts.tables import Forecast
from services.forecast.models.tables import ModelVersion
from services.forecast.rivals.cells import cells
from services.forecast.rivals.pairs import Pair, Rival, pairs
from services.forecast.rivals.tables import Round


def rounds(area: str, champion: int, rival: Rival) -> Select[Round]:
    """In the order of time."""
    mine = (Round.champion == champion, Round.kind == rival.kind, Round.rival == rival.name)
    return select(Round).where(Round.area == area, *mine).order_by(Round.first)


def close(session: Session, champion: ModelVersion, rival: Rival, until: datetime.date) -> None:
    """Judge the periods up to `until` that no round has, each by the newest pair of forecasts that tells of it."""
    mine = rounds(champion.area, champion.version, rival)
    newest = session.scalar(mine.order_by(None).order_by(Round.first.desc()).limit(1))
    before = None if newest is None else session.get(Forecast, newest.forecast)
    since = before.origin if before is not None and before.origin is not None else datetime.date.min
    last = datetime.date.min if newest is None else newest.last
    told: dict[datetime.date, Pair] = {}
    for pair in pairs(session, champion, rival, since):
        told |= {period: pair for period in pair.periods() if last < period <= until}
    for pair in dict.fromkeys(told[period] for period in sorted(told)):
        whose = sorted(period for period, teller in told.items() if teller == pair)
        session.add_all(_judged(session, champion, rival, pair, whose))


def _judged(
    session: Session, champion: ModelVersion, rival: Rival, pair: Pair, periods: Sequence[datetime.date]
) -> list[Round]:
    """The round, or none where nothing is known of the periods."""
    losses, known, item_locations = np.zeros(2), np.zeros(len(periods), dtype=np.int64), 0
    for part in cells(session, champion.frequency, pair, rival, periods):
        both = np.stack(part.losses(rival))
        there = ~np.isnan(both[0])
        losses += np.nansum(both, axis=(1, 2))
        known += there.sum(axis=0)
        item_locations += int(there.any(axis=1).sum())
    count = int(known.sum())
    if not count:
        return []
    ours, theirs = (losses / count).tolist()
    return [
        Round(
            area=champion.area,
            champion=champion.version,
            kind=rival.kind,
            rival=rival.name,
            first=periods[0],
            last=periods[-1],
            forecast=pair.champion.id,
            rival_forecast=pair.rival.id,
            periods=int((known > 0).sum()),
            cells=count,
            item_locations=item_locations,
            champion_loss=ours,
            rival_loss=theirs,
        )
    ]
