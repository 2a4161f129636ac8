from fastapi import Response

from services.gateway.areas import service
from services.gateway.areas.schemas import AreaIn, AreaOut, AreaPatch
from services.gateway.areas.tables import AreaRow
from services.gateway.auth import Admitted
from services.gateway.database import Read, Write
from services.gateway.once import SealedRoute
from shared import app, etag
from shared.app import problems
from shared.errors import NotFound
from shared.etag import IfMatch
from shared.paging import Page, Paging
from shared.schemas import Key

router = app.router(route_class=SealedRoute, prefix="/v1/areas", tags=["Areas"])


@router.get("", operation_id="list_areas", responses=problems())
async def areas(who: Admitted, asked: Paging, session: Read) -> Page[AreaOut]:
    """The areas in which you have a role."""
    rows, cursor = await service.listed(session, who.grants, asked)
    return Page[AreaOut](items=[AreaOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.post("", status_code=201, operation_id="create_area", responses=problems(409))
async def create(body: AreaIn, session: Write, response: Response) -> AreaOut:
    """Create a planning area. Frequency, currency, time zone and week start can never be changed."""
    row = await service.create(session, body)
    response.headers["Location"] = f"/v1/areas/{row.area}"
    return _shown(row, response)


@router.get("/{area}", operation_id="get_area", responses=problems())
async def area(area: Key, session: Read, response: Response) -> AreaOut:
    """One area. Its ETag is what PATCH takes as If-Match."""
    row = await service.find(session, area)
    if row is None:
        raise NotFound("There is no such area.")
    return _shown(row, response)


@router.patch("/{area}", operation_id="change_area", responses=problems(412, 428))
async def change(area: Key, body: AreaPatch, version: IfMatch, session: Write, response: Response) -> AreaOut:
    """Change lengths and default costs of an area; runs that were started before keep what they started with."""
    return _shown(await service.change(session, area, version, body), response)


def _shown(row: AreaRow, response: Response) -> AreaOut:
    response.headers["ETag"] = etag.of(row.version)
    return AreaOut.model_validate(row)
