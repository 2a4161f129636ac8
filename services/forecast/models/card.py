"""A model card: what a version is, what it has learned from, how good it was, and where not to trust it.

Source of the headings: Mitchell et al. (2019), "Model cards for model reporting", FAT*.
"""

from collections.abc import Mapping, Sequence
from typing import Any

SCORES = ("wql", "wmape", "bias", "coverage_80", "coverage_95")
LIMITS = (
    "Trained on demand of one planning area; it says nothing of others.",
    "Item-locations without demand are forecast at the level of their peers, those that never sold at zero.",
    "Driver values outside of what the training data holds are answered as at its edge.",
    "Metrics are of a backtest: each origin saw only the periods before it, but data that was revised is as revised.",
)


def card(facts: Mapping[str, Any], report: Mapping[str, Any], features: Sequence[str]) -> dict[str, Any]:
    """The card as JSON. facts: area, dates, counts and lineage of the version; report: of its backtest."""
    overall = report["overall"]
    return {
        "intended_use": "Probabilistic demand forecasts by item-location of one planning area, for planners.",
        "data": {name: facts[name] for name in ("area", "first_period", "last_period", "periods", "series")},
        "profile": {name: facts[name] for name in ("frequency", "season_length", "horizon")},
        "features": list(features),
        "metrics": {
            "overall": overall,
            "segments": {name: _models(found) for name, found in report["segments"].items()},
            "volumes": {name: _models(found) for name, found in report["volumes"].items()},
            "improvement": report["improvement"],
            "method": report["method"],
        },
        "calibration": {name: overall["model"][name] for name in ("bias", "coverage_80", "coverage_95")},
        "limits": [*LIMITS, *_weak(report["segments"])],
        "lineage": {
            name: facts[name] for name in ("training_run", "dataset_digest", "code_version", "seed", "origins")
        },
    }


def markdown(card: Mapping[str, Any]) -> str:
    """The card to read."""
    sections = [("Intended use", card["intended_use"])]
    sections += [(name.capitalize(), _list(card[name])) for name in ("data", "profile")]
    sections += [
        ("Features", ", ".join(card["features"])),
        ("Metrics by segment", _table({"all": card["metrics"]["overall"]} | card["metrics"]["segments"])),
        ("Calibration", _list(card["calibration"])),
        ("Limits", "\n".join(f"* {limit}" for limit in card["limits"])),
        ("Lineage", _list(card["lineage"])),
    ]
    return "# Model card\n\n" + "\n\n".join(f"## {title}\n\n{text}" for title, text in sections) + "\n"


def _models(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("series", "model", "seasonal_naive")}


def _weak(segments: Mapping[str, Any]) -> list[str]:
    """Where seasonal naive was better in the backtest."""
    return [
        f"Among {name} item-locations seasonal naive was better in the backtest."
        for name, found in segments.items()
        if (found["model"]["wql"] or 0) > (found["seasonal_naive"]["wql"] or 0)
    ]


def _list(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"* {name.replace('_', ' ')}: {_number(value)}" for name, value in facts.items())


def _table(rows: Mapping[str, Any]) -> str:
    head = f"| segment | {' | '.join(SCORES)} | seasonal naive wql |\n|---|{'---|' * (len(SCORES) + 1)}"
    lines = [
        f"| {name} | {' | '.join(_number(found['model'][score]) for score in SCORES)} | "
        f"{_number(found['seasonal_naive']['wql'])} |"
        for name, found in rows.items()
    ]
    return "\n".join([head, *lines])


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
