"""Whether it makes sense to call a process that has failed again and again: a circuit breaker (Nygard, Release It!)."""

from collections.abc import Iterator
from contextlib import contextmanager

from purgatory.domain.model import HALF_OPENED, Context, OpenedState


class Circuit:
    """Closed, calls pass. After `failures` in a row it is open for `seconds`, and none does; then one, as a probe.

    The probe's answer closes it, its failure opens it anew. purgatory keeps the state; it would let all calls probe.
    """

    def __init__(self, name: str, failures: int, seconds: float) -> None:
        self._context = Context(name, failures, seconds)
        self._probing = False

    @property
    def passes(self) -> bool:
        """Whether a call may go out now."""
        try:
            self._context.handle_new_request()
        except OpenedState:
            return False
        finally:
            self._context.messages.clear()  # events for purgatory's stores, which are not used
        return not (self._context.state == HALF_OPENED and self._probing)

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call that passes; it says itself how it goes (`answered`, `failed`), or nothing where its caller left."""
        probe = self._context.state == HALF_OPENED
        self._probing = self._probing or probe
        try:
            yield
        finally:
            if probe:
                self._probing = False

    def answered(self) -> None:
        self._context.handle_end_request()
        self._context.messages.clear()

    def failed(self, error: Exception) -> None:
        self._context.handle_exception(error)
        self._context.messages.clear()
