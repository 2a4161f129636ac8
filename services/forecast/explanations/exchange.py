"""What the API process asks of the one that explains, and what it is answered: JSON between two of our processes."""

from dataclasses import dataclass
from typing import Any, Self

from shared.principal import Frequency

type Row = list[float]


@dataclass(frozen=True)
class Told:
    """A forecast as it was told of one item-location, and what it was made of.

    profile: [T] as the engine's `Forecast` has it. periods, mean: [H] dates, and units as they are stored. overlays: as
    the forecast shows them.
    """

    area: str
    version: int
    artifact_digest: str
    frequency: Frequency
    season_length: int
    dataset: str
    origin: str
    profile: Row
    periods: list[str]
    mean: Row
    overlays: list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """Why `told` is what it is and, where `since` is given, why it differs from that one in the periods of both."""

    item: str
    location: str
    told: Told
    since: Told | None

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Self:
        since = raw["since"]
        return cls(raw["item"], raw["location"], Told(**raw["told"]), None if since is None else Told(**since))


@dataclass(frozen=True)
class Reasons:
    """From `start` to `end`, both [P] in units: the `units` of each of `causes`, [P, C], in each of `periods` [P].

    logs: their effects on the log scale, [P, C]; empty of a change. All is empty where there is nothing to tell.
    """

    periods: list[str]
    causes: list[str]
    start: Row
    end: Row
    units: list[Row]
    logs: list[Row]


@dataclass(frozen=True)
class Answer:
    told: Reasons
    change: Reasons | None

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Self:
        change = raw["change"]
        return cls(Reasons(**raw["told"]), None if change is None else Reasons(**change))
