"""What every service reads from its environment (prefix `ACCORD_`), once, when its application is built."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Secret = Annotated[SecretStr, Field(min_length=32)]


class ServiceSettings(BaseSettings):
    """Common to all services: where the database is and in which surroundings the process runs."""

    model_config = SettingsConfigDict(env_prefix="ACCORD_", frozen=True, extra="ignore")

    environment: Literal["local", "production"] = "local"
    database_url: str
    pool_size: int = Field(default=10, ge=1, le=100)


class MigrationSettings(BaseSettings):
    """For `migrate`: the role that owns the tables. The running service never holds it."""

    model_config = SettingsConfigDict(env_prefix="ACCORD_", frozen=True, extra="ignore")

    owner_database_url: str


class ServingSettings(BaseSettings):
    """For `serve`. `linger_seconds`: how long a process that is told to end goes on taking calls, called not ready.

    It should exceed the interval at which whatever stands in front asks whether the process is ready.
    """

    model_config = SettingsConfigDict(env_prefix="ACCORD_", frozen=True, extra="ignore")

    linger_seconds: float = Field(default=2, ge=0, le=300)


class UpstreamSettings(ServiceSettings):
    """For the services behind the gateway: whom they trust, how their jobs call back, and when a worker counts as dead.

    `lease_seconds`: of silence. Shorter, a run is taken over sooner, but also from a worker that only stood still.
    """

    identity_secret: Secret
    gateway_url: str
    service_key: Secret
    lease_seconds: float = Field(default=30, ge=3, le=3600)
