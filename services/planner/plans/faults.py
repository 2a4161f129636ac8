"""What keeps an item-location or a sourcing rule out of the plan, and which row is to be mended."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from services.planner.engine.inputs import Bools
from services.planner.plans.forecast import Forecast
from services.planner.plans.snapshot import Snapshot
from services.planner.plans.structure import KEY, Structure
from services.planner.plans.terms import terms
from services.planner.recommendations.content_schemas import FaultOut, RecordOut
from services.planner.scenarios import deltas
from services.planner.scenarios.schemas import Delta
from shared.principal import Area

type Key = tuple[str, str]
type Faults = dict[Key, list[FaultOut]]
type OptionFaults = list[tuple[int, FaultOut]]

RULES, PROCESSES = "supply/sourcing-rules", "supply/processes"
STRANGE = (
    "Stock, a sourcing rule or an order is known, but the forecast does not cover this item and location: load its "
    "demand and forecast anew, or take back what was told of it."
)


@dataclass(frozen=True)
class Examined:
    """What is left once faulty data are set aside."""

    terms: pd.DataFrame  # [n] as of `terms`, rows as the forecast's
    usable: Bools  # [m] options that can be planned with
    planned: Bools  # [n] item-locations that can be planned
    faults: Faults


def examine(
    forecast: Forecast,
    snapshot: Snapshot,
    items: pd.DataFrame,
    area: Area,
    structure: Structure,
    wrong: OptionFaults,
    changes: Sequence[Delta] = (),
) -> Examined:
    """Set aside options that are `wrong` and item-locations that have none left or lack data.

    What an option takes from must itself be planned, so one fault may lead to others; each names its own cause. An
    item-location with a faulty rule beside a good one is planned.
    """
    found: Faults = defaultdict(list)
    usable = np.ones(len(structure.options), dtype=bool)
    for option, fault in wrong:
        usable[option] = False
        _add(found, structure, option, fault)
    while True:
        frame = deltas.on_terms(terms(forecast, snapshot, items, area, structure.options, usable), changes)
        checks = list(_checks(frame, structure, len(forecast.buckets)))
        planned = (frame["option"] >= 0).to_numpy() & ~np.any([check.holds for check in checks], axis=0)
        broken = _broken(structure, forecast.keys, planned, usable)
        if not broken:
            break
        for option, fault in broken:
            usable[option] = False
            _add(found, structure, option, fault)
    for check in checks:
        for item, location in forecast.keys[check.holds]:
            _append(found[item, location], check.fault(item, location))
    for item, location in set(_strangers(forecast, snapshot)) - found.keys():
        fault = _fault("not-in-forecast", STRANGE, "demand", {"item": item, "location": location})
        found[item, location].append(fault)
    return Examined(frame, usable, planned, dict(sorted(found.items())))


def option_faults(structure: Structure, snapshot: Snapshot, units: Mapping[str, str]) -> OptionFaults:
    """Options that do not hold by themselves, and why. units: of items, where they are known."""
    return list(_option_faults(structure, snapshot, units))


def _option_faults(
    structure: Structure, snapshot: Snapshot, units: Mapping[str, str]
) -> Iterator[tuple[int, FaultOut]]:
    """An area that tells of no process at all plans what it makes as if it bought it: its sources are only names."""
    wrong = _process_faults(structure, snapshot, units)
    names = (snapshot.processes[name] for name in ("process", *KEY))
    outputs = {process: (item, location) for process, item, location in zip(*names, strict=True)}
    stocked = set(zip(snapshot.stock["item"], snapshot.stock["location"], strict=True))
    frame = structure.options.frame
    yield from _taken_faults(structure)
    others = frame[frame["mode"] != "buy"][[*KEY, "mode", "source"]]
    for option, item, location, mode, source in others.itertuples():
        rule = {"item": item, "location": location, "mode": mode, "source": source}
        if mode == "transfer":
            if (item, source) not in stocked:
                detail = f"No stock of {item} is known in {source}, from where it would be transferred: POST inventory."
                yield option, _fault("no-source-stock", detail, RULES, rule)
        elif not outputs:
            continue
        elif source not in outputs:
            detail = f"The sourcing rule names the process {source}, which is not known: PUT supply/processes."
            yield option, _fault("unknown-process", detail, RULES, rule)
        elif outputs[source] != (item, location):
            made = " in ".join(outputs[source])
            detail = f"The process {source} makes {made}: correct it, or the source of the sourcing rule."
            yield option, _fault("other-process", detail, PROCESSES, {"process": source})
        else:
            yield from ((option, fault) for fault in wrong.get(source, ()))


def _taken_faults(structure: Structure) -> Iterator[tuple[int, FaultOut]]:
    """Of rules that take from a resource themselves."""
    told = structure.options.frame[structure.options.frame["resource"].notna()]
    idle = _idle(structure)
    for option, *key, resource in told[[*KEY, "mode", "source", "resource"]].itertuples():
        rule = dict(zip((*KEY, "mode", "source"), key, strict=True))
        row = structure.hours.names.get_indexer(pd.Index([resource]))[0]
        if row < 0:
            detail = f"The rule takes from the resource {resource}, which is not known: PUT supply/resources."
            yield option, _fault("unknown-resource", detail, RULES, rule)
        elif idle[row]:
            detail = f"The rule takes from the resource {resource}, of which there is nothing in the whole horizon."
            yield option, _fault("no-capacity", detail, RULES, rule)


def _idle(structure: Structure) -> Bools:
    """[r] resources of which there is nothing in the whole horizon."""
    return np.asarray(~np.any(structure.hours.regular + structure.hours.overtime > 0, axis=1))


def _process_faults(structure: Structure, snapshot: Snapshot, units: Mapping[str, str]) -> dict[str, list[FaultOut]]:
    """Faults of processes, by their name."""
    found: dict[str, list[FaultOut]] = defaultdict(list)
    for fault in (*_unit_faults(snapshot, units), *_load_faults(structure, snapshot), *_cycle_faults(structure)):
        assert fault.record is not None  # noqa: S101  made here
        found[fault.record.key["process"]].append(fault)
    return found


def _unit_faults(snapshot: Snapshot, units: Mapping[str, str]) -> Iterator[FaultOut]:
    lines = snapshot.components
    told = lines[lines["uom"].notna()]
    for process, component, uom in zip(told["process"], told["component"], told["uom"], strict=True):
        unit = units.get(component)
        if unit is not None and unit != uom:
            detail = f"The process {process} takes {component} in {uom}, but its unit of measure is {unit}: convert it."
            key = {"process": process, "component": component}
            yield _fault("unit-mismatch", detail, "supply/process-components", key)


def _load_faults(structure: Structure, snapshot: Snapshot) -> Iterator[FaultOut]:
    hours = structure.hours
    idle = _idle(structure)
    rows = hours.names.get_indexer(pd.Index(snapshot.loads["resource"]))
    for process, resource, row in zip(snapshot.loads["process"], snapshot.loads["resource"], rows, strict=True):
        key = {"process": process, "resource": resource}
        if row < 0:
            detail = f"The process {process} needs the resource {resource}, which is not known: PUT supply/resources."
            yield _fault("unknown-resource", detail, "supply/process-loads", key)
        elif idle[row]:
            detail = (
                f"The process {process} needs the resource {resource}, which has no hours in the whole horizon: "
                "PUT supply/resources or supply/resource-capacity."
            )
            yield _fault("no-capacity", detail, "supply/process-loads", key)


def _cycle_faults(structure: Structure) -> Iterator[FaultOut]:
    """Processes on a cycle: what they make goes, by way of other processes, into what they make it of."""
    frame = structure.options.frame
    uses = structure.uses
    option = uses["option"].to_numpy(np.int64)
    heads = structure.options.keys[option]
    tails = pd.MultiIndex.from_frame(uses[KEY])
    codes, nodes = pd.factorize(heads.append(tails))
    head, tail = codes[: len(uses)], codes[len(uses) :]
    graph = sparse.coo_array((np.ones(len(uses)), (head, tail)), shape=(len(nodes), len(nodes))).tocsr()
    group = connected_components(graph, directed=True, connection="strong")[1]
    made = (frame["mode"] == "make").to_numpy()[option]
    inside = np.flatnonzero((group[head] == group[tail]) & made)
    processes = frame["source"].to_numpy()[option[inside]]
    for process, (item, _), (component, _) in zip(processes, heads[inside], tails[inside], strict=True):
        detail = f"The process {process} makes {item} of {component}, which is itself made of {item}: break the cycle."
        yield _fault("bom-cycle", detail, "supply/process-components", {"process": process, "component": component})


def _broken(structure: Structure, keys: pd.MultiIndex, planned: Bools, usable: Bools) -> OptionFaults:
    """Usable options of planned item-locations that take from one that is not planned."""
    supplied = keys.get_indexer(structure.options.keys)
    option = structure.uses["option"].to_numpy(np.int64)
    used = structure.used(keys)
    missing = usable[option] & planned[supplied[option]] & (supplied[option] >= 0) & ~(planned[used] & (used >= 0))
    frame, taken = structure.options.frame, structure.uses[KEY]
    found = []
    for use in np.flatnonzero(missing).tolist():
        rule = frame.iloc[option[use]]
        item, location = taken.iloc[use]
        detail = f"It would take {item} in {location}, which is not planned: mend the data of that first."
        record = {name: str(rule[name]) for name in ("item", "location", "mode", "source")}
        found.append((int(option[use]), _fault("source-not-planned", detail, RULES, record)))
    return found


@dataclass(frozen=True)
class Check:
    """A condition that keeps an item-location out of the plan; [n]."""

    code: str
    detail: str
    table: str
    holds: Bools

    def fault(self, item: str, location: str) -> FaultOut:
        return _fault(self.code, self.detail, self.table, {"item": item, "location": location})


def _checks(frame: pd.DataFrame, structure: Structure, periods: int) -> Iterator[Check]:
    told = frame.index.isin(structure.options.keys)
    ruled = (frame["option"] >= 0).to_numpy()
    detail = "No sourcing rule says how it is supplied: PUT supply/sourcing-rules."
    yield Check("no-sourcing-rule", detail, RULES, ~told)
    never = ruled & (frame["fence"] >= periods).to_numpy()
    detail = "None of its sourcing rules holds in the plan's periods: tell one that does, or correct its dates."
    yield Check("no-rule-in-effect", detail, RULES, never)
    unstocked = frame["on_hand"].isna().to_numpy()
    detail = "No stock up to the as-of date is known: POST inventory, if it is 0."
    yield Check("no-stock", detail, "inventory", unstocked)
    late = ruled & ~never & (frame["fence"] + frame["lead_time"] + frame["review_period"] > periods).to_numpy()
    detail = f"Lead time and review period do not fit in: correct them, or plan over more than {periods} periods."
    yield Check("beyond-horizon", detail, RULES, late)
    free = ruled & ~(frame["holding_cost"] > 0).to_numpy()
    detail = "Holding it costs nothing: give a unit cost, or a holding cost in a policy."
    yield Check("no-holding-cost", detail, RULES, free)


def _strangers(forecast: Forecast, snapshot: Snapshot) -> list[Key]:
    """What supply knows and the forecast does not. That there is no stock of something needs no forecast."""
    stock = snapshot.stock[snapshot.stock["on_hand"] > 0]
    frames = (stock, snapshot.rules, snapshot.receipts, snapshot.orders, snapshot.commitments)
    known = pd.concat([frame[KEY] for frame in frames]).drop_duplicates()
    return list(pd.MultiIndex.from_frame(known).difference(forecast.keys))


def _add(found: Faults, structure: Structure, option: int, fault: FaultOut) -> None:
    item, location = structure.options.frame.iloc[option][KEY]
    _append(found[item, location], fault)


def _append(faults: list[FaultOut], fault: FaultOut) -> None:
    """Once each: the expedited form of a rule has the same faults."""
    if fault not in faults:
        faults.append(fault)


def _fault(code: str, detail: str, table: str, key: Mapping[str, str]) -> FaultOut:
    return FaultOut(code=code, detail=detail, record=RecordOut(table=table, key=dict(key)))
