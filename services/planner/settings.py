"""What the planner service reads from its environment."""

from pydantic import Field

from shared.settings import UpstreamSettings


class Settings(UpstreamSettings):
    """`upstream_seconds`: how long a plan run waits for one answer of the forecast service, its body included."""

    upstream_seconds: float = Field(default=120, gt=0, le=3600)
