"""What the forecast service reads from its environment."""

from pathlib import Path

from pydantic import Field

from shared.settings import UpstreamSettings


class Settings(UpstreamSettings):
    """`mlflow_artifacts` is a directory or a URI that MLflow knows.

    `datasets` is one that the worker writes and the API process reads. A dataset is kept for `dataset_retention_days`
    after a run last read it. `dask_scheduler` (tcp://host:port) is that of a cluster to forecast on; it needs the extra
    `dask` in the worker, and workers with the same code.
    """

    mlflow_tracking_uri: str
    mlflow_artifacts: str
    model_cache: Path
    datasets: Path
    dask_scheduler: str | None = None
    dataset_retention_days: int = Field(default=400, ge=1, le=36_500)
