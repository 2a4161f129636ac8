"""What the sequential test says of the champion's rivals, as advice: to promote, to roll back, to train anew."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.forecast.engine import gates, sequential
from services.forecast.models.tables import ModelVersion
from services.forecast.reviews import filing
from services.forecast.rivals.pairs import Rival
from services.forecast.rivals.tables import Round

DIGITS = 6


def recommended(
    champion: ModelVersion, previous: int | None, told: Sequence[tuple[Rival, Sequence[Round]]]
) -> list[dict[str, Any]]:
    """Of each rival that has won. That seasonal naive won is not told where the challenger did: promote that.

    Told again at each look; it is filed once. previous: the version that a rollback returns to.
    """
    won = {rival: found for rival, rounds in told if (found := evidence(champion.version, rival, rounds)) is not None}
    challenged = any(rival.kind == "challenger" for rival in won)
    return [
        {
            "origins": [filing.origin("realised", champion.area, champion.version, rival.kind, rival.name)],
            "comparison": found,
            **_advice(champion.version, previous, rival),
        }
        for rival, found in won.items()
        if rival.kind != "baseline" or not challenged
    ]


def _advice(champion: int, previous: int | None, rival: Rival) -> dict[str, Any]:
    if rival.kind == "external":
        return {"type": "promote_model", "source": rival.name}
    if rival.kind == "challenger":
        return {"type": "promote_model", "model_version": int(rival.name)}
    if previous is None:
        return {"type": "retrain_model", "model_version": champion}
    return {"type": "promote_model", "model_version": previous}


def evidence(champion: int, rival: Rival, rounds: Sequence[Round]) -> dict[str, Any] | None:
    """What speaks for a rival that has won its test and lost less over all cells; None where one is not so."""
    ours, theirs, cells = (
        np.array([getattr(one, name) for one in rounds], dtype=float)
        for name in ("champion_loss", "rival_loss", "cells")
    )
    verdict = sequential.verdict(sequential.gains(ours, theirs))
    saved = gates.saved(theirs, ours, horizon=1)
    lost = float(ours @ cells)
    if verdict.after is None or saved is None or lost <= 0 or theirs @ cells >= lost:
        return None
    figures = {
        "improvement": 1 - float(theirs @ cells) / lost,
        "low": saved.low,
        "high": saved.high,
        "evidence": verdict.evidence,
    }
    return {
        "champion": champion,
        "kind": rival.kind,
        "rival": rival.name,
        "first": str(rounds[0].first),
        "last": str(rounds[-1].last),
        "rounds": len(rounds),
        "decided": str(rounds[verdict.after - 1].last),
        "cells": int(cells.sum()),
        "item_locations": rounds[-1].item_locations,
        "forecast": str(rounds[-1].rival_forecast),
        "level": gates.LEVEL,
        "alpha": sequential.ALPHA,
        **{name: round(value, DIGITS) for name, value in figures.items()},
    }
