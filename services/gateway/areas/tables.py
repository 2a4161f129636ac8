import datetime
from decimal import Decimal

from sqlalchemy import DateTime, Float, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.gateway.database import Base
from shared.principal import Area, Frequency


class AreaRow(Base):
    """A planning area. `version` counts its changes."""

    __tablename__ = "areas"

    area: Mapped[str] = mapped_column(primary_key=True)
    frequency: Mapped[Frequency] = mapped_column(Text)
    season_length: Mapped[int]
    horizon: Mapped[int]
    quantiles: Mapped[list[float]] = mapped_column(ARRAY(Float))
    currency: Mapped[str]
    time_zone: Mapped[str]
    week_start: Mapped[int]
    holding_rate: Mapped[Decimal]
    shortage_factor: Mapped[Decimal]
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    def profile(self) -> Area:
        """The area as identities carry it."""
        return Area(
            area=self.area,
            frequency=self.frequency,
            season_length=self.season_length,
            horizon=self.horizon,
            quantiles=tuple(self.quantiles),
            currency=self.currency,
            time_zone=self.time_zone,
            week_start=self.week_start,
            holding_rate=self.holding_rate,
            shortage_factor=self.shortage_factor,
        )
