"""One stream of lines from many processes, each line behind the name of its process."""

import contextlib
import itertools
from typing import TextIO

WIDTH = len("forecast-worker")
COLOURS = ("36", "33", "35", "32", "34", "31")  # ANSI, one a name, in order of appearance
RESET = "\x1b[0m"


class Log:
    """Writes lines to `out`; names are coloured where a person watches."""

    def __init__(self, out: TextIO, *, coloured: bool) -> None:
        self._out = out
        self._coloured = coloured
        self._next_colour = itertools.cycle(COLOURS)
        self._colours: dict[str, str] = {}

    def line(self, name: str, text: str) -> None:
        label = f"{name:<{WIDTH}} |"
        if self._coloured:
            colour = self._colours.setdefault(name, next(self._next_colour))
            label = f"\x1b[{colour}m{label}{RESET}"
        with contextlib.suppress(OSError):  # nobody reads any more; an orderly stop matters more than its lines
            self._out.write(f"{label} {text}\n")
            self._out.flush()
