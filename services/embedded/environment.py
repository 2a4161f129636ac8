"""What each process of the embedded stack reads from its environment: its own secrets and nobody else's."""

import contextlib
import os
import socket
from dataclasses import dataclass

from services.embedded.databases import Server
from services.embedded.directory import DataDirectory
from services.embedded.names import UPSTREAMS

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Surroundings:
    """Where everything of one running stack is found. ports: by service, on the loopback interface."""

    directory: DataDirectory
    server: Server
    ports: dict[str, int]

    def url(self, service: str) -> str:
        return f"http://{HOST}:{self.ports[service]}"

    def of(self, service: str) -> dict[str, str]:
        """The environment of a service's API and worker."""
        return {**self._common(service), **(self._gateway() if service == "gateway" else self._upstream(service))}

    def of_migration(self, service: str) -> dict[str, str]:
        """The environment of a service's migration, which alone may change tables."""
        return {**self._common(service), "ACCORD_OWNER_DATABASE_URL": self.server.url(service, "owner")}

    def of_mlflow(self) -> dict[str, str]:
        """The environment of MLflow's own pages on the registry; they run no jobs."""
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "MLFLOW_BACKEND_STORE_URI": self.server.url("mlflow", "owner"),
            "MLFLOW_ARTIFACTS_DESTINATION": str(self.directory.folder("mlflow-artifacts")),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }

    def _common(self, service: str) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "ACCORD_ENVIRONMENT": "local",
            "ACCORD_DATABASE_URL": self.server.url(service),
            "ACCORD_LINGER_SECONDS": "0",  # no other process would take the calls meanwhile
        }

    def _gateway(self) -> dict[str, str]:
        credentials = self.directory.credentials
        values = {"ACCORD_BOOTSTRAP_ADMIN_KEY": credentials.api_key("admin")}
        for service in UPSTREAMS:
            prefix = f"ACCORD_{service.upper()}"
            values[f"{prefix}_URL"] = self.url(service)
            values[f"{prefix}_IDENTITY_SECRET"] = credentials.identity_secret(service)
            values[f"{prefix}_SERVICE_KEY"] = credentials.api_key(service)
        return values

    def _upstream(self, service: str) -> dict[str, str]:
        values = {
            "ACCORD_GATEWAY_URL": self.url("gateway"),
            "ACCORD_IDENTITY_SECRET": self.directory.credentials.identity_secret(service),
            "ACCORD_SERVICE_KEY": self.directory.credentials.api_key(service),
        }
        return values | self._models() if service == "forecast" else values

    def _models(self) -> dict[str, str]:
        return {
            "ACCORD_MLFLOW_TRACKING_URI": self.server.url("mlflow", "owner"),
            "ACCORD_MLFLOW_ARTIFACTS": str(self.directory.folder("mlflow-artifacts")),
            "ACCORD_MODEL_CACHE": str(self.directory.folder("model-cache")),
            "ACCORD_DATASETS": str(self.directory.folder("datasets")),
        }


def free_ports(count: int) -> list[int]:
    """Ports that no process listens on now, all different."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
