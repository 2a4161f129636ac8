"""A version that passes its gates and beats the champion is recommended; what the gates measured is the evidence."""

from collections.abc import Sequence
from typing import Any

from services.forecast.engine.gates import BEATS_CHAMPION, LEVEL, Gate
from services.forecast.reviews import filing

DIGITS = 6


def recommended(area: str, version: int, gates: Sequence[Gate], champion: int | None) -> list[dict[str, Any]]:
    """To promote the version, where it passes all gates and all of the interval says that it loses less."""
    found = next((gate for gate in gates if gate.gate == BEATS_CHAMPION), None)
    if champion is None or found is None or found.low is None or found.low <= 0:
        return []
    if not all(gate.passed for gate in gates):
        return []
    figures = {"improvement": found.value, "low": found.low, "high": found.high, "level": LEVEL}
    contest = {
        "champion": champion,
        "gates": [gate.gate for gate in gates],
        **{name: round(value, DIGITS) for name, value in figures.items() if value is not None},
    }
    origins = [filing.origin("promote", area, version)]
    return [{"type": "promote_model", "origins": origins, "model_version": version, "contest": contest}]
