"""What all tables of the planner service have in common."""

from sqlalchemy.orm import DeclarativeBase

from shared import db


class Base(DeclarativeBase):
    metadata = db.metadata()
    type_annotation_map = db.COLUMN_TYPES
