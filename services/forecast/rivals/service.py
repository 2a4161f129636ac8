"""The report on the champion and its rivals, within the bounds of one call."""

import datetime
from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.forecast.accuracy.service import MOST_CELLS, MOST_FORECASTS, Span, TooMuch
from services.forecast.demand.service import known_until
from services.forecast.models import promotions
from services.forecast.rivals.pairs import Pair, pairs, rivals
from services.forecast.rivals.schemas import ModelComparisonOut
from shared.errors import NotFound
from shared.principal import Area

type Told = tuple[Pair, list[datetime.date]]  # with the periods that are measured


def compare(session: Session, area: Area, name: str | None, span: Span) -> ModelComparisonOut:
    """Of all rivals, or of those with this name. NoChampion, NotFound, TooMuch."""
    _, champion = promotions.champion(session, area.area)
    chosen = [rival for rival in rivals(session, area.area) if name in {None, rival.name}]
    if not chosen:
        raise NotFound(
            "The champion has no such rival: its challenger, seasonal_naive, or an external forecast's name."
        )
    until = known_until(session, area)
    known = span.until(until or datetime.date.min)
    told = {rival: _spans(area, pairs(session, champion, rival), known) for rival in chosen}
    _bound([one for spans in told.values() for one in spans])
    from services.forecast.rivals import comparison  # noqa: PLC0415  the API process loads the engine when it must

    found = [comparison.compare(session, area, champion.version, rival, told[rival]) for rival in chosen]
    return ModelComparisonOut(champion=champion.version, items=found)


def _spans(area: Area, found: Sequence[Pair], span: Span) -> list[Told]:
    """Those that tell of a period in the span."""
    told = []
    for pair in found:
        inside = {pair.champion.periods[place] for place in span.of(area, pair.champion)}
        periods = [period for period in pair.periods() if period in inside]
        if periods:
            told.append((pair, periods))
    return told


def _bound(told: Sequence[Told]) -> None:
    cells = sum(pair.champion.series_count * len(periods) for pair, periods in told)
    if len(told) > MOST_FORECASTS or cells > MOST_CELLS:
        raise TooMuch(
            f"One call compares at most {MOST_FORECASTS} pairs of forecasts and {MOST_CELLS} cells (item-locations x "
            "periods): name a `rival`, or narrow with `from`, `to` and `lag`."
        )
