import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from services.forecast.tables import Base

Kind = Literal["challenger", "external", "baseline"]


class Round(Base):
    """What a champion and a rival lost from the `first` to the `last` period, as it was when these had just come.

    `forecast` and `rival_forecast` told them, before; the losses are means over `cells` (item-locations x periods) that
    both have. Rows are never changed, so that a test on them is not rewritten by what is corrected later.
    """

    __tablename__ = "rounds"
    __table_args__ = (CheckConstraint("kind IN ('challenger', 'external', 'baseline')", name="kind"),)

    area: Mapped[str] = mapped_column(primary_key=True)
    champion: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(Text, primary_key=True)
    rival: Mapped[str] = mapped_column(primary_key=True)
    first: Mapped[datetime.date] = mapped_column(primary_key=True)
    last: Mapped[datetime.date]
    forecast: Mapped[UUID]
    rival_forecast: Mapped[UUID]
    periods: Mapped[int]
    cells: Mapped[int]
    item_locations: Mapped[int]
    champion_loss: Mapped[float]
    rival_loss: Mapped[float]
    judged_at: Mapped[datetime.datetime] = mapped_column(server_default=func.now())
