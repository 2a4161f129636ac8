"""How goods are made, over HTTP: processes with bills of materials and routings, resources and their capacity."""

from typing import Annotated

from fastapi import Query

from services.planner.production import service
from services.planner.production.schemas import (
    ProcessComponentIn,
    ProcessComponentOut,
    ProcessIn,
    ProcessLoadIn,
    ProcessLoadOut,
    ProcessOut,
    ResourceCapacityIn,
    ResourceCapacityOut,
    ResourceIn,
    ResourceOut,
)
from services.planner.production.tables import (
    Process,
    ProcessComponent,
    ProcessLoad,
    Resource,
    ResourceCapacity,
)
from services.planner.supply.service import remove, rows_of
from shared import app
from shared.app import problems
from shared.db import Read, Write
from shared.imports.kinds import Counts
from shared.imports.routes import RESPONSES, accepts
from shared.imports.schemas import ImportOut
from shared.imports.service import Received
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Code, Date

router = app.router(tags=["Supply"])
ByCode = Annotated[Code | None, Query()]
TheCode = Annotated[Code, Query()]


@router.put(
    "/supply/processes",
    operation_id="put_processes",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(ProcessIn),
)
def put_processes(received: Received) -> Counts | ImportOut:
    """Store processes: what each makes, and how much of it comes out good; more than 1,000 become an import."""
    return received.take(service.PROCESSES)


@router.get("/supply/processes", operation_id="list_processes", responses=problems())
def list_processes(
    who: Caller, session: Read, asked: Paging, process: ByCode = None, item: ByCode = None, location: ByCode = None
) -> Page[ProcessOut]:
    """List processes."""
    rows = rows_of(Process, who, process=process, item=item, location=location)
    found, cursor = page(session, rows, (Process.process,), asked)
    return Page(items=[ProcessOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/supply/processes", operation_id="delete_process", status_code=204, responses=problems())
def delete_process(who: Caller, session: Write, process: TheCode) -> None:
    """Remove a process."""
    remove(session, Process, who, process=process)


@router.put(
    "/supply/process-components",
    operation_id="put_process_components",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(ProcessComponentIn),
)
def put_process_components(received: Received) -> Counts | ImportOut:
    """Store what processes take of other items: bills of materials, a line each; more than 1,000 become an import."""
    return received.take(service.COMPONENTS)


@router.get("/supply/process-components", operation_id="list_process_components", responses=problems())
def list_process_components(
    who: Caller, session: Read, asked: Paging, process: ByCode = None, component: ByCode = None
) -> Page[ProcessComponentOut]:
    """List lines of bills of materials."""
    rows = rows_of(ProcessComponent, who, process=process, component=component)
    found, cursor = page(session, rows, (ProcessComponent.process, ProcessComponent.component), asked)
    return Page(items=[ProcessComponentOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete(
    "/supply/process-components", operation_id="delete_process_component", status_code=204, responses=problems()
)
def delete_process_component(who: Caller, session: Write, process: TheCode, component: TheCode) -> None:
    """Remove a line of a bill of materials."""
    remove(session, ProcessComponent, who, process=process, component=component)


@router.put(
    "/supply/process-loads",
    operation_id="put_process_loads",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(ProcessLoadIn),
)
def put_process_loads(received: Received) -> Counts | ImportOut:
    """Store what processes take of resources: routings, an operation each; more than 1,000 become an import."""
    return received.take(service.LOADS)


@router.get("/supply/process-loads", operation_id="list_process_loads", responses=problems())
def list_process_loads(
    who: Caller, session: Read, asked: Paging, process: ByCode = None, resource: ByCode = None
) -> Page[ProcessLoadOut]:
    """List operations of routings."""
    rows = rows_of(ProcessLoad, who, process=process, resource=resource)
    found, cursor = page(session, rows, (ProcessLoad.process, ProcessLoad.resource), asked)
    return Page(items=[ProcessLoadOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/supply/process-loads", operation_id="delete_process_load", status_code=204, responses=problems())
def delete_process_load(who: Caller, session: Write, process: TheCode, resource: TheCode) -> None:
    """Remove an operation of a routing."""
    remove(session, ProcessLoad, who, process=process, resource=resource)


@router.put(
    "/supply/resources",
    operation_id="put_resources",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(ResourceIn),
)
def put_resources(received: Received) -> Counts | ImportOut:
    """Store resources and their usual hours per period; more than 1,000 become an import."""
    return received.take(service.RESOURCES)


@router.get("/supply/resources", operation_id="list_resources", responses=problems())
def list_resources(who: Caller, session: Read, asked: Paging, resource: ByCode = None) -> Page[ResourceOut]:
    """List resources."""
    rows = rows_of(Resource, who, resource=resource)
    found, cursor = page(session, rows, (Resource.resource,), asked)
    return Page(items=[ResourceOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete("/supply/resources", operation_id="delete_resource", status_code=204, responses=problems())
def delete_resource(who: Caller, session: Write, resource: TheCode) -> None:
    """Remove a resource."""
    remove(session, Resource, who, resource=resource)


@router.put(
    "/supply/resource-capacity",
    operation_id="put_resource_capacity",
    response_model=None,
    responses=RESPONSES,
    openapi_extra=accepts(ResourceCapacityIn),
)
def put_resource_capacity(received: Received) -> Counts | ImportOut:
    """Store hours of resources by day, where they are not the usual ones; more than 1,000 become an import."""
    return received.take(service.CAPACITY)


@router.get("/supply/resource-capacity", operation_id="list_resource_capacity", responses=problems())
def list_resource_capacity(
    who: Caller, session: Read, asked: Paging, resource: ByCode = None
) -> Page[ResourceCapacityOut]:
    """List hours of resources by day."""
    rows = rows_of(ResourceCapacity, who, resource=resource)
    found, cursor = page(session, rows, (ResourceCapacity.resource, ResourceCapacity.day), asked)
    return Page(items=[ResourceCapacityOut.model_validate(row) for row in found], next_cursor=cursor)


@router.delete(
    "/supply/resource-capacity", operation_id="delete_resource_capacity", status_code=204, responses=problems()
)
def delete_resource_capacity(who: Caller, session: Write, resource: TheCode, day: Annotated[Date, Query()]) -> None:
    """Remove a day's hours of a resource."""
    remove(session, ResourceCapacity, who, resource=resource, day=day)
