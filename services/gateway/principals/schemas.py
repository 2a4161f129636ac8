import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from services.gateway.access import Role
from services.gateway.principals.tables import Kind
from shared.schemas import Code, Key, Schema

MOST_ROLES = 1000

Everywhere = Annotated[str, StringConstraints(strict=True, pattern=r"^\*$")]


class Grant(Schema):
    """One role in one area, or in every area: `*`."""

    area: Key | Everywhere
    role: Role


class PrincipalIn(Schema):
    """A person or a system. Names are unique; use an opaque id for a person, it goes into records that stay."""

    name: Code
    kind: Kind
    roles: Annotated[list[Grant], Field(max_length=MOST_ROLES, default_factory=list)]


class RolesIn(Schema):
    """All roles of a principal: what is not in it is taken away."""

    roles: Annotated[list[Grant], Field(max_length=MOST_ROLES)]


class PrincipalOut(Schema):
    id: UUID
    name: str
    kind: Kind
    created_at: datetime.datetime
    roles: list[Grant]


class MeOut(Schema):
    """Who the gateway takes you for."""

    id: UUID
    name: str
    on_behalf_of: str | None
    roles: list[Grant]
