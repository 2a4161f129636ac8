"""A version that was just backtested against the champion on the same folds."""

import logging
from typing import Any

import numpy as np

from services.forecast.engine.backtest import LEVEL, BacktestReport, Improvement
from services.forecast.engine.cells import Floats
from services.forecast.engine.metrics import decile_loss
from services.forecast.engine.model import Model
from services.forecast.engine.panel import Panel
from services.forecast.models import promotions
from services.forecast.models.artifacts import ModelCache
from services.forecast.models.registry import Registry
from services.forecast.models.tables import ModelVersion, TrainingRun
from services.forecast.reviews import filing
from services.forecast.settings import Settings
from shared.jobs import Work

DIGITS = 6
log = logging.getLogger(__name__)


def contested(
    work: Work[TrainingRun], settings: Settings, panel: Panel, report: BacktestReport
) -> dict[str, Any] | None:
    """What speaks for the candidate: the lower bound of what it saves of the champion's loss is above 0.

    None where it is not, where there is no champion, or where it cannot be asked: a training does not fail for this.
    """
    with work.database.read() as session:
        try:
            champion = promotions.champion(session, work.run.area)[1]
        except promotions.NoChampion:
            return None
    if champion.horizon < panel.horizon or (champion.frequency, champion.season_length) != (
        panel.frequency,
        panel.season,
    ):
        return None
    try:
        files = ModelCache(settings.model_cache, lambda *place: Registry(settings).fetch(*place)).files(champion)
        losses = _losses(Model.from_files(files), panel, report)
    except Exception:
        log.exception("version %s could not be compared with", champion.version)
        return None
    return _contest(champion, report, losses)


def recommended(run: TrainingRun, version: int, contest: dict[str, Any] | None) -> list[dict[str, Any]]:
    """To promote the version, where the contest speaks for it."""
    if contest is None:
        return []
    origins = [filing.origin("promote", run.area, version)]
    return [{"type": "promote_model", "origins": origins, "model_version": version, "contest": contest}]


def _losses(champion: Model, panel: Panel, report: BacktestReport) -> Floats:
    """The champion's decile loss [origins, n] on the cells of the candidate's backtest, in units."""
    found = []
    for outcome in report.outcomes:
        told = champion.forecast(panel.until(outcome.history.shape[1]))
        found.append(np.nansum(decile_loss(outcome.demand, told.quantiles), axis=1))
    return np.array(found)


def _contest(champion: ModelVersion, report: BacktestReport, theirs: Floats) -> dict[str, Any] | None:
    ours = np.array([outcome.losses("model")[0] for outcome in report.outcomes])
    found = Improvement.of(ours, theirs, report.seed)
    if found is None or not found.low > 0:
        return None
    folds = []
    for outcome, our, their in zip(report.outcomes, ours, theirs, strict=True):
        demand = float(np.nansum(outcome.demand)) or 1.0
        known = bool(outcome.origin <= np.datetime64(champion.last_period))
        losses = {
            "champion": round(float(their.sum()) / demand, DIGITS),
            "candidate": round(float(our.sum()) / demand, DIGITS),
        }
        folds.append({"origin": str(outcome.origin), "known_to_champion": known, **losses})
    figures = {"improvement": found.estimate, "low": found.low, "high": found.high}
    return {
        "champion": champion.version,
        "folds": folds,
        "series": len(report.series),
        "level": LEVEL,
        **{name: round(value, DIGITS) for name, value in figures.items()},
    }
