"""How long events, and the attempts to deliver them, are kept."""

from sqlalchemy import delete, func

from services.gateway.database import Database
from services.gateway.events.tables import EventRow
from services.gateway.webhooks.tables import Delivery

FORGET_SECONDS = 1800


async def forget(database: Database, days: float) -> None:
    """Delete what is older than so many days; sequences go on."""
    old = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, days * 86_400)
    async with database.write() as session:
        for row in (EventRow, Delivery):
            await session.execute(delete(row).where(row.at < old))
