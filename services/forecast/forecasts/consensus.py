"""The consensus job: a forecast as people adjusted it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.forecast import provenance
from services.forecast.adjustments import service as adjustments
from services.forecast.adjustments.applying import Labels, applied
from services.forecast.adjustments.tables import Adjustment
from services.forecast.forecasts.grid import Grid
from services.forecast.forecasts.tables import Forecast
from services.forecast.items.tables import Item, Location
from shared.jobs import Work


def consensus(work: Work[Forecast]) -> None:
    """The base of the run with the adjustments that held when it was asked for."""
    wanted = {one["id"] for one in work.run.adjustments}
    with work.database.read() as session:
        base = session.get_one(Forecast, work.run.base)
        grid = Grid.read(session, base)
        held = adjustments.adjustments(work.run.area).where(Adjustment.id.in_(wanted))
        chosen = list(session.scalars(held.order_by(Adjustment.sequence)))
        labels = _labels(session, work.run.area, grid)
    found = applied(grid, labels, chosen)
    with work.finish() as (session, run):
        run.periods, run.quantiles = base.periods, base.quantiles
        run.series_count = len(found.items)
        run.output_digest = found.digest()
        run.code_version = provenance.code_version()
        run.warnings = base.warnings
        found.store(session, run.id)


def _labels(session: Session, area: str, grid: Grid) -> Labels:
    items = select(Item.item, Item.category).where(Item.area == area)
    places = select(Location.location, Location.region).where(Location.area == area)
    categories, regions = (dict(session.execute(told).all()) for told in (items, places))
    return Labels([categories.get(item) for item in grid.items], [regions.get(place) for place in grid.locations])
