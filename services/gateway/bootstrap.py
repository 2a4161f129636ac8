"""The principals that every installation has, and the keys that its environment names for them."""

from pydantic import SecretStr

from services.gateway.access import Role
from services.gateway.database import Database
from services.gateway.keys import service as keys
from services.gateway.keys.credential import Credential
from services.gateway.principals import service as principals
from services.gateway.settings import GatewaySettings


async def install(database: Database, settings: GatewaySettings) -> None:
    """Bring the administrator and the two services in. Another key in the environment ends the earlier one."""
    installed: tuple[tuple[str, Role, SecretStr], ...] = (
        ("administrator", "admin", settings.bootstrap_admin_key),
        ("forecast service", "service", settings.forecast_service_key),
        ("planner service", "service", settings.planner_service_key),
    )
    async with database.write() as session:
        for name, role, secret in installed:
            key = Credential.parse(secret.get_secret_value())
            assert key is not None  # noqa: S101  settings hold well-formed keys only
            await keys.install(session, await principals.install(session, name, role), key)
