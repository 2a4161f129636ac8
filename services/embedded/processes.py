"""What a child process needs so that it does not outlive the one that started it."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def tie_to_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` after which the kernel sends `death_signal` when the parent dies, even by SIGKILL.

    Linux only; elsewhere None. What counts is the *thread* that starts the child: start it from the main one.
    Source: prctl(2), PR_SET_PDEATHSIG.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # loaded here: after fork only the call is left to do
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the call
            os._exit(1)

    return tie
