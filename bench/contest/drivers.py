"""What drivers are worth: the same forecasts without them, all together and one family at a time."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.contest.forecasts import Said, ours
from bench.contest.scores import scores
from services.forecast.engine.cells import Bools
from services.forecast.engine.panel import Panel

ALL = "all"


def value_added(panel: Panel, said: Sequence[Said], among: Sequence[Bools], *, threads: int) -> dict[str, Any]:
    """By family of drivers, and `all`: scores without it, and `value_added`, the share of each that it saves.

    `said` are the forecasts with all of them, scored on the item-locations `among` [n] at each origin.
    """
    families = list(dict.fromkeys(driver.definition.kind for driver in panel.drivers))
    groups: dict[str, set[str]] = {ALL: set(families)} if families else {}
    if len(families) > 1:
        groups |= {family: {family} for family in families}
    whole = scores(said, among)
    return {name: _without(panel, left_out, said, among, whole, threads) for name, left_out in groups.items()}


def _without(
    panel: Panel, left_out: set[str], said: Sequence[Said], among: Sequence[Bools], whole: dict[str, Any], threads: int
) -> dict[str, Any]:
    kept = tuple(driver for driver in panel.drivers if driver.definition.kind not in left_out)
    poorer = replace(panel, drivers=kept)
    told = scores([ours(poorer, len(one.known.periods), threads=threads) for one in said], among)
    names = ("wql", "mase", "rmsse", "wmape")
    return {
        **{name: told[name] for name in names},
        "value_added": {name: round(1 - whole[name] / told[name], 4) for name in names},
    }
