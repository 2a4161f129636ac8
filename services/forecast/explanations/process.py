"""The API process's side of the process that explains: begun when first asked, anew when it is gone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from multiprocessing.connection import Connection, Pipe
from threading import BoundedSemaphore, Lock

from services.forecast.datasets.blocks import DatasetGone
from services.forecast.explanations.exchange import Answer, Question
from services.forecast.explanations.problems import ModelAway, TooManyExplanations
from services.forecast.models.artifacts import ArtifactCorrupt
from services.forecast.overlays.problems import OverlaysTooLarge
from services.forecast.settings import Settings
from shared.errors import Problem, Unavailable

MODULE = "services.forecast.explanations"
MOST_ASKING = 8  # each holds a thread of the API process
TURN_SECONDS, LONGEST_SECONDS = 8, 20  # together below what the gateway lets a service stand still
LOST_SECONDS = 60  # after which a question is not waited for any longer, by nobody
TOLD = (DatasetGone, ModelAway, ArtifactCorrupt, OverlaysTooLarge)
PROBLEMS: dict[str, type[Problem]] = {one.slug: one for one in TOLD}


class ExplainingProcess:
    """Asks one question at a time. Whoever comes while as many wait as may is told to come again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = BoundedSemaphore(MOST_ASKING)
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._asked: float | None = None  # when the question was put that is not answered yet

    def ask(self, question: Question) -> Answer:
        """Raises DatasetGone, ModelAway, ArtifactCorrupt, OverlaysTooLarge, TooManyExplanations, Unavailable."""
        content = json.dumps(asdict(question)).encode()
        with self._place():
            try:
                reply = json.loads(self._exchange(content))
            except (EOFError, OSError):  # it had ended: nobody had asked for a while, or it was killed
                self.stop()
                reply = self._again(content)
        if "problem" in reply:
            raise PROBLEMS.get(reply["problem"], Problem)(reply["detail"])
        return Answer.of(reply["answer"])

    def stop(self) -> None:
        """End the process, if there is one."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = self._asked = None

    def _again(self, content: bytes) -> dict[str, object]:
        try:
            found: dict[str, object] = json.loads(self._exchange(content))
        except (EOFError, OSError):
            self.stop()
            raise Unavailable("The process that explains ended before it answered; try again.") from None
        return found

    def _exchange(self, content: bytes) -> bytes:
        """Ask once an earlier question, whose asker has left, is answered: what was read for it serves the next."""
        pipe, until = self._pipe or self._start(), time.monotonic() + LONGEST_SECONDS
        if self._asked is not None:
            self._reply(pipe, until)
        pipe.send_bytes(content)
        self._asked = time.monotonic()
        return self._reply(pipe, until)

    def _reply(self, pipe: Connection, until: float) -> bytes:
        if not pipe.poll(max(0, until - time.monotonic())):
            if self._asked is not None and time.monotonic() - self._asked > LOST_SECONDS:
                self.stop()
            raise Unavailable(f"The explanation takes longer than {LONGEST_SECONDS} seconds; try again.")
        self._asked = None
        return pipe.recv_bytes()

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        wish = {
            "--descriptor": theirs.fileno(),
            "--datasets": self._settings.datasets,
            "--models": self._settings.model_cache,
        }
        command = [sys.executable, "-m", MODULE, *(str(part) for pair in wish.items() for part in pair)]
        environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)  # noqa: S603
        theirs.close()
        self._pipe = ours
        return ours

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise TooManyExplanations("As many explanations are asked for as this process takes; try again.")
        try:
            if not self._turn.acquire(timeout=TURN_SECONDS):
                raise TooManyExplanations("Others that were asked for before take their time; try again.")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._places.release()
