"""Overlays may name only what the area has and what the model reads."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.forecast import periods
from services.forecast.drivers.tables import Driver
from services.forecast.items.references import UnknownReference
from services.forecast.items.tables import Item, Location
from services.forecast.models.tables import ModelVersion
from services.forecast.overlays.problems import UnreadDriver
from services.forecast.overlays.schemas import OverlayIn
from shared.principal import Area

AHEAD = "then"  # the aspect of a driver in the period that is forecast (the engine's `driver_features`)
type Errors = list[Mapping[str, str]]
NAMED: dict[str, InstrumentedAttribute[str] | InstrumentedAttribute[str | None]] = {
    "driver": Driver.driver,
    "item": Item.item,
    "location": Location.location,
    "category": Item.category,
}


def check(session: Session, area: Area, model: ModelVersion, overlays: Sequence[OverlayIn]) -> None:
    """Raises OffCalendar, UnknownReference, UnreadDriver; each names the fields at fault."""
    for number, overlay in enumerate(overlays):
        for name, day in (("from", overlay.first), ("to", overlay.last)):
            if day is not None:
                periods.require_start(area, day, f"#/overlays/{number}/{name}")
    unknown = [error for name in NAMED for error in _unknown(session, area.area, overlays, name)]
    if unknown:
        raise UnknownReference("The overlays name what this area does not have.", errors=unknown)
    unread = list(_unread(session, area.area, model, overlays))
    if unread:
        raise UnreadDriver(
            f"Version {model.version} does not read the future of every driver that the overlays change.", errors=unread
        )


def _unknown(session: Session, area: str, overlays: Sequence[OverlayIn], name: str) -> Iterator[Mapping[str, str]]:
    column = NAMED[name]
    asked = {value for overlay in overlays if (value := getattr(overlay, name)) is not None}
    known = (
        set(session.scalars(select(column).where(column.class_.area == area, column.in_(asked)))) if asked else set()
    )
    for number, overlay in enumerate(overlays):
        if getattr(overlay, name) not in {None, *known}:
            yield {"pointer": f"#/overlays/{number}/{name}", "detail": f"is no {name} of this area"}


def _unread(
    session: Session, area: str, model: ModelVersion, overlays: Sequence[OverlayIn]
) -> Iterator[Mapping[str, str]]:
    ahead = set(session.scalars(select(Driver.driver).where(Driver.area == area, Driver.known_ahead)))
    features = [feature["name"].partition(":") for feature in model.features]
    read = {driver for driver, colon, _ in features if colon}
    read_ahead = {driver for driver, _, aspect in features if aspect == AHEAD}
    for number, overlay in enumerate(overlays):
        if overlay.driver is None or overlay.driver in ahead & read_ahead:
            continue
        if overlay.driver not in read:
            fault = f"is not read by version {model.version}"
        elif overlay.driver not in ahead:
            fault = "is not known ahead"
        else:
            fault = f"was not known ahead when version {model.version}, which reads its past, was trained: train anew"
        yield {"pointer": f"#/overlays/{number}/driver", "detail": fault}
