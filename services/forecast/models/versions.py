"""Model versions as this service knows them; MLflow is not asked."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.forecast.models.tables import ModelVersion
from shared.errors import NotFound, Unprocessable


class UnknownVersion(Unprocessable):
    slug, title = "unknown-model-version", "No such model version"


def versions(area: str) -> Select[ModelVersion]:
    return select(ModelVersion).where(ModelVersion.area == area)


def one(session: Session, area: str, version: int) -> ModelVersion:
    found = session.get(ModelVersion, (area, version))
    if found is None:
        raise NotFound("There is no such model version in this area.")
    return found


def card(session: Session, area: str, version: int) -> dict[str, Any]:
    """The model card; NotFound where a release before cards has trained the version."""
    found = one(session, area, version).card
    if found is None:
        raise NotFound("This version was trained before there were model cards.")
    return found


def named(session: Session, area: str, version: int, pointer: str) -> ModelVersion:
    """The version that a body names at `pointer`, or 422."""
    found = session.get(ModelVersion, (area, version))
    if found is None:
        errors = [{"pointer": pointer, "detail": "is no model version of this area"}]
        raise UnknownVersion("The model version is not known; GET models/versions lists them.", errors=errors)
    return found
