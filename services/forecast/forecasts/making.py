"""A forecast's numbers: all of them by the model, or those of another forecast save where overlays reach."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.forecast import panels
from services.forecast.engine.cells import Bools, Floats
from services.forecast.engine.cross_section import rivals
from services.forecast.engine.model import Forecast, Model
from services.forecast.engine.newcomers import from_peers
from services.forecast.engine.panel import Panel
from services.forecast.forecasts.grid import Grid
from services.forecast.overlays import application
from services.forecast.overlays.schemas import OverlayIn
from services.forecast.panels import Warnings


@dataclass(frozen=True)
class Made:
    """Numbers, the panel's `profile` [T] (the engine's `Forecast`), and what to know of the numbers.

    before_shocks: the means [n, H] as the model told them and aggregates moved them.
    """

    grid: Grid
    before_shocks: Floats
    profile: Floats
    warnings: Warnings


def anew(
    model: Model,
    predict: Callable[[Panel], Forecast],
    panel: Panel,
    overlays: Sequence[OverlayIn],
    warnings: Warnings,
) -> Made:
    """Every item-location of `panel`, its drivers as the overlays say, by the model's `predict`; then the shocks."""
    panel = application.on_drivers(model.recipe.fit_to(panel), overlays)
    found = predict(panel)
    items, locations = (panel.series[name].tolist() for name in ("item", "location"))
    grid = Grid(items, locations, found.periods, found.mean, found.quantiles, found.dependence, found.baselines)
    told = [*warnings, *panels.flagged(found.flags), *application.warnings(panel, overlays, model.recipe.ranges)]
    return Made(_shocked(grid, panel, overlays), grid.mean, found.profile, told)


def upon(
    base: Grid, profile: Floats, model: Model, panel: Panel, overlays: Sequence[OverlayIn], warnings: Warnings
) -> Made:
    """The numbers of `base`, which was made of `panel`; only what the overlays reach is forecast again."""
    codes = zip(panel.series["item"], panel.series["location"], strict=True)
    if list(zip(base.items, base.locations, strict=True)) != list(codes):
        raise ValueError("the base does not have the item-locations of the panel in their order")
    before = model.recipe.fit_to(panel)
    after = application.on_drivers(before, overlays)
    reached = application.reached(before, after) & ~_without_history(after)
    grid = _forecast_again(base, profile, model, before, after, reached) if reached.any() else base
    told = [*warnings, *application.warnings(after, overlays, model.recipe.ranges)]
    return Made(_shocked(grid, after, overlays), grid.mean, profile, told)


def _forecast_again(base: Grid, profile: Floats, model: Model, before: Panel, after: Panel, reached: Bools) -> Grid:
    """The series `reached` [n] from the part of the panel that they and their rivals are, and those of their peers.

    All that are reached have history. Aggregates have moved the base; by the same factors they move what is forecast
    again.
    """
    groups = rivals(after.series)
    part = np.flatnonzero(np.isin(groups, groups[reached]))
    was, now = (model.told(panel.take(part), profile) for panel in (before, after))
    inside = reached[part]
    moved = _quotient(base.mean[reached], was.mean[inside])
    mean, quantiles = base.mean.copy(), base.quantiles.copy()
    mean[reached], quantiles[reached] = now.mean[inside] * moved, now.quantiles[inside] * moved[..., None]
    return _lent_again(base, replace(base, mean=mean, quantiles=quantiles), after)


def _lent_again(base: Grid, now: Grid, panel: Panel) -> Grid:
    """`now` with what peers lend to series without history, where that has become another forecast."""
    new = _without_history(panel)
    (was, _), (mean, quantiles) = (from_peers(panel.series, new, grid.mean, grid.quantiles) for grid in (base, now))
    lent = new & (mean != was).any(axis=1)
    moved = _quotient(base.mean[lent], was[lent])
    found, spread = now.mean.copy(), now.quantiles.copy()
    found[lent], spread[lent] = mean[lent] * moved, quantiles[lent] * moved[..., None]
    return replace(now, mean=found, quantiles=spread)


def _without_history(panel: Panel) -> Bools:
    """The series [n] that peers lend their forecast, whatever their own drivers are."""
    found: Bools = np.isnan(panel.demand).all(axis=1)
    return found


def _quotient(part: Floats, whole: Floats) -> Floats:
    """1 where the whole is nothing."""
    return np.divide(part, whole, out=np.ones(part.shape), where=whole > 0)


def _shocked(grid: Grid, panel: Panel, overlays: Sequence[OverlayIn]) -> Grid:
    mean, quantiles = (
        application.shocked(values, overlays, panel.series, panel.future) for values in (grid.mean, grid.quantiles)
    )
    return replace(grid, mean=mean, quantiles=quantiles)
