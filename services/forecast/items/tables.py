from decimal import Decimal

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base


class Item(Base):
    __tablename__ = "items"
    __table_args__ = (
        CheckConstraint("unit_cost >= 0", name="unit_cost"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        CheckConstraint("shelf_life_days > 0", name="shelf_life_days"),
    )

    area: Mapped[str] = mapped_column(primary_key=True)
    item: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    category: Mapped[str | None]
    uom: Mapped[str]
    unit_cost: Mapped[Decimal | None]
    unit_price: Mapped[Decimal | None]
    shelf_life_days: Mapped[int | None]


class Location(Base):
    __tablename__ = "locations"
    __table_args__ = (CheckConstraint("kind IN ('plant', 'dc', 'store', 'other')", name="kind"),)

    area: Mapped[str] = mapped_column(primary_key=True)
    location: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str | None]
    region: Mapped[str | None]
    kind: Mapped[str | None]
