"""The smallest run that there is, for tests of what all runs have in common."""

from sqlalchemy.orm import DeclarativeBase, Mapped

from shared import jobs


class Base(DeclarativeBase):
    pass


class Errand(jobs.Run, Base):
    __tablename__ = "errands"

    result: Mapped[str | None]
