"""A trained demand forecaster: forecasts any newer panel; goes to files and comes back bit for bit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.forecast.engine import arrays
from services.forecast.engine.aggregation import Margins, NodeForecast, aggregate
from services.forecast.engine.blend import Blend
from services.forecast.engine.boosting import Booster
from services.forecast.engine.calibration import HeldOut
from services.forecast.engine.cells import QUANTILES, Bools, Cells, Dates, Floats, Ints
from services.forecast.engine.correction import Correction
from services.forecast.engine.cross_section import CrossSection, Tally, blocks, rivals, tally
from services.forecast.engine.distribution import Head, HeadName, load_head
from services.forecast.engine.features import Family, FeatureBuilder, Rows
from services.forecast.engine.hierarchy import Hierarchy
from services.forecast.engine.history import History, Memory
from services.forecast.engine.levels import Level, levels
from services.forecast.engine.mean import MeanModel
from services.forecast.engine.members import MEMBERS
from services.forecast.engine.newcomers import from_peers
from services.forecast.engine.panel import Panel
from services.forecast.engine.recipe import Recipe
from services.forecast.engine.rehearsal import deviation
from services.forecast.engine.segments import SEGMENTS, segments

_FORMAT = 2
_READABLE = (1, _FORMAT)  # 1 had no statistical members: the release before, whose champion goes on until the next one
_META, _MEAN, _SHIFT = "model.json", "mean.ubj", "shift.npy"


@dataclass(frozen=True)
class Forecast:
    """Demand of n item-locations in H future `periods`, in units.

    mean [n, H]; quantiles [n, H, K] at QUANTILES, not negative, not decreasing; dependence [n]:
    correlation of the periods' normal scores, for shared.paths. Flags are [n] each: `no_history` (forecast
    of its peers), `never_sold` (forecast is 0), `short_history` (less than a quarter of the level
    window), `unseen_attribute` and `driver_missing` (forecast without knowing them). profile [T] is what a part
    of the panel needs to be forecast or explained alone (`CrossSection.profile`). reconciled [n, H]: by which
    factors aggregates have moved each item-location; mean and quantiles hold it already. baselines [n, 2, H]: what
    would have been said without the model, by seasonal naive and by the statistical partner of the demand class; NaN
    where nothing is known of the past.
    """

    periods: Dates
    mean: Floats
    quantiles: Floats
    dependence: Floats
    flags: dict[str, Bools]
    profile: Floats
    reconciled: Floats
    baselines: Floats


@dataclass(frozen=True)
class Model:
    """The stages with what they need to forecast; `families` maps each feature of the mean to its family."""

    recipe: Recipe
    families: dict[str, Family]
    mean: MeanModel
    blend: Blend
    head: Head
    head_name: HeadName
    correction: Correction
    dependence: Floats
    hierarchy: Hierarchy

    @property
    def horizon(self) -> int:
        return self.recipe.horizon

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(self.families)

    def forecast(self, panel: Panel) -> Forecast:
        """Forecast the panel's future periods from what it knows; nothing is trained again.

        The panel may be newer than the one trained on, hold other series, lack drivers or hold unseen
        attribute values. Raises ValueError for another frequency or season or a longer horizon.
        """
        return self.reconcile(panel, self.told(panel))

    def told(self, panel: Panel, profile: Floats | None = None) -> Forecast:
        """The same before aggregates move it.

        profile: of the whole that the panel is a part of, with all rivals of its priced series; series without history
        have no peers then but those in the part.
        """
        groups = rivals(panel.series)
        parts = list(blocks(*panel.demand.shape))
        whole = CrossSection.gathered(groups, (self.tally(panel.take(rows), groups[rows]) for rows in parts))
        whole = whole if profile is None else replace(whole, profile=profile)
        return self.joined(panel, [self.part(panel.take(rows), whole.take(rows)) for rows in parts])

    def tally(self, panel: Panel, groups: Ints) -> Tally:
        """What a part of a larger panel adds to what all series tell; `groups` [n] are the rivals of its series."""
        return tally(self.recipe.fit_to(panel), groups)

    def part(self, panel: Panel, whole: CrossSection) -> Forecast:
        """Forecast a part of a larger panel, given what the `whole` tells of the part's series.

        Series without history have a forecast of 0 until parts are joined.
        """
        fitted = self.recipe.fit_to(panel)
        builder = FeatureBuilder(fitted, self.recipe.codes, whole)
        n, horizon = len(panel.series), panel.horizon
        rows = builder.build(Cells.grid(n, len(panel.periods) - 1, horizon))
        flags = self._flags(fitted, builder)
        segment = segments(panel.demand)
        mean, quantiles = self.predict(rows, builder, segment[rows.cells.series])
        baselines = self._baselines(rows, segment[rows.cells.series])
        sold = ~(flags["never_sold"] | flags["no_history"])
        return Forecast(
            periods=panel.future,
            mean=np.where(sold[:, None], mean.reshape(n, horizon), 0),
            quantiles=np.where(sold[:, None, None], quantiles.reshape(n, horizon, len(QUANTILES)), 0),
            dependence=self.dependence[segment],
            flags=flags,
            profile=whole.profile,
            reconciled=np.ones((n, horizon)),
            baselines=baselines.reshape(2, n, horizon).swapaxes(0, 1),
        )

    def joined(self, panel: Panel, parts: Sequence[Forecast]) -> Forecast:
        """The forecast of a `panel` from those of its parts, in order; no history: the forecast of its peers."""
        flags = {name: np.concatenate([part.flags[name] for part in parts]) for name in parts[0].flags}
        mean, quantiles, dependence, reconciled, baselines = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("mean", "quantiles", "dependence", "reconciled", "baselines")
        )
        mean, quantiles = from_peers(panel.series, flags["no_history"], mean, quantiles)
        return Forecast(panel.future, mean, quantiles, dependence, flags, parts[0].profile, reconciled, baselines)

    def reconcile(self, panel: Panel, found: Forecast) -> Forecast:
        """What was `found` of each item-location of `panel`, moved as far as aggregates are to be trusted."""
        history = History(panel.demand, Memory.of(panel.frequency, self.recipe.season))
        spread = deviation(found.quantiles)
        factor = self.hierarchy.factors(levels(panel.series), history, self.recipe.season, found.mean, spread)
        return replace(
            found, mean=found.mean * factor, quantiles=found.quantiles * factor[..., None], reconciled=factor
        )

    def aggregates(self, series: pd.DataFrame, margins: Margins, among: Sequence[Level]) -> list[NodeForecast]:
        """Forecasts of the nodes of levels of `series`; their means are the sums of the margins'."""
        return aggregate(series, margins, among, self.hierarchy)

    def predict(self, rows: Rows, builder: FeatureBuilder, segment: Ints) -> tuple[Floats, Floats]:
        """Mean [r] and quantiles [r, K] in units; NaN before a series' first sale."""
        learned = self.mean.predict(builder.columns(self.feature_names, rows.matrix))
        return self.finish(HeldOut.of(rows, learned, builder.spread_columns(rows.matrix), segment))

    def finish(self, told: HeldOut) -> tuple[Floats, Floats]:
        """Mean [r] and quantiles [r, K] in units of cells whose mean is the learned one alone."""
        mean = self.blend.mean(told.mean, told.members, told.segment)
        features = told.with_mean(mean).features
        quantiles = self.correction.quantiles(self.head.predict(features, mean), told.step, told.segment)
        return self.correction.mean(mean, told.segment) * told.scale, quantiles * told.scale[:, None]

    def mean_of(self, rows: Rows, builder: FeatureBuilder, segment: Ints) -> Floats:
        """Mean [r] relative to the scale, without the quantiles."""
        learned = self.mean.predict(builder.columns(self.feature_names, rows.matrix))
        return self.correction.mean(self.blend.mean(learned, rows.members, segment), segment)

    def _baselines(self, rows: Rows, segment: Ints) -> Floats:
        """[2, r] in units."""
        naive = rows.members[:, MEMBERS.index("seasonal_naive")]
        return np.stack([naive, self.blend.statistical(rows.members, segment)]) * rows.scale

    def _flags(self, panel: Panel, builder: FeatureBuilder) -> dict[str, Bools]:
        known = (~np.isnan(panel.demand)).sum(axis=1)
        return {
            "no_history": known == 0,
            "never_sold": (known > 0) & ~(panel.demand > 0).any(axis=1),
            "short_history": (known > 0) & (known < builder.memory.youth),
            "unseen_attribute": self.recipe.codes.unseen(panel.series),
            "driver_missing": self.recipe.driver_missing(panel),
        }

    def to_files(self) -> dict[str, bytes]:
        """JSON, UBJSON boosters and .npy arrays by file name; none of them can run code."""
        meta = {
            "format": _FORMAT,
            "recipe": self.recipe.to_dict(),
            "families": self.families,
            "head": self.head_name,
            "blend": self.blend.to_dict(),
            "factor": self.correction.factor.tolist(),
            "dependence": dict(zip(SEGMENTS, self.dependence.tolist(), strict=True)),
            "hierarchy": self.hierarchy.to_dict(),
            "quantiles": QUANTILES,
        }
        return {
            _META: json.dumps(meta, indent=1, allow_nan=False).encode(),
            _MEAN: self.mean.booster.to_bytes(),
            _SHIFT: arrays.to_bytes(self.correction.shift),
        } | self.head.to_files()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, threads: int = 2) -> "Model":
        """Raise ValueError for files of another format; `threads` has no influence on forecasts."""
        meta = json.loads(files[_META])
        if meta["format"] not in _READABLE or tuple(meta["quantiles"]) != QUANTILES:
            raise ValueError(f"model files of format {meta['format']} are not known here")
        recipe = Recipe.from_dict(meta["recipe"])
        shift, factor = arrays.from_bytes(files[_SHIFT]), np.array(meta["factor"])
        return cls(
            recipe=recipe,
            families=meta["families"],
            mean=MeanModel(Booster.from_bytes(files[_MEAN], threads)),
            blend=Blend.from_dict(meta["blend"]) if "blend" in meta else Blend.none(),
            head=load_head(meta["head"], files, threads),
            head_name=meta["head"],
            correction=Correction(shift, factor, recipe.horizon),
            dependence=np.array([meta["dependence"][name] for name in SEGMENTS]),
            hierarchy=Hierarchy.from_dict(meta.get("hierarchy", {})),
        )
