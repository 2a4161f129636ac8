"""Bodies of the call by which other services file what they recommend."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from services.planner.recommendations.content_schemas import FiledType
from services.planner.recommendations.evidence_schemas import (
    DeadDriverOut,
    ForecastJumpOut,
    MissesOut,
    ModelContestOut,
    ModelDecayOut,
    ModelDriftOut,
    RealisedComparisonOut,
    StakeOut,
    Version,
)
from shared.schemas import Code, Date, Flag, Schema

MOST_FILED = 200
ABOUT_AN_ITEM = {"jump", "misses"}
ALARMS = {"drift", "decay", "dead_driver"}
EVIDENCE = {
    "review_forecast": ABOUT_AN_ITEM | {"drift", "dead_driver"},
    "promote_model": {"contest", "comparison"},
    "retrain_model": {"drift", "decay", "comparison"},
}


class FiledRecommendationIn(Schema):
    """A recommendation with its evidence, as the type has it: one kind, or `jump` and `misses` together.

    About a model it names the `model_version` or, of an external forecast that beats the champion, the `source`.
    `origins` are its natural keys: it is filed if one of them is new in the area. From `expires_on` on it is of no use.
    """

    origins: Annotated[list[Code], Field(min_length=1, max_length=10)]
    type: FiledType
    item: Code | None = None
    location: Code | None = None
    forecast: UUID | None = None
    model_version: Version | None = None
    source: Code | None = None
    expires_on: Date | None = None
    stake: StakeOut | None = None
    jump: ForecastJumpOut | None = None
    misses: MissesOut | None = None
    contest: ModelContestOut | None = None
    comparison: RealisedComparisonOut | None = None
    decay: ModelDecayOut | None = None
    drift: ModelDriftOut | None = None
    dead_driver: DeadDriverOut | None = None

    @property
    def given(self) -> set[str]:
        """Which evidence there is."""
        every = set[str]().union(*EVIDENCE.values())
        return {name for name in every if getattr(self, name) is not None}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.given or not self.given <= EVIDENCE[self.type]:
            raise ValueError(f"takes evidence in {' or '.join(sorted(EVIDENCE[self.type]))}, and in nothing else")
        of_item = self.given <= ABOUT_AN_ITEM
        if not of_item and len(self.given) > 1:
            raise ValueError("takes evidence of one kind")
        if any((one is not None) != of_item for one in (self.item, self.location, self.stake)):
            raise ValueError("has item, location and stake where it reviews the forecast of one, and only there")
        outside = self.type == "promote_model" and self.comparison is not None and self.comparison.kind == "external"
        if (self.source is not None) != outside:
            raise ValueError("names a source where that beats the champion, and only there")
        if self.type != "review_forecast" and (self.model_version is None) != outside:
            raise ValueError("is about a model_version, or a source")
        return self


class FilingIn(Schema):
    """What is recommended, and which origins are `withdrawn`: what was filed of them and is open is superseded."""

    recommendations: Annotated[list[FiledRecommendationIn], Field(max_length=MOST_FILED)]
    withdrawn: Annotated[list[Code], Field(max_length=MOST_FILED, default_factory=list)]

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.recommendations and not self.withdrawn:
            raise ValueError("recommends or withdraws something")
        return self


class FiledRecommendationOut(Schema):
    """`new` is false where it had been filed before: the recommendation is the one that stands."""

    recommendation: UUID
    new: Flag


class FilingOut(Schema):
    """In the order in which they were sent."""

    items: list[FiledRecommendationOut]
