"""What the forecast service reads from its environment."""

from pathlib import Path

from shared.settings import UpstreamSettings


class Settings(UpstreamSettings):
    """`mlflow_artifacts` is a directory or a URI that MLflow knows; the other two are directories of the worker."""

    mlflow_tracking_uri: str
    mlflow_artifacts: str
    model_cache: Path
    datasets: Path
