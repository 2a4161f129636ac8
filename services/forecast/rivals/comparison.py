"""The champion and a rival side by side: figures by demand class on the same cells, and where their test stands."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from sqlalchemy.orm import Session

from services.forecast.demand.matrix import ordinals
from services.forecast.engine import sequential
from services.forecast.engine.accuracy import Figures, Scales, Tally
from services.forecast.engine.comparison import Comparison
from services.forecast.engine.folds import ALL
from services.forecast.engine.segments import SEGMENTS, segments
from services.forecast.rivals.cells import cells
from services.forecast.rivals.pairs import Rival
from services.forecast.rivals.rounds import rounds
from services.forecast.rivals.schemas import RivalFiguresOut, RivalOut, RivalSegmentOut, RivalTestOut
from services.forecast.rivals.service import Told
from services.forecast.rivals.tables import Round
from shared.principal import Area

GROUPS = (ALL, *SEGMENTS)
OF_A_POINT = {"wmape", "bias"}  # figures of a forecast without a distribution


def compare(session: Session, area: Area, champion: int, rival: Rival, told: Sequence[Told]) -> RivalOut:
    """The figures of `told` pairs, and the test of all rounds, which no choice of periods changes."""
    found = session.scalars(rounds(area.area, champion, rival)).all()
    return RivalOut(
        kind=rival.kind,
        rival=rival.name,
        loss="wmape" if rival.kind == "baseline" else "wql",
        forecasts=len(told),
        segments=_segments(session, area, rival, told),
        test=standing(found),
    )


def _segments(session: Session, area: Area, rival: Rival, told: Sequence[Told]) -> list[RivalSegmentOut]:
    """Of the classes that have a cell, all together first."""
    numbers = np.unique(ordinals(area.frequency, [period for _, periods in told for period in periods]))
    tallies, sums = [Tally(len(GROUPS)) for _ in range(2)], Comparison(len(GROUPS), len(numbers))
    for pair, periods in told:
        for part in cells(session, area.frequency, pair, rival, periods):
            scales, losses = Scales.of(part.history, area.season_length), part.losses(rival)
            for group in (np.zeros(len(part.demand), dtype=np.intp), 1 + segments(part.history)):
                sums.add(group, np.searchsorted(numbers, part.periods), *losses)
                for tally, (mean, quantiles) in zip(tallies, (part.champion, part.rival), strict=True):
                    tally.add(group, part.demand, part.censored, mean, quantiles, scales)
    horizon = max((len(periods) for _, periods in told), default=1)
    figures = zip(*(tally.figures() for tally in tallies), strict=True)
    return [
        _segment(GROUPS[group], rival, sums, group, horizon, ours, theirs)
        for group, (ours, theirs) in enumerate(figures)
        if ours is not None and theirs is not None
    ]


def _segment(
    name: str, rival: Rival, sums: Comparison, group: int, horizon: int, ours: Figures, theirs: Figures
) -> RivalSegmentOut:
    saved = sums.saved(group, horizon)
    return RivalSegmentOut(
        segment=name,
        n=ours.n,
        series=ours.series,
        periods=sums.periods(group),
        champion=_figures(ours),
        rival=_figures(theirs, OF_A_POINT if rival.kind == "baseline" else None),
        improvement=None if saved is None else saved.estimate,
        low=None if saved is None else saved.low,
        high=None if saved is None else saved.high,
    )


def _figures(found: Figures, only: set[str] | None = None) -> RivalFiguresOut:
    told = {field.name: getattr(found, field.name) for field in fields(found)}
    return RivalFiguresOut(
        **{name: told[name] if only is None or name in only else None for name in RivalFiguresOut.model_fields}
    )


def standing(found: Sequence[Round]) -> RivalTestOut:
    """Both directions: that the rival is better, and that the champion is."""
    losses = (np.array([getattr(one, name) for one in found], dtype=float) for name in ("champion_loss", "rival_loss"))
    gains = sequential.gains(*losses)
    rival, champion = sequential.verdict(gains), sequential.verdict(-gains)
    better = rival if rival.evidence >= champion.evidence else champion
    decided = None if better.after is None else found[better.after - 1].last
    return RivalTestOut(
        verdict="open" if decided is None else "rival" if better is rival else "champion",
        alpha=sequential.ALPHA,
        rounds=len(found),
        first=found[0].first if found else None,
        last=found[-1].last if found else None,
        decided=decided,
        evidence=better.evidence,
    )
