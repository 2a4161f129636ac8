"""Which supply serves which demand of an item-location, by priority and then by date."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

SLACK = 1e-9  # relative: less is rounding

type SupplyKind = Literal["stock", "scheduled_receipt", "planned_receipt"]
type DemandKind = Literal["open_order", "dependent_demand", "forecast"]


@dataclass(frozen=True)
class Supply:
    """Units that are there from the start of a bucket on; -1: from the beginning."""

    kind: SupplyKind
    bucket: int
    quantity: float


@dataclass(frozen=True)
class Demand:
    """Units that are wanted in a bucket. A lower `priority` number comes first, and what has none comes last."""

    kind: DemandKind
    bucket: int
    quantity: float
    priority: int | None = None
    reference: str | None = None
    customer: str | None = None


@dataclass(frozen=True)
class Peg:
    """Some of a demand and the supply that serves it, None where nothing does."""

    demand: Demand
    supply: Supply | None
    quantity: float


def peg(supplies: Iterable[Supply], demands: Iterable[Demand], *, waits: bool) -> Iterator[Peg]:
    """Serve demands by priority, then date; each takes the latest supply that is still in time.

    So what is there sooner is left for what is wanted sooner. Where demand `waits`, what no supply is in time for takes
    the next one that comes; else, and beyond the last one, it is not served.
    """
    stock = sorted((one for one in supplies if one.quantity > 0), key=lambda one: one.bucket)
    left = _Left(stock)
    starts = [one.bucket for one in stock]
    for demand in sorted(demands, key=_turn):
        wanted, slack = demand.quantity, SLACK * demand.quantity
        in_time = bisect_right(starts, demand.bucket) - 1
        for place in left.each(in_time, waits=waits):
            if wanted <= slack:
                break
            taken = left.take(place, wanted)
            wanted -= taken
            yield Peg(demand, stock[place], taken)
        if wanted > slack:
            yield Peg(demand, None, wanted)


def _turn(demand: Demand) -> tuple[bool, int, int, str, str]:
    none = demand.priority is None
    return none, demand.priority or 0, demand.bucket, demand.kind, demand.reference or ""


class _Left:
    """What is left of each supply; those that are used up are passed over."""

    def __init__(self, stock: Sequence[Supply]) -> None:
        self._quantity = [one.quantity for one in stock]
        self._sooner = list(range(-1, len(stock) - 1))  # the supply before each that may have something left

    def each(self, place: int, *, waits: bool) -> Iterator[int]:
        """Places of supplies with something left: from `place` back, and then, if demand waits, those after it."""
        at = self._last(place)
        while at >= 0:
            yield at
            at = self._last(at)
        if waits:
            yield from (later for later in range(place + 1, len(self._quantity)) if self._quantity[later] > 0)

    def take(self, place: int, wanted: float) -> float:
        taken = min(wanted, self._quantity[place])
        self._quantity[place] -= taken
        return taken

    def _last(self, place: int) -> int:
        """The last supply at or before `place` with something left, -1 for none."""
        passed = []
        while place >= 0 and self._quantity[place] <= 0:
            passed.append(place)
            place = self._sooner[place]
        for one in passed:
            self._sooner[one] = place
        return place
