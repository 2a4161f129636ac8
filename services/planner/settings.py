"""What the planner service reads from its environment."""

from pydantic import Field

from shared.settings import UpstreamSettings


class Settings(UpstreamSettings):
    """`upstream_seconds`: how long a plan run waits for one answer of the forecast service, its body included.

    `dask_scheduler` (tcp://host:port) is that of a cluster to plan on; it needs the extra `dask`.
    """

    upstream_seconds: float = Field(default=120, gt=0, le=3600)
    dask_scheduler: str | None = None
