"""Alarms as recommendations in the planner's log: one for each that stands, withdrawn where it no longer does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from services.forecast.monitoring import findings
from services.forecast.reviews import filing

NAMED = ("segment", "scope", "signal", "direction")  # what tells one alarm of a model from another
MEASURED = (*NAMED, "since", "raised", "item_locations", "watched", "units", "value", "limit", "rate", "basis", "items")

RETRAIN = "retrain_model"
STANDS = ""  # in place of a date: decay is filed once, however it goes on

type Filed = dict[str, dict[str, str]]
"""Of each alarm for which a recommendation was filed: its `origin`, and when the alarm was `raised`."""


@dataclass(frozen=True)
class Standing:
    """An alarm that stands, `raised` in a period, and the recommendation that it asks for."""

    raised: str
    wish: Mapping[str, Any]


def of_model(
    model: str, version: int | None, until: str, alarms: Sequence[Mapping[str, Any]], decay: Mapping[str, Any] | None
) -> dict[str, Standing]:
    """What a model's alarms ask for, by alarm; its decay where no alarm asks for another one.

    version: None where the model is from elsewhere.
    """
    asked = {"/".join(alarm[name] for name in NAMED): _alarm(model, version, until, alarm) for alarm in alarms}
    if decay is not None and all(one.wish["type"] != RETRAIN for one in asked.values()):
        asked["decay"] = Standing(STANDS, {"type": RETRAIN, "model_version": version, "decay": decay})
    return asked


def _alarm(model: str, version: int | None, until: str, alarm: Mapping[str, Any]) -> Standing:
    shown = findings.shown(alarm)
    measured = {name: shown[name] for name in MEASURED} | {"model": model, "until": until}
    return Standing(alarm["raised"], {"type": alarm["recommends"], "model_version": version, "drift": measured})


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
