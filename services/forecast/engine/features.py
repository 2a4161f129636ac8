"""What the model sees of a cell: named features, each of a family that explanations later speak of.

Everything is computed at the forecast origin t for the target period t+h, and demand is scaled by the
series' level at t. Nothing after t is read, save drivers that are known ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from services.forecast.engine import calendar
from services.forecast.engine.attributes import Codes
from services.forecast.engine.cells import Bools, Cells, Floats, Ints
from services.forecast.engine.cross_section import CrossSection, blocks
from services.forecast.engine.driver_features import DriverHistory
from services.forecast.engine.history import History, Memory, Running, ratio
from services.forecast.engine.members import MEMBERS, Member, member_forecasts
from services.forecast.engine.panel import Panel

type Family = Literal[
    "recent_demand", "season", "price", "promotion", "weather", "economic", "event",
    "calendar", "intermittency", "series", "horizon",
]  # fmt: skip

_READ: tuple[Member, ...] = ("smoothing", "theta")  # members that stage 1 starts from: trees see no trend of their own
_ROWS = 200_000  # built at a time, to bound memory


@dataclass
class Sheet:
    """Features as they are added: columns with a name, a family and whether they speak of spread."""

    columns: list[Floats] = field(default_factory=list)
    families: dict[str, Family] = field(default_factory=dict)
    spread: list[str] = field(default_factory=list)

    def add(self, name: str, family: Family, column: Floats | Ints, *, spread: bool = False) -> None:
        self.columns.append(column.astype(np.float32))
        self.families[name] = family
        if spread:
            self.spread.append(name)

    def matrix(self) -> Floats:
        found: Floats = np.column_stack(self.columns)
        return found


@dataclass(frozen=True)
class Rows:
    """Features [r, f] of r cells; `scale` [r] in units.

    Relative to the scale: `members` [r, M], forecasts by MEMBERS, and `target` [r], demand (NaN if unknown).
    """

    cells: Cells
    matrix: Floats
    scale: Floats
    members: Floats
    target: Floats

    def take(self, rows: Ints | Bools | slice) -> "Rows":
        return Rows(self.cells.take(rows), self.matrix[rows], self.scale[rows], self.members[rows], self.target[rows])

    def __len__(self) -> int:
        return len(self.cells)


class FeatureBuilder:
    """Builds the same features from any panel of the same frequency, drivers and attributes.

    `names`, `families` and `spread` (the features that the distribution head reads) follow from the
    frequency, the drivers' definitions and the attribute codes alone. Where `panel` is a part of a larger one, `whole`
    is what all series of that one tell.
    """

    def __init__(self, panel: Panel, codes: Codes, whole: CrossSection | None = None) -> None:
        self.panel = panel
        self.memory = Memory.of(panel.frequency, panel.season)
        self.history = History(panel.demand, self.memory)
        self.whole = whole or CrossSection.of(panel)
        self.known = codes
        sheet = self._block(np.array([0])).sheet(Cells.grid(1, len(panel.periods) - 1, 1), np.zeros((1, len(MEMBERS))))
        self.names = tuple(sheet.families)
        self.families = sheet.families
        self.spread = tuple(sheet.spread)

    def build(self, cells: Cells) -> Rows:
        """Features of `cells`; scale and target are NaN before a series' first sale."""
        matrix = np.empty((len(cells), len(self.names)), dtype=np.float32)
        scale = np.empty(len(cells))
        members = np.empty((len(cells), len(MEMBERS)))
        present, place = np.unique(cells.series, return_inverse=True)
        order = np.lexsort((cells.origin, place))  # cells of one origin lie together in memory
        for part in blocks(len(present), self.history.length):
            first, last = np.searchsorted(place, [part.start, part.stop], sorter=order)
            block, rows = self._block(present[part]), order[first:last]
            mine = Cells(place[rows] - part.start, cells.origin[rows], cells.horizon[rows])
            scale[rows] = block.history.level(mine.series, mine.origin)
            told = member_forecasts(block.history, self.panel.season, mine) / scale[rows, None]
            members[rows] = told
            for start in range(0, len(rows), _ROWS):
                some = slice(start, start + _ROWS)
                matrix[rows[some]] = block.sheet(mine.take(some), told[some]).matrix()
        return Rows(cells, matrix, scale, members, self._demand(cells) / scale)

    def columns(self, names: Sequence[str], matrix: Floats) -> Floats:
        """The columns of `matrix` [r, f] with these names, in their order."""
        return matrix[:, [self.names.index(name) for name in names]]

    def spread_columns(self, matrix: Floats) -> Floats:
        """The columns of `matrix` [r, f] that speak of spread."""
        return self.columns(self.spread, matrix)

    def _block(self, series: Ints) -> "_Block":
        return _Block(self.panel.take(series), self.memory, self.known, self.whole.take(series))

    def _demand(self, cells: Cells) -> Floats:
        inside = np.minimum(cells.target, self.history.length - 1)
        demand = self.panel.demand[cells.series, inside]
        found: Floats = np.where(cells.target < self.history.length, demand, np.nan)
        return found


class _Block:
    """Series that are looked up together."""

    def __init__(self, panel: Panel, memory: Memory, codes: Codes, whole: CrossSection) -> None:
        self.memory, self.whole = memory, whole
        self.history = History(panel.demand, memory)
        self.profile = Running.over(whole.profile[:, None])
        self.drivers = [DriverHistory(driver, memory.level) for driver in panel.drivers]
        self.calendar = calendar.parts(panel.frequency, panel.timeline)
        self.codes = codes.encode(panel.series)

    def sheet(self, cells: Cells, members: Floats) -> Sheet:
        """Features of `cells` of these series."""
        sheet, scale = Sheet(), self.history.level(cells.series, cells.origin)
        sheet.add("horizon", "horizon", cells.horizon, spread=True)
        for member in _READ:
            sheet.add(f"member_{member}", "recent_demand", members[:, MEMBERS.index(member)])
        self._recent(sheet, cells, scale)
        self._intermittency(sheet, cells)
        for season in self.memory.seasons:
            self._season(sheet, cells, scale, season)
        for name, line in self.calendar.items():
            sheet.add(f"calendar_{name}", "calendar", line[cells.target])
        for driver in self.drivers:
            driver.add_to(sheet, cells, self._market(driver.definition.name, cells))
        sheet.add("log_level", "series", np.log(scale), spread=True)
        for name, codes in self.codes.items():
            sheet.add(f"code_{name}", "series", codes[cells.series])
        return sheet

    def _recent(self, sheet: Sheet, cells: Cells, scale: Floats) -> None:
        past, series, origin = self.history, cells.series, cells.origin
        for lag in range(self.memory.lags):
            demand = past.at(series, origin - lag) / scale
            sheet.add(f"lag_{lag + 1}", "recent_demand", demand, spread=lag == 0)
        for width in self.memory.windows:
            mean = past.mean(series, origin + 1, width)
            known = past.known.window(series, origin + 1, width)
            variance = ratio(past.squares.window(series, origin + 1, width), known) - mean**2
            sheet.add(f"mean_{width}", "recent_demand", mean / scale)
            sheet.add(f"deviation_{width}", "recent_demand", np.sqrt(np.maximum(variance, 0)) / scale, spread=True)
        middle = self.memory.decays[len(self.memory.decays) // 2]
        for decay, smoothed in past.smoothed.items():
            now = smoothed[origin, series] / scale
            sheet.add(f"smoothed_{decay}", "recent_demand", now, spread=decay == middle)
        momentum = ratio(self._profile(origin, 4), self._profile(origin, self.memory.level))
        sheet.add("panel_momentum", "recent_demand", momentum)

    def _intermittency(self, sheet: Sheet, cells: Cells) -> None:
        past, series, stop = self.history, cells.series, cells.origin + 1
        for width in self.memory.windows:
            known = past.known.window(series, stop, width)
            zeros = ratio(past.zeros.window(series, stop, width), known)
            sheet.add(f"zero_share_{width}", "intermittency", zeros, spread=True)
        sheet.add("since_sale", "intermittency", past.since_sale[cells.origin, series], spread=True)
        age = np.clip(stop - past.first[series], 0, 3 * max(self.memory.seasons))
        sheet.add("age", "intermittency", age, spread=True)

    def _season(self, sheet: Sheet, cells: Cells, scale: Floats, season: int) -> None:
        """Demand at the target's own season: one and two cycles back, four, all, smoothed, and as a ratio."""
        past, series, origin = self.history, cells.series, cells.origin
        cycles = -(-cells.horizon // season)
        same = cells.target - season * cycles
        reached = same >= 0
        at = np.maximum(same, 0)
        for back in range(2):
            sheet.add(f"season_{season}_{back + 1}", "season", past.at(series, same - season * back) / scale)
        sums, counts = past.seasonal[season]
        sheet.add(f"season_{season}_mean", "season", ratio(sums[at, series], counts[at, series] * reached) / scale)
        older = same - 4 * season
        before = (np.maximum(older, 0), series)
        recent_sum = sums[at, series] - np.where(older >= 0, sums[before], 0)
        recent_count = (counts[at, series] - np.where(older >= 0, counts[before], 0)) * reached
        sheet.add(f"season_{season}_recent", "season", ratio(recent_sum, recent_count) / scale)
        stop, width = np.minimum(origin, same + 1) + 1, np.where(same > 0, 3, 2)
        stop, width = np.where(reached, stop, 0), width - (same + 1 > origin)
        near = past.mean(series, stop, width)
        sheet.add(f"season_{season}_near", "season", near / scale)
        then = np.maximum(origin - season * cycles, -1)
        enough = reached & (then >= self.memory.level // 2)
        level_then = past.mean(series, then + 1, self.memory.level)
        index = np.where(enough, np.clip(ratio(near, level_then), 0, 20), np.nan)
        sheet.add(f"season_{season}_index", "season", index)
        panel_near = self.profile.window(np.zeros_like(series), stop, width) / np.maximum(width, 1)
        panel_index = ratio(panel_near, self._profile(np.maximum(then, 0), self.memory.level))
        sheet.add(f"panel_season_{season}_index", "season", np.where(enough, panel_index, np.nan))

    def _market(self, driver: str, cells: Cells) -> Floats | None:
        market = self.whole.markets.get(driver)
        return None if market is None else market[cells.target, self.whole.rivals[cells.series]]

    def _profile(self, origin: Ints, width: int) -> Floats:
        stop = origin + 1
        total = self.profile.window(np.zeros_like(stop), stop, width)
        found: Floats = total / np.minimum(width, stop)
        return found
