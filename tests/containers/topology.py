"""docker-compose.yml without containers: each service a process in its image's files, with its image's packages.

What compose says is kept: commands, environment (and nothing else in it), health checks, order of the start. In place
of the networks each service has a loopback address of its own. Where root runs the tests, each process also has its
image's read-only file system, user and lack of capabilities (confine.sh).
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from services.embedded.credentials import Credentials, write_private
from services.embedded.databases import Server
from services.embedded.log import Log
from services.embedded.postgres import STOP_SECONDS, Postgres, answers, login, reachable, sockets
from services.embedded.supervisor import Child, Supervisor
from tests.containers.composition import Composition
from tests.containers.images import Image

CONFINE = Path(__file__).with_name("confine.sh")
VOLUMES = "/var/lib/accord"
HEALTHY_SECONDS = 120.0


@dataclass
class Topology:
    """A composition that runs below `directory`. addresses: by service."""

    composition: Composition
    image: Callable[[str], Image]
    directory: Path
    supervisor: Supervisor
    addresses: dict[str, str] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)

    def __post_init__(self) -> None:
        block = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}"
        self.addresses = {name: f"{block}.{number}" for number, name in enumerate(self.composition.services, 1)}

    def volume(self, name: str) -> Path:
        """Where a service's volume is on this machine; one without a volume has an empty directory of its own."""
        mounted = self.composition.services[name].get("volumes")
        directory = self.directory / (f"volumes/{mounted[0].partition(':')[0]}" if mounted else f"none/{name}")
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def start(self, name: str) -> None:
        """Start a service once all that it depends on is as it wants it; those are started first."""
        told = self.composition.services[name]
        for needed, how in told.get("depends_on", {}).items():
            if needed not in self.children:
                self.start(needed)
            self.supervisor.wait_until(self._condition(needed, how["condition"]), f"{needed} is", HEALTHY_SECONDS)
        if name == "postgres":
            self.children[name] = self._start_postgres()
            return
        command = [*self._entrypoint(name), *told.get("command", [])]
        finite = told.get("restart") is None
        self.children[name] = self.supervisor.start(name, *self._native(name, command), finite=finite)

    def healthy(self, name: str) -> bool:
        """The verdict of the service's own health check."""
        if name == "postgres":
            return answers(self.server)
        _, *command = self.composition.services[name]["healthcheck"]["test"]
        argv, environment = self._native(name, command)
        return subprocess.run(argv, env=environment, capture_output=True, check=False).returncode == 0

    def _condition(self, name: str, condition: str) -> Callable[[], bool]:
        if condition == "service_healthy":
            return lambda: self.healthy(name)
        return lambda: not self.children[name].running

    def _entrypoint(self, name: str) -> list[str]:
        own: list[str] | None = self.composition.services[name].get("entrypoint")
        return own or self._image(name).stage.entrypoint

    def _image(self, name: str) -> Image:
        stage = self.composition.stage(name)
        assert stage is not None
        return self.image(stage)

    def _native(self, name: str, command: list[str]) -> tuple[list[str], dict[str, str]]:
        """The command and the environment with which `command` runs here as it would in the service's container."""
        image = self._image(name)
        told = image.environment | self.composition.services[name]["environment"]
        environment = {key: self._here(name, value) for key, value in told.items()}
        words = [self._here(name, word) for word in command]
        if is_confined():
            return [*self._confinement(name, image), *words], environment
        environment = {key: value.replace(VOLUMES, str(self.volume(name))) for key, value in environment.items()}
        program = str(image.packages / "bin" / words[0])
        return [_tool("env"), f"--chdir={image.files}", program, *words[1:]], environment

    def _confinement(self, name: str, image: Image) -> list[str]:
        root = self.directory / "roots" / name
        root.mkdir(parents=True, exist_ok=True)
        places = (CONFINE, root, image.files, image.packages, sys.base_prefix, self.volume(name))
        return [_tool("unshare"), "--mount", _tool("sh"), *map(str, places), image.stage.user]

    def _here(self, name: str, text: str) -> str:
        """The text with every service's name, and every listening address, as the address that stands for it here."""
        own = re.sub(r"\b(0\.0\.0\.0|127\.0\.0\.1)\b", self.addresses[name], text)
        return re.sub(rf"\b({'|'.join(self.addresses)})(?=:\d)", lambda match: self.addresses[match[1]], own)

    @property
    def server(self) -> Server:
        """PostgreSQL, entered by its superuser, with the passwords of `.env`."""
        return login(sockets(self.directory / "postgres"), self._credentials)

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.directory / "secrets")

    def _start_postgres(self) -> Child:
        passwords = {
            f"password:{name.removeprefix('ACCORD_').removesuffix('_PASSWORD').lower()}": value
            for name, value in self.composition.secrets.items()
            if name.endswith("_PASSWORD")
        }
        write_private(self.directory / "secrets", json.dumps(passwords))
        cluster = Postgres(self.directory / "postgres", self._credentials)
        settings = {"listen_addresses": self.addresses["postgres"], "fsync": "off"}
        process = cluster.start(subprocess.PIPE, settings)
        return self.supervisor.adopt("postgres", process, signal.SIGINT, STOP_SECONDS)


def _tool(name: str) -> str:
    """Where a program of this machine is: the image's PATH does not lead there."""
    found = shutil.which(name)
    assert found is not None
    return found


@cache
def is_confined() -> bool:
    """Whether processes are confined here: by root, on a system with the tools for it."""
    tools = ("unshare", "setpriv", "chroot")
    if os.geteuid() != 0 or not all(map(shutil.which, tools)):
        return False
    probe = ["unshare", "--mount", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@contextmanager
def running(composition: Composition, image: Callable[[str], Image], directory: Path) -> Iterator[Topology]:
    """All services, started as compose starts them, until the gateway is healthy; stopped when the block ends."""
    with (directory / "log").open("w") as out, Supervisor(Log(out, coloured=False)) as supervisor:
        topology = Topology(composition, image, directory, supervisor)
        with reachable(sockets(directory / "postgres")):
            for name in composition.services:
                if name not in topology.children:
                    topology.start(name)
            supervisor.wait_until(lambda: topology.healthy("gateway"), "the gateway is", HEALTHY_SECONDS)
            yield topology
