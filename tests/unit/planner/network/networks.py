"""Small networks for the tests of the coupled tiers."""

from typing import Any

import numpy as np

from services.planner.engine.network.inputs import Loads, Mode, Network, Nodes, Options, Resources, Uses

WHOLE = {"shelf_life", "node", "mode", "lead_time", "priority", "option", "offset", "resource"}
TRUTH = {"backlog", "allowed"}
WIDE = {"receipts", "demand", "safety_stock", "unit_cost", "allowed", "capacity", "overtime"}


def nodes_of(demand: Any, **given: Any) -> Nodes:
    """Item-locations with demand [n, T] and nothing else to them, with `given` fields in place of the defaults."""
    demand = np.atleast_2d(np.asarray(demand, dtype=np.float64))
    fields = {
        "on_hand": 0.0,
        "receipts": 0.0,
        "demand": demand,
        "holding_cost": 1.0,
        "shortage_cost": 1000.0,
        "backlog": False,
        "safety_stock": 0.0,
        "safety_cost": 0.0,
        "max_stock": np.inf,
        "shelf_life": 10**6,
        "waste_cost": 0.0,
    }
    return Nodes(**_arrays(fields, given, *demand.shape))


def options_of(node: Any, periods: int, **given: Any) -> Options:
    """One option for each entry of `node`, free and at once."""
    fields = {
        "node": node,
        "mode": Mode.BUY,
        "lead_time": 0,
        "unit_cost": 0.0,
        "order_cost": 0.0,
        "moq": 0.0,
        "multiple": 0.0,
        "max_qty": np.inf,
        "allowed": True,
        "priority": 0,
        "split": np.nan,
    }
    return Options(**_arrays(fields, given, len(node), periods))


def uses_of(*rows: tuple[int, int, float]) -> Uses:
    """Uses (option, node, quantity) in the bucket of release."""
    option, node, quantity = zip(*rows, strict=True) if rows else ((), (), ())
    fields = {"option": option, "node": node, "quantity": quantity, "offset": 0}
    return Uses(**_arrays(fields, {}, len(rows), 0))


def loads_of(*rows: tuple[int, int, float, float]) -> Loads:
    """Loads (option, resource, hours a unit, set-up hours)."""
    option, resource, hours, setup = zip(*rows, strict=True) if rows else ((), (), (), ())
    fields = {"option": option, "resource": resource, "hours": hours, "setup_hours": setup}
    return Loads(**_arrays(fields, {}, len(rows), 0))


def resources_of(capacity: Any, periods: int, **given: Any) -> Resources:
    """Resources without overtime; capacity [r, T], or one number each."""
    values = np.asarray(capacity, dtype=np.float64).reshape(len(capacity), -1 if len(capacity) else periods)
    fields = {"capacity": np.broadcast_to(values, (len(values), periods)), "overtime": 0.0, "overtime_cost": 0.0}
    return Resources(**_arrays(fields, given, len(values), periods))


def network_of(nodes: Nodes, options: Options, **given: Any) -> Network:
    parts = {"uses": uses_of(), "loads": loads_of(), "resources": resources_of([], nodes.periods)}
    return Network(nodes=nodes, options=options, **{**parts, **given})


def _arrays(fields: dict[str, Any], given: dict[str, Any], rows: int, periods: int) -> dict[str, np.ndarray]:
    assert not given.keys() - fields.keys(), given.keys() - fields.keys()
    arrays = {}
    for name, value in {**fields, **given}.items():
        kind = np.int64 if name in WHOLE else np.bool_ if name in TRUTH else np.float64
        values = np.asarray(value, dtype=kind)
        if name in WIDE:
            values = np.broadcast_to(values, (rows, periods))
        arrays[name] = np.array(np.broadcast_to(values, (rows, periods) if name in WIDE else (rows,)))
    return arrays
