import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from services.forecast.tables import Base


class Series(Base):
    """An item-location. Its number stands for the two codes in the many rows of demand."""

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("area", "item", "location"),
        ForeignKeyConstraint(["area", "item"], ["items.area", "items.item"]),
        ForeignKeyConstraint(["area", "location"], ["locations.area", "locations.location"]),
        Index(None, "area", "location"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    area: Mapped[str]
    item: Mapped[str]
    location: Mapped[str]


class Demand(Base):
    """What was demanded in a period, in the item's unit. Sales of a period out of stock only bound it from below.

    No foreign key proves `series_id`: see the migration 0002.
    """

    __tablename__ = "demand"
    __table_args__ = (CheckConstraint("quantity >= 0 AND quantity <= 1e15", name="quantity"),)

    series_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    period: Mapped[datetime.date] = mapped_column(primary_key=True)
    quantity: Mapped[float]
    in_stock: Mapped[bool]

    series: Mapped[Series] = relationship(primaryjoin="foreign(Demand.series_id) == Series.id", lazy="raise")

    @property
    def item(self) -> str:
        return self.series.item

    @property
    def location(self) -> str:
        return self.series.location
