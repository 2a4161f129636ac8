"""Every table of the forecast service that takes rows."""

from services.forecast.demand import service as demand
from services.forecast.drivers import service as drivers
from services.forecast.external import service as external
from services.forecast.items import service as items

KINDS = {kind.name: kind for kind in (items.ITEMS, items.LOCATIONS, demand.KIND, drivers.VALUES, external.KIND)}
