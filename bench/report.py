"""How every bench ends: figures, the goals they are held to, and the machine that they were measured on."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

GIB = 2**30


@dataclass(frozen=True)
class Goal:
    """A figure must be `at_most` or `at_least` the bound."""

    figure: str
    sense: Literal["at_most", "at_least"]
    bound: float

    def met(self, figures: Mapping[str, Any]) -> bool:
        value = figures[self.figure]
        return bool(value <= self.bound if self.sense == "at_most" else value >= self.bound)


def report(figures: Mapping[str, Any], goals: Sequence[Goal]) -> int:
    """Print `{figures, goals, machine}` and give the exit status: 1 when a goal is missed.

    figures: what was measured by name, with the unit in the name; medians where a run was repeated.
    """
    judged = {goal.figure: {goal.sense: goal.bound, "met": goal.met(figures)} for goal in goals}
    print(json.dumps({"figures": dict(figures), "goals": judged, "machine": machine()}, indent=2))
    return 0 if all(goal["met"] for goal in judged.values()) else 1


def machine() -> dict[str, Any]:
    """Where the figures come from; `load` above the number of cores means that others were at work."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
