"""How good forecasts of aggregates are: by level, beside statistics and AutoETS on the aggregates' own history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.contest import peers
from bench.contest.forecasts import COLUMNS, Said
from bench.contest.panel import Contest
from services.forecast.engine.cells import Floats
from services.forecast.engine.level_scores import LevelOutcome, known_part, level_outcomes
from services.forecast.engine.levels import Level
from services.forecast.engine.metrics import bias, coverage, decile_loss, row_mean, wql

PEER = "AutoETS"
LEVEL, DRAWS = 0.9, 1_000


@dataclass(frozen=True)
class Told:
    """Mean [N, H] and quantiles [N, H, K] of a level's nodes on the cells whose demand is known."""

    mean: Floats
    quantiles: Floats

    def times(self, part: Floats) -> "Told":
        return Told(self.mean * part, self.quantiles * part[..., None])


def by_level(said: Sequence[Said], *, contest: Contest | None = None) -> dict[str, Any]:
    """By level, over origins: errors of our aggregates; with a `contest` also the peer's and the ratios of both.

    `summed_rmsse` is that of items not reconciled, `of_statistics` ours over that of smoothing and Theta on the nodes.
    """
    outcomes = [level_outcomes(one.known, one.demand, one.mean, _factor(one)) for one in said]
    answers = [None if contest is None else _peer(contest, one, at) for one, at in zip(said, outcomes, strict=True)]
    return {
        level.name: _scores([at[number] for at in outcomes], said, [told[level.name] for told in answers if told])
        for number, level in enumerate(one.level for one in outcomes[0])
    }


def _scores(origins: Sequence[LevelOutcome], said: Sequence[Said], peer: Sequence[Told]) -> dict[str, Any]:
    parts = [known_part(at.level, one.demand, one.mean) for at, one in zip(origins, said, strict=True)]
    ours = [_ours(at, one).times(part) for at, one, part in zip(origins, said, parts, strict=True)]
    found: dict[str, Any] = {"nodes": len(origins[0].level), **_figures(origins, ours)}
    summed, statistics = (_mean_error(origins, [at.means[way] for at in origins]) for way in ("summed", "statistics"))
    found |= {"summed_rmsse": _rounded(summed), "of_statistics": _rounded(found["rmsse"] / statistics)}
    theirs = [told.times(part) for told, part in zip(peer, parts, strict=False)]
    if theirs:
        found[PEER] = {**_figures(origins, theirs), "of_peer": _ratios(origins, ours, theirs)}
    return found


def _factor(one: Said) -> Floats:
    return np.ones(one.mean.shape) if one.reconciled is None else one.reconciled


def _ours(at: LevelOutcome, one: Said) -> Told:
    return next(Told(node.mean, node.quantiles) for node in one.nodes if node.level.name == at.level.name)


def _figures(origins: Sequence[LevelOutcome], told: Sequence[Told]) -> dict[str, float]:
    pairs = [(at.demand, one) for at, one in zip(origins, told, strict=True)]
    rows = [
        (
            wql(demand, one.quantiles),
            bias(demand, one.mean),
            *(coverage(demand, one.quantiles[..., place], one.quantiles[..., -1 - place]) for place in (1, 0)),
        )
        for demand, one in pairs
    ]
    names = ("wql", "bias", "coverage_80", "coverage_95")
    means = dict(zip(names, map(_rounded, row_mean(np.array(rows).T)), strict=True))
    return {"rmsse": _rounded(_mean_error(origins, [one.mean for one in told])), **means}


def _mean_error(origins: Sequence[LevelOutcome], means: Sequence[Floats]) -> float:
    return float(np.nanmean([_errors(at, mean) for at, mean in zip(origins, means, strict=True)]))


def _errors(at: LevelOutcome, mean: Floats) -> Floats:
    """RMSSE of each node, [N]."""
    step = np.sqrt(row_mean(np.diff(at.history, axis=1) ** 2))
    miss = np.sqrt(row_mean((at.demand - mean) ** 2))
    found: Floats = np.divide(miss, step, out=np.full(len(step), np.nan), where=step > 0)
    return found


def _ratios(origins: Sequence[LevelOutcome], ours: Sequence[Told], theirs: Sequence[Told]) -> dict[str, Any]:
    """Our RMSSE and WQL over the peer's, with an interval from draws of nodes and origins, the same for both."""
    losses = {
        "rmsse": [[_errors(at, one.mean) for at, one in zip(origins, told, strict=True)] for told in (ours, theirs)],
        "wql": [
            [np.nansum(decile_loss(at.demand, one.quantiles), axis=1) for at, one in zip(origins, told, strict=True)]
            for told in (ours, theirs)
        ],
    }
    return {name: _ratio(*np.nan_to_num(np.array(found))) for name, found in losses.items()}


def _ratio(ours: Floats, theirs: Floats) -> dict[str, float]:
    """Of losses [origins, N]."""
    random = np.random.default_rng(1)
    origins, nodes = ours.shape
    by_origin = random.multinomial(origins, np.full(origins, 1 / origins), DRAWS)
    by_node = random.multinomial(nodes, np.full(nodes, 1 / nodes), DRAWS)
    drawn = np.einsum("do,on,dn->d", by_origin, ours, by_node) / np.einsum("do,on,dn->d", by_origin, theirs, by_node)
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {
        "ratio": _rounded(float(ours.sum() / theirs.sum())),
        "low": _rounded(float(low)),
        "high": _rounded(float(high)),
    }


def _peer(contest: Contest, said: Said, outcomes: Sequence[LevelOutcome]) -> dict[str, Told]:
    """What the peer says of all nodes, fitted on their own history."""
    tables = [_history(at.level, at.history, said) for at in outcomes]
    asked = Contest(pd.concat(tables, ignore_index=True), contest.frequency, contest.horizon)
    answer = peers.ask(PEER, asked, said.known)
    if answer.table is None:
        raise RuntimeError(answer.failure)
    rows = answer.table.sort_values(["item", "location", "period"])
    return {at.level.name: _of_level(rows[rows["item"] == at.level.name], len(at.level)) for at in outcomes}


def _history(level: Level, history: Floats, said: Said) -> pd.DataFrame:
    names = [f"{number:06d}" for number in range(len(level))]
    length = history.shape[1]
    return pd.DataFrame(
        {
            "item": level.name,
            "location": np.repeat(names, length),
            "period": np.tile(said.known.periods.astype("datetime64[us]"), len(level)),
            "quantity": history.ravel(),
        }
    )


def _of_level(rows: pd.DataFrame, nodes: int) -> Told:
    numbers = rows[["mean", *COLUMNS]].to_numpy(dtype=np.float64).reshape(nodes, -1, 1 + len(COLUMNS))
    return Told(numbers[..., 0], numbers[..., 1:])


def _rounded(value: float) -> float:
    return round(value, 5)
