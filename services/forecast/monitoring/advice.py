"""Alarms as recommendations in the planner's log: one for each that stands, withdrawn where it no longer does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from services.forecast.monitoring import findings
from services.forecast.reviews import filing

NAMED = ("segment", "scope", "signal", "direction")  # what tells one alarm of a model from another
MEASURED = (*NAMED, "since", "raised", "item_locations", "watched", "units", "value", "limit", "rate", "basis", "items")

type Filed = dict[str, dict[str, str]]
"""Of each alarm for which a recommendation was filed: its `origin`, and when the alarm was `raised`."""


@dataclass(frozen=True)
class Standing:
    """An alarm that stands, `raised` in a period, and the recommendation that it asks for."""

    raised: str
    wish: Mapping[str, Any]


def of_model(model: str, version: int | None, until: str, alarms: Sequence[Mapping[str, Any]]) -> dict[str, Standing]:
    """What a model's alarms ask for, by alarm. version: None where the model is from elsewhere."""
    return {
        "/".join(alarm[name] for name in NAMED): Standing(
            alarm["raised"],
            {
                "type": alarm["recommends"],
                "model_version": version,
                "drift": {name: findings.shown(alarm)[name] for name in MEASURED} | {"model": model, "until": until},
            },
        )
        for alarm in alarms
    }


def of_drivers(drivers: Sequence[Mapping[str, Any]]) -> dict[str, Standing]:
    """What drivers ask for that are dead."""
    return {
        one["driver"]: Standing(
            one["dead_since"],
            {
                "type": one["recommends"],
                "dead_driver": {"driver": one["driver"], "since": one["dead_since"], "still": one["still"]},
            },
        )
        for one in drivers
        if one["dead_since"] is not None
    }


def advise(
    session: Session, area: str, about: Sequence[object], standing: Mapping[str, Standing], filed: Filed
) -> Filed:
    """Queue what is to be filed of alarms that are new or have grown, and withdrawn of others; what is then filed.

    about: what tells these alarms from those of others with the same names.
    """
    kept = {name: one for name, one in filed.items() if name in standing and standing[name].raised <= one["raised"]}
    new: Filed = {
        name: {"origin": filing.origin("drift", *about, name, one.raised), "raised": one.raised}
        for name, one in standing.items()
        if name not in kept
    }
    wishes = [{**standing[name].wish, "origins": [one["origin"]]} for name, one in new.items()]
    filing.queue(session, area, wishes, [one["origin"] for name, one in filed.items() if name not in kept])
    return kept | new
