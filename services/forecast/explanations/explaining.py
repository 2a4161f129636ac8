"""The process that explains: it holds what the API process must not, the engine, models and panels.

It answers one question after the other over a pipe, keeps the panels that it was asked about last, and ends when
nobody has asked for a while or whoever asks is gone.
"""

import argparse
import datetime
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import asdict, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from services.forecast import panels, parts
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine import explanation as engine
from services.forecast.engine.cells import Floats
from services.forecast.engine.cross_section import CrossSection
from services.forecast.engine.explanation import RECONCILIATION, ROUNDING, SHOCK, Explainer, Explanation
from services.forecast.engine.model import Model
from services.forecast.explanations.exchange import Answer, Question, Reasons, Told
from services.forecast.explanations.problems import ModelAway
from services.forecast.models.artifacts import ModelCache
from services.forecast.models.tables import ModelVersion
from services.forecast.overlays import application
from services.forecast.overlays.schemas import OverlayIn
from services.forecast.panels import Profile
from services.forecast.parts import Part
from shared import observe
from shared.errors import Problem

IDLE_SECONDS = 3600
MOST_CELLS = 4_000_000  # item-locations x periods that are kept, about 100 bytes each
MOST_MODELS = 8
MOST_ANSWERS = 500
NOTHING = Reasons([], [], [], [], [], [])
log = logging.getLogger(__name__)


class Newest[K: Hashable, V]:
    """What was used last, up to a `most` total of sizes; one that is larger is kept alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K, make: Callable[[], V], size: Callable[[V], int] = lambda _: 1) -> V:
        if key not in self._kept:
            made = make()
            self._kept[key] = made, size(made)
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self.most:
            self._kept.popitem(last=False)
        return self._kept[key][0]


class Explaining:
    """Answers questions from the `datasets` and the `models` that workers have left."""

    def __init__(self, datasets: Path, models: Path) -> None:
        self.datasets = Datasets(datasets)
        self.cache = ModelCache(models, _not_here)
        self._models: Newest[str, Model] = Newest(MOST_MODELS)
        self._categories: Newest[str, dict[str, str | None]] = Newest(MOST_MODELS)
        self._explainers: Newest[Hashable, Explainer] = Newest(MOST_CELLS)
        self._said_before: Newest[Hashable, tuple[Explanation, pd.DataFrame]] = Newest(MOST_ANSWERS)

    def answer(self, question: Question) -> Answer:
        """Raises DatasetGone, ModelAway, ArtifactCorrupt, OverlaysTooLarge."""
        told = self._as_told(question, question.told)
        change = None if question.since is None else self._change(question, question.since, told)
        return Answer(_reasons(question.told.periods, told), change)

    def _as_told(self, question: Question, told: Told) -> Explanation:
        """The model's forecast, what aggregates made of it, and then the shocks."""
        found, series = self._said(question, told, told, told)
        stored = np.array(told.mean)
        shocks = _overlays(told), series, np.array(told.periods, dtype="datetime64[D]")
        alone = np.isclose(application.shocked(found.mean[None], *shocks)[0], stored, rtol=ROUNDING, atol=0)
        reconciled = application.before_shocks(stored[None], *shocks)[0]
        reconciled = np.where(alone | np.isnan(reconciled), found.mean, reconciled)
        return found.brought_to(reconciled, RECONCILIATION).brought_to(stored, SHOCK)

    def _change(self, question: Question, since: Told, after: Explanation) -> Reasons:
        """By the model of `since`: from its data, from today's data at its origin, and from today's origin."""
        told = question.told
        before = self._as_told(question, since)
        restated, _ = self._said(question, since, told, since)
        now, _ = self._said(question, since, told, told)
        shared = [period for period in told.periods if period in since.periods]
        then, today = (np.array([one.periods.index(period) for period in shared]) for one in (since, told))
        steps = (
            before.take(then),
            restated.take(then),
            now.take(today),
            after.take(today),
        )
        if not all(step.explained.all() for step in steps):
            return NOTHING
        found = engine.change(*steps)
        numbers = _lists(found.before, found.after, found.units)
        return Reasons(shared, list(found.causes), *numbers, logs=[])

    def _said(self, question: Question, by: Told, data: Told, view: Told) -> tuple[Explanation, pd.DataFrame]:
        """What the model of `by` says of the item-location in the data of `data`, and the series' own row.

        view: says until which origin history is seen, and what drivers are laid over.
        """
        model = self._models.get(by.artifact_digest, lambda: self._model(by))
        part = self._part(question, model, data)
        horizon = len(by.periods)
        seen = (by.artifact_digest, horizon, data.dataset, data.origin, part, view.origin, json.dumps(view.overlays))

        def explained() -> tuple[Explanation, pd.DataFrame]:
            make = partial(self._explainer, model, part, data, horizon, view)
            explainer = self._explainers.get(seen, make, _cells)
            series = explainer.panel.series
            row = np.flatnonzero(series["item"] == question.item)  # all of a part are at one location
            return explainer.explain(row), series.iloc[row]

        return self._said_before.get((*seen, question.item), explained)

    def _model(self, told: Told) -> Model:
        version = ModelVersion(area=told.area, version=told.version, artifact_digest=told.artifact_digest)
        return Model.from_files(self.cache.files(version), threads=1)

    def _part(self, question: Question, model: Model, data: Told) -> Part:
        if any(driver.kind == "price" for driver in model.recipe.drivers):
            known = self._categories.get(data.dataset, lambda: parts.categories(self.datasets, data.dataset))
            return Part.with_rivals(known, question.item, question.location)
        return Part((question.item,), question.location)

    def _explainer(self, model: Model, part: Part, data: Told, horizon: int, view: Told) -> Explainer:
        origin = datetime.date.fromisoformat(data.origin)
        start = parts.first_period(data.frequency, origin, len(data.profile))
        inputs = parts.take(self.datasets, data.dataset, part, start, origin)
        panel, _ = panels.panel(inputs, Profile(data.frequency, data.season_length, horizon))
        length = int(np.searchsorted(panel.periods, np.datetime64(view.origin))) + 1
        panel = application.on_drivers(model.recipe.fit_to(panel.until(length)), _overlays(view))
        whole = replace(CrossSection.of(panel), profile=np.array(data.profile[:length]))
        return Explainer(model, panel, whole)


def _overlays(told: Told) -> list[OverlayIn]:
    return [OverlayIn.model_validate(overlay) for overlay in told.overlays]


def _cells(explainer: Explainer) -> int:
    return explainer.panel.demand.size


def _not_here(area: str, version: int, _: Path) -> None:
    raise ModelAway(
        f"The files of version {version} of {area} are not at hand: a forecast with this version brings them back."
    )


def _reasons(periods: list[str], found: Explanation) -> Reasons:
    if not found.explained.all():
        return NOTHING
    logs: list[list[float]] = found.logs.tolist()
    return Reasons(periods, list(found.causes), *_lists(found.base, found.mean, found.units), logs=logs)


def _lists(start: Floats, end: Floats, units: Floats) -> tuple[list[float], list[float], list[list[float]]]:
    return start.tolist(), end.tolist(), units.tolist()


def serve(connection: Connection, explaining: Explaining, idle: float = IDLE_SECONDS) -> None:
    """Answer until nobody asks any longer."""
    while connection.poll(idle):
        try:
            question = Question.of(json.loads(connection.recv_bytes()))
        except EOFError:
            return
        connection.send_bytes(json.dumps(_reply(explaining, question)).encode())


def _reply(explaining: Explaining, question: Question) -> dict[str, Any]:
    try:
        return {"answer": asdict(explaining.answer(question))}
    except Problem as problem:
        return {"problem": problem.slug, "detail": problem.detail}
    except Exception:
        log.exception("could not explain")
        return {"problem": Problem.slug, "detail": "The error is logged."}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--descriptor", type=int, required=True)
    parser.add_argument("--datasets", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    wish = parser.parse_args()
    observe.configure()
    serve(Connection(wish.descriptor), Explaining(wish.datasets, wish.models))
