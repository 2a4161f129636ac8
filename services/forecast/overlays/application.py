"""What overlays do to a panel and to a forecast's numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from services.forecast.engine.cells import Bools, Dates, Floats, Ints
from services.forecast.engine.cross_section import rivals
from services.forecast.engine.panel import DriverPanel, Panel
from services.forecast.overlays.problems import OverlaysTooLarge
from services.forecast.overlays.schemas import OverlayIn
from shared.schemas import MOST

_LOST = 1e-9  # of what was added: less than that is rounding


@dataclass(frozen=True)
class Places:
    """Whom an overlay concerns, `series` [s], in which periods of the horizon, `steps` [p] from 0."""

    series: Ints
    steps: Ints

    @classmethod
    def of(cls, overlay: OverlayIn, series: pd.DataFrame, future: Dates) -> "Places":
        mine = np.ones(len(series), dtype=bool)
        for name in ("item", "location", "category"):
            wanted = getattr(overlay, name)
            if wanted is not None:
                column = series[name] if name in series.columns else pd.Series(np.nan, series.index, dtype=object)
                mine &= (column == wanted).fillna(value=False).to_numpy(dtype=bool)
        steps = [step for step, period in enumerate(future.tolist()) if overlay.covers(period)]
        return cls(np.flatnonzero(mine), np.array(steps, dtype=np.intp))

    def __bool__(self) -> bool:
        return bool(len(self.series) and len(self.steps))


def on_drivers(panel: Panel, overlays: Sequence[OverlayIn]) -> Panel:
    """The panel whose drivers are as the overlays say, one after the other; those of shocks are passed over.

    Raises OverlaysTooLarge.
    """
    for overlay in overlays:
        places = Places.of(overlay, panel.series, panel.future)
        drivers = (_changed(driver, overlay, places, len(panel.periods)) for driver in panel.drivers)
        panel = replace(panel, drivers=tuple(drivers))
    return panel


def _changed(driver: DriverPanel, overlay: OverlayIn, places: Places, history: int) -> DriverPanel:
    if driver.name != overlay.driver:
        return driver
    matrix, cells = driver.matrix.copy(), np.ix_(places.series, history + places.steps)
    matrix[cells] = overlay.value if overlay.scale is None else matrix[cells] * overlay.scale
    _require_bounded(matrix[cells], driver.name)
    return replace(driver, matrix=matrix)


def _require_bounded(values: Floats, what: str) -> None:
    """As far as numbers go that come in (shared.schemas): what comes of several must be a number that can go on."""
    if (np.abs(values) > MOST).any():
        raise OverlaysTooLarge(f"One after the other, the overlays take {what} beyond {MOST:g}.")


def reached(before: Panel, after: Panel) -> Bools:
    """The series [n] whose features differ: those with another driver value, and the rivals of another price."""
    found = np.zeros(len(before.series), dtype=bool)
    groups = rivals(before.series)
    for old, new in zip(before.drivers, after.drivers, strict=True):
        mine = ((old.matrix != new.matrix) & ~(np.isnan(old.matrix) & np.isnan(new.matrix))).any(axis=1)
        if old.definition.kind == "price":
            mine = np.isin(groups, groups[mine])
        found |= mine
    return found


def shocked(values: Floats, overlays: Sequence[OverlayIn], series: pd.DataFrame, future: Dates) -> Floats:
    """`values` [n, H] or [n, H, K], in units, after the shocks, one after the other; never negative.

    Raises OverlaysTooLarge.
    """
    found = values.copy()
    for shock, cells, strength in _shocks(overlays, series, future):
        by_period = strength.reshape(1, -1, *[1] * (values.ndim - 2))
        if shock.add is not None:
            found[cells] = np.maximum(found[cells] + shock.add * by_period, 0)
        elif shock.scale is not None:
            found[cells] *= 1 + (shock.scale - 1) * by_period
        _require_bounded(found[cells], "the forecast")
    return found


def before_shocks(values: Floats, overlays: Sequence[OverlayIn], series: pd.DataFrame, future: Dates) -> Floats:
    """What `shocked` has made `values` [n, H] of; NaN where they no longer tell, having been 0 or all but lost."""
    found = values.copy()
    for shock, cells, strength in reversed(list(_shocks(overlays, series, future))):
        if shock.add is not None:
            amount = shock.add * strength
            left = found[cells] - amount
            found[cells] = np.where((found[cells] > 0) & (left > _LOST * np.abs(amount)), left, np.nan)
        elif shock.scale is not None:
            factor = 1 + (shock.scale - 1) * strength
            found[cells] = np.where(factor > 0, found[cells] / np.where(factor > 0, factor, 1), np.nan)
    return np.where(found > 0, found, np.nan)


def _shocks(
    overlays: Sequence[OverlayIn], series: pd.DataFrame, future: Dates
) -> Iterator[tuple[OverlayIn, tuple[Ints, ...], Floats]]:
    """Each shock, the cells [s, p] that it concerns, and by how much of it each of their periods, [p]."""
    for shock in overlays:
        if shock.driver is None:
            places = Places.of(shock, series, future)
            strength = (1 - (shock.decay or 0)) ** np.arange(len(places.steps), dtype=np.float64)
            yield shock, np.ix_(places.series, places.steps), strength


def warnings(
    panel: Panel, overlays: Sequence[OverlayIn], ranges: Mapping[str, tuple[float, float]] | None
) -> Iterator[dict[str, Any]]:
    """What to know of `overlays` that were applied to `panel`; `ranges` of driver values are those trained on."""
    for number, overlay in enumerate(overlays, 1):
        if not Places.of(overlay, panel.series, panel.future):
            detail = f"Overlay {number} concerns no item-location and period of this forecast."
            yield {"code": "overlay-without-effect", "detail": detail, "count": 0}
    for name in dict.fromkeys(overlay.driver for overlay in overlays if overlay.driver is not None):
        driver = next(driver for driver in panel.drivers if driver.name == name)
        if ranges is None or name not in ranges:
            detail = (
                f"Whether values of {name} lie beyond those that the model was trained on is not known: train anew."
            )
            yield {"code": "range-unknown", "detail": detail, "count": 1}
            continue
        yield from _beyond(driver, *ranges[name], [one for one in overlays if one.driver == name], panel)


def _beyond(
    driver: DriverPanel, low: float, high: float, overlays: Sequence[OverlayIn], panel: Panel
) -> Iterator[dict[str, Any]]:
    future, beyond = driver.matrix[:, len(panel.periods) :], np.zeros(len(panel.series), dtype=bool)
    for overlay in overlays:
        places = Places.of(overlay, panel.series, panel.future)
        values = future[np.ix_(places.series, places.steps)]
        beyond[places.series] |= ((values < low) | (values > high)).any(axis=1)
    if beyond.any():
        count = int(beyond.sum())
        detail = (
            f"{count} item-locations are given values of {driver.name} beyond those that the model was trained on, "
            f"{low:g} to {high:g}: it tells of them what it knows of the nearest ones."
        )
        yield {"code": "extrapolated", "detail": detail, "count": count}
