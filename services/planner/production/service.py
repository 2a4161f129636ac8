"""What the ERP tells of how goods are made: the tables that it keeps."""

from services.planner.production.schemas import (
    ProcessComponentIn,
    ProcessIn,
    ProcessLoadIn,
    ResourceCapacityIn,
    ResourceIn,
)
from services.planner.production.tables import (
    Process,
    ProcessComponent,
    ProcessLoad,
    Resource,
    ResourceCapacity,
)
from services.planner.supply.service import kind

PROCESSES = kind("processes", ProcessIn, Process, "process")
COMPONENTS = kind("process-components", ProcessComponentIn, ProcessComponent, "process", "component")
LOADS = kind("process-loads", ProcessLoadIn, ProcessLoad, "process", "resource")
RESOURCES = kind("resources", ResourceIn, Resource, "resource")
CAPACITY = kind("resource-capacity", ResourceCapacityIn, ResourceCapacity, "resource", "day")
KINDS = {kind.name: kind for kind in (PROCESSES, COMPONENTS, LOADS, RESOURCES, CAPACITY)}
