"""MLflow, as far as Accord uses it: one registered model per area, its versions, and their aliases.

Only this file imports MLflow, and only the worker imports this file. A version holds stage 1 as a native XGBoost model
(signature, input example), which anybody can open in MLflow, and beside it all files of the engine's model, from which
the version alone can forecast.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import pandas as pd
import xgboost

os.environ.update(
    {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "false",
    }
)

import mlflow
import mlflow.xgboost
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature

from services.forecast.models.artifacts import Files
from services.forecast.models.card import markdown
from services.forecast.settings import Settings
from shared.errors import NotFound, Unavailable

CHAMPION, CHALLENGER = "champion", "challenger"
FILES = "extra_files"
MODEL = "model"
PASSING = {"INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED"}


class ArtifactMissing(NotFound):
    slug, title = "artifact-missing", "MLflow does not have the model"


@dataclass(frozen=True)
class Candidate:
    """What is registered: the engine's files, and what MLflow's pages show of them.

    stage1: UBJSON of the XGBoost model. example: a few rows of its features, float64, named. scores: one dict of
    figures per backtest origin. plots: PNG by file name.
    """

    area: str
    run_name: str
    reason: str
    parameters: dict[str, Any]
    report: dict[str, Any]
    card: dict[str, Any]
    scores: list[dict[str, float]]
    figures: dict[str, float]
    tags: dict[str, str]
    files: Files
    stage1: bytes
    example: pd.DataFrame
    plots: dict[str, bytes]


@dataclass(frozen=True)
class Registered:
    version: int
    run: str


class Registry:
    """MLflow's tracking and registry at one address."""

    def __init__(self, settings: Settings) -> None:
        mlflow.set_tracking_uri(settings.mlflow_tracking_uri)
        self._artifacts = settings.mlflow_artifacts
        self._client = mlflow.MlflowClient(settings.mlflow_tracking_uri)

    def register(self, candidate: Candidate) -> Registered:
        """A new version of the area's model. One left over from an attempt that died stays in MLflow, unused."""
        with (
            _reaching(),
            mlflow.start_run(
                experiment_id=self._experiment(candidate.area),
                run_name=candidate.run_name,
                description=candidate.reason,
            ),
        ):
            mlflow.set_tags(candidate.tags)
            mlflow.log_params(candidate.parameters)
            mlflow.log_metrics(candidate.figures)
            for step, scores in enumerate(candidate.scores):
                mlflow.log_metrics(scores, step=step)
            mlflow.log_dict(candidate.report, "backtest.json")
            mlflow.log_dict(candidate.card, "card.json")
            mlflow.log_text(markdown(candidate.card), "card.md")
            folds = pd.DataFrame(candidate.scores)
            folds.insert(0, "origin", candidate.report["origins"])
            mlflow.log_text(folds.to_csv(index=False), "folds.csv")
            with tempfile.TemporaryDirectory() as directory:
                _written(candidate.plots, Path(directory))
                mlflow.log_artifacts(directory, "plots")
            return self._log(candidate)

    def _log(self, candidate: Candidate) -> Registered:
        booster = xgboost.Booster()
        booster.load_model(bytearray(candidate.stage1))
        booster.feature_names = list(candidate.example.columns)
        expected = booster.predict(xgboost.DMatrix(candidate.example)).astype("float64")
        with tempfile.TemporaryDirectory() as directory:
            info = mlflow.xgboost.log_model(
                booster,
                name=MODEL,
                registered_model_name=model_name(candidate.area),
                signature=infer_signature(candidate.example, expected),
                input_example=candidate.example,
                pip_requirements=[f"{name}=={installed(name)}" for name in ("xgboost-cpu", "numpy", "pandas")],
                extra_files=_written(candidate.files, Path(directory)),
            )
        version = int(info.registered_model_version)
        for name, value in candidate.tags.items():
            self._client.set_model_version_tag(model_name(candidate.area), str(version), name, value)
        return Registered(version, info.run_id)

    def fetch(self, area: str, version: int, target: Path) -> None:
        """Bring the engine's files of a version to `target`; ArtifactMissing where MLflow has none."""
        uri = f"models:/{model_name(area)}/{version}/{FILES}"
        with _reaching(), tempfile.TemporaryDirectory(dir=target.parent) as directory:
            Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=directory)).rename(target)

    def point(self, area: str, alias: str, version: int | None) -> None:
        """Let the alias name this version, or none."""
        with _reaching():
            if version is None:
                self._client.delete_registered_model_alias(model_name(area), alias)
            else:
                self._client.set_registered_model_alias(model_name(area), alias, str(version))

    def pointed(self, area: str, alias: str) -> int | None:
        """The version that the alias names; None where it names none."""
        with _reaching():
            aliases = self._client.get_registered_model(model_name(area)).aliases
        return int(aliases[alias]) if alias in aliases else None

    def _experiment(self, area: str) -> str:
        found = self._client.get_experiment_by_name(model_name(area))
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(model_name(area), f"{self._artifacts}/{area}"))


def model_name(area: str) -> str:
    return f"accord-{area}"


def _written(files: Mapping[str, bytes], directory: Path) -> list[str]:
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return [str(directory / name) for name in files]


@contextmanager
def _reaching() -> Iterator[None]:
    """MLflow's errors as ours: away for now (the job tries again), or without what was asked for."""
    try:
        yield
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise ArtifactMissing("MLflow no longer has this model version: promote another one.") from error
        if error.error_code in PASSING:
            raise Unavailable("MLflow cannot be reached.") from error
        raise
