import datetime
import re
import zoneinfo
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema

from shared.principal import Frequency
from shared.schemas import Cost, Key, Number, Schema, Whole

GRID = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
SEASON_LENGTHS: dict[Frequency, int] = {"D": 7, "W": 52, "M": 12}
HORIZONS: dict[Frequency, int] = {"D": 28, "W": 13, "M": 12}


def _grid(quantiles: tuple[float, ...]) -> tuple[float, ...]:
    if quantiles != GRID:
        raise ValueError(f"must be the grid that forecasts are made on: {list(GRID)}")
    return quantiles


def _currency(code: Any) -> Any:
    if not isinstance(code, str) or not re.fullmatch(r"[A-Z]{3}", code):
        raise ValueError('must be an ISO 4217 code such as "EUR"')
    return code


def _time_zone(name: Any) -> Any:
    if not isinstance(name, str) or name not in zoneinfo.available_timezones():
        raise ValueError('must be a name of the time zone database such as "Europe/Berlin"')
    return name


def _refuse(_: Any) -> None:
    raise ValueError("never changes; create another area")


Periods = Annotated[Whole, Field(ge=1, le=366)]
HoldingRate = Annotated[Cost, Field(le=10)]
ShortageFactor = Annotated[Cost, Field(le=1000)]
Quantiles = Annotated[tuple[Number, ...], AfterValidator(_grid)]
Immutable = SkipJsonSchema[Annotated[None, BeforeValidator(_refuse)]]


class AreaIn(Schema):
    """A new area. season_length and horizon are periods of `frequency`.

    week_start: ISO weekday 1 (Monday) to 7, the first day of a weekly period. holding_rate: share of the unit cost
    that a unit held for a year costs. shortage_factor times unit cost: cost of a unit short, where no policy says more.
    """

    area: Key
    frequency: Frequency
    season_length: Periods | None = None
    horizon: Periods | None = None
    quantiles: Quantiles = GRID
    currency: Annotated[str, BeforeValidator(_currency)]
    time_zone: Annotated[str, BeforeValidator(_time_zone)]
    week_start: Annotated[Whole, Field(ge=1, le=7)] = 1
    holding_rate: HoldingRate = Decimal("0.20")
    shortage_factor: ShortageFactor = Decimal("1.0")

    def values(self) -> dict[str, Any]:
        """The columns; lengths that were left out follow from the frequency."""
        lengths = {"season_length": SEASON_LENGTHS[self.frequency], "horizon": HORIZONS[self.frequency]}
        return lengths | self.model_dump(exclude_none=True)


class AreaPatch(Schema):
    """What may change about an area; what is left out stays."""

    season_length: Periods | None = None
    horizon: Periods | None = None
    holding_rate: HoldingRate | None = None
    shortage_factor: ShortageFactor | None = None
    area: Immutable = None
    frequency: Immutable = None
    quantiles: Immutable = None
    currency: Immutable = None
    time_zone: Immutable = None
    week_start: Immutable = None

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_none=True)


class AreaOut(Schema):
    area: Key
    frequency: Frequency
    season_length: int
    horizon: int
    quantiles: tuple[float, ...]
    currency: str
    time_zone: str
    week_start: int
    holding_rate: Decimal
    shortage_factor: Decimal
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
