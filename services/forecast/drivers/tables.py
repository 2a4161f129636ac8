import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.forecast.tables import Base


class Driver(Base):
    """Something that moves demand, and when it is known."""

    __tablename__ = "drivers"
    __table_args__ = (
        CheckConstraint("kind IN ('price', 'promotion', 'weather', 'economic', 'event')", name="kind"),
        CheckConstraint("scope IN ('item-location', 'item', 'location', 'global')", name="scope"),
        CheckConstraint("publication_delay >= 1", name="publication_delay"),
    )

    area: Mapped[str] = mapped_column(primary_key=True)
    driver: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    known_ahead: Mapped[bool]
    scope: Mapped[str]
    publication_delay: Mapped[int]
    description: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=1)


class DriverSeries(Base):
    """Where a driver has values: item and location are there exactly as far as its scope asks for them."""

    __tablename__ = "driver_series"
    __table_args__ = (
        UniqueConstraint("area", "driver", "item", "location", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["area", "driver"], ["drivers.area", "drivers.driver"]),
        ForeignKeyConstraint(["area", "item"], ["items.area", "items.item"]),
        ForeignKeyConstraint(["area", "location"], ["locations.area", "locations.location"]),
        Index(None, "area", "item"),
        Index(None, "area", "location"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    area: Mapped[str]
    driver: Mapped[str]
    item: Mapped[str | None]
    location: Mapped[str | None]


class DriverValue(Base):
    """No foreign key proves `series_id`: see the migration 0002."""

    __tablename__ = "driver_values"

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    period: Mapped[datetime.date] = mapped_column(primary_key=True)
    value: Mapped[float]

    series: Mapped[DriverSeries] = relationship(
        primaryjoin="foreign(DriverValue.series_id) == DriverSeries.id", lazy="raise"
    )

    @property
    def item(self) -> str | None:
        return self.series.item

    @property
    def location(self) -> str | None:
        return self.series.location
