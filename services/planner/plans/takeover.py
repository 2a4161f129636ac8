"""What a plan takes over from an earlier one: item-locations whose inputs are the same, to the last bit.

A row's numbers depend on its own inputs alone, and totals are exact sums. So a plan that computes only the rows that
differ, takes the old ones out of the earlier plan's totals and puts the new ones in, is the plan that computes all.

What is planned together depends on more than its own inputs. A plan that has any such rows takes nothing over, and
keeps no sums from which a later one could.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from uuid import UUID

import numpy as np

from services.planner.engine import plan as engine
from services.planner.engine.exact import LIMBS
from services.planner.engine.inputs import Demand, Floats, Ints, Supply
from services.planner.engine.kpis import MEASURES, Comparison, Tally
from services.planner.engine.projection import Lines
from services.planner.plans import digest, planning
from services.planner.plans.inputs import Inputs, Orders
from services.planner.plans.planning import THREADS, Alone, Coupled, Together

type Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """What is known of an item-location of an earlier plan; without `output` it was to be mended."""

    origin: UUID
    input: bytes | None
    output: bytes | None


@dataclass(frozen=True)
class Earlier:
    """The plan that rows are taken over from, if it kept its sums.

    cost: expected, purchase aside. inputs: what was packed of some of its keys. demand: of some keys, as it was with
    their orders and recent demand.
    """

    plan: UUID
    rows: dict[Key, Row]
    cost: float
    tallies: engine.Tallies | None
    inputs: Callable[[Sequence[Key]], list[bytes]]
    demand: Callable[[Sequence[Key], Orders, Floats], Demand]


@dataclass(frozen=True)
class Planned:
    """A plan of all rows of the inputs, of which `fresh` were computed: `alone` and `together` have those.

    loading: those planned by themselves that may load a resource. tallies: None where there is nothing to plan.
    inputs, outputs: digests [n]. faults: those of item-locations that are not planned. same: the earlier plan's rows
    that hold for this one as well, those to be mended included.
    """

    fresh: Ints
    alone: Alone | None
    together: Together | None
    loading: Alone | None
    tallies: engine.Tallies | None
    inputs: list[bytes]
    outputs: list[bytes]
    faults: dict[Key, bytes]
    same: set[Key]

    def comparison(self, periods: int) -> Comparison | None:
        return engine.comparison(self.tallies, periods) if self.tallies else None

    def measures(self, known: Inputs) -> dict[str, Floats]:
        """What the lines of `fresh` [m] hold, by name: [m, T] each."""
        alone, together = self.alone, self.together
        found = {field.name: _put(alone, together, field.name) for field in fields(Lines)}
        orders = known.orders.rows(self.fresh).total
        dependent = np.zeros(orders.shape)
        if together is not None:
            dependent[together.web.rows] = together.projection.dependent
        net = known.demand.mean[self.fresh] - orders
        return found | {"dependent_demand": dependent, "open_orders": orders, "net_forecast": net}


def plan(known: Inputs, earlier: Earlier | None, paths: int, beat: Callable[[int, int], None]) -> Planned:
    """Plan all rows, those alone anew that the earlier plan does not have as they are."""
    keys: list[Key] = known.terms.index.tolist()
    inputs = input_digests(known, paths)
    unplanned = known.faults.keys() - set(keys)
    faults = {key: digest.fault(found) for key, found in known.faults.items() if key in unplanned}
    every = np.arange(len(keys))
    coupled = planning.coupled(known, paths) if len(keys) else Coupled(None, None)
    if coupled.web is not None and coupled.candidates is not None:
        whole = planning.whole(known, coupled.candidates, coupled.web, paths, beat)
        outputs = _outputs(whole.alone, whole.together)
        return Planned(
            every, whole.alone, whole.together, whole.alone, whole.tallies, inputs, outputs, faults, same=set()
        )
    if earlier is not None and earlier.tallies is None:
        earlier = None
    before = {} if earlier is None else earlier.rows
    same = {key for key, given in zip(keys, inputs, strict=True) if _same(before.get(key), given, planned=True)}
    same |= {key for key, given in faults.items() if _same(before.get(key), given, planned=False)}
    fresh = np.array([row for row, key in enumerate(keys) if key not in same], dtype=np.int64)
    gone = [key for key, row in before.items() if row.output is not None and key not in same]
    taken = _taken(known, earlier, gone) if earlier and len(fresh) + len(gone) < len(keys) else None
    if earlier is None or taken is None:
        computed = _every(known, coupled.candidates, paths, beat)
        tallies = computed.plan.tallies if computed else None
        outputs, mine = _outputs(computed, None), computed.of_these(fresh) if computed else None
    else:
        computed = mine = _computed(known, fresh, paths, beat)
        assert earlier.tallies is not None  # noqa: S101  as above
        tallies = _patched(earlier.tallies, *taken, computed.plan if computed else None, paths)
        renewed = iter(_outputs(computed, None))
        outputs = [before[key].output or b"" if key in same else next(renewed) for key in keys]
    return Planned(fresh, mine, None, coupled.candidates, tallies, inputs, outputs, faults, same)


def input_digests(known: Inputs, paths: int) -> list[bytes]:
    """[n] of everything that a row's numbers and what is to be mended of it depend on."""
    demand, orders = known.demand, known.orders
    context = digest.digest({"paths": paths, "code": digest.code_version()}, demand.levels).encode()
    told = (demand.grid, demand.mean, demand.rho, demand.seeds, demand.recent, orders)
    faults = [digest.fault(known.faults.get(key, ())) for key in known.terms.index]
    return digest.rows(context, known.supply, *told, np.array(faults, dtype="S32"))


def packed(known: Inputs, rows: Ints) -> list[bytes]:
    """Supply, orders and recent demand of each of `rows`, from which `_taken` can plan it again."""
    if not len(rows):
        return []
    columns = [getattr(known.supply, field.name)[rows].reshape(len(rows), -1) for field in fields(Supply)]
    orders = known.orders.rows(rows)
    told = (orders.due, orders.overdue[:, None], known.demand.recent[rows])
    return [row.tobytes() for row in np.hstack([*columns, *told]).astype(np.float64)]


def _same(row: Row | None, given: bytes, *, planned: bool) -> bool:
    return row is not None and (row.output is not None) == planned and row.input == given


def _outputs(alone: Alone | None, together: Together | None) -> list[bytes]:
    """Digests of what came out, in the order of the rows; of what is planned together, of all its quantities too."""
    found: dict[int, bytes] = {}
    if alone is not None:
        found |= zip(alone.rows.tolist(), digest.rows(b"", alone.plan.orders, alone.plan.lines), strict=True)
    if together is not None:
        context = digest.digest({}, together.plan.quantities).encode()
        found |= zip(together.web.rows.tolist(), digest.rows(context, together.projection.lines), strict=True)
    return [found[row] for row in sorted(found)]


def _put(alone: Alone | None, together: Together | None, name: str) -> Floats:
    """One of the lines' arrays, in the order of the rows."""
    parts = [(alone.rows, getattr(alone.plan.lines, name))] if alone else []
    parts += [(together.web.rows, getattr(together.projection.lines, name))] if together else []
    if len(parts) == 1:
        return np.asarray(parts[0][1])
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    return np.concatenate([values for _, values in parts])[order]


def _computed(known: Inputs, rows: Ints, paths: int, beat: Callable[[int, int], None]) -> Alone | None:
    """The engine's plan of some rows, each by itself; None where there are none."""
    if not len(rows):
        return None
    beat(0, len(rows))
    return Alone.of(known, rows, paths, lambda done: beat(done, len(rows)))


def _every(known: Inputs, done: Alone | None, paths: int, beat: Callable[[int, int], None]) -> Alone | None:
    """All rows, each by itself, of which some are `done`."""
    every = np.arange(len(known.terms))
    if done is None:
        return _computed(known, every, paths, beat)
    rest = _computed(known, np.setdiff1d(every, done.rows), paths, beat)
    return done.beside(rest) if rest else done


def _part(known: Inputs, rows: Ints) -> tuple[Supply, Demand]:
    return known.supply.rows(rows), known.demand.rows(rows)


def _taken(known: Inputs, earlier: Earlier, gone: Sequence[Key]) -> tuple[Supply, Demand] | None:
    """What the earlier plan's rows that do not hold any more were planned with; None where that is not known."""
    if not gone:
        return _part(known, np.zeros(0, dtype=np.int64))
    widths = [int(np.prod(getattr(known.supply, field.name).shape[1:], dtype=int)) for field in fields(Supply)]
    packs = earlier.inputs(gone)
    widths += [known.orders.due.shape[1], 1]
    length = 8 * (sum(widths) + known.demand.recent.shape[1])
    if any(len(pack) != length for pack in packs):
        return None
    matrix = np.frombuffer(b"".join(packs)).reshape(len(gone), length // 8)
    parts = np.split(matrix, np.cumsum(widths), axis=1)
    values = {}
    for field, part in zip(fields(Supply), parts, strict=False):
        like = getattr(known.supply, field.name)
        values[field.name] = part.astype(like.dtype).reshape(len(gone), *like.shape[1:])
    due, overdue, recent = parts[-3:]
    return Supply(**values), earlier.demand(gone, Orders(due, overdue[:, 0]), recent)


def _patched(
    tallies: engine.Tallies, supply: Supply, demand: Demand, computed: engine.Plan | None, paths: int
) -> engine.Tallies:
    old = engine.plan(supply, demand, paths=paths, threads=THREADS).tallies if len(supply.on_hand) else None
    left = tallies if old is None else _zipped(tallies, old, lambda one, other: one - other)
    return left if computed is None else _zipped(left, computed.tallies, lambda one, other: one + other)


def _zipped(left: engine.Tallies, right: engine.Tallies, join: Callable[[Tally, Tally], Tally]) -> engine.Tallies:
    first, second, third = (join(one, other) for one, other in zip(left, right, strict=True))
    return first, second, third


def to_bytes(tallies: engine.Tallies) -> bytes:
    """Tallies as they are stored: how many cells, then every sum's limbs."""
    sums = [getattr(tally, name) for tally in tallies for name in MEASURES]
    return np.concatenate([[float(tallies[0].cells)], np.stack(sums).ravel()]).tobytes()


def from_bytes(content: bytes) -> engine.Tallies | None:
    """The tallies; None of a release that kept other sums."""
    numbers = np.frombuffer(content)
    if (len(numbers) - 1) % (3 * len(MEASURES) * LIMBS):
        return None
    sums = numbers[1:].reshape(3, len(MEASURES), LIMBS, -1)
    first, second, third = (Tally(**dict(zip(MEASURES, part, strict=True)), cells=int(numbers[0])) for part in sums)
    return first, second, third
