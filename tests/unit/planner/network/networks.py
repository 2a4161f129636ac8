"""Small networks for the tests of the coupled tiers."""

from dataclasses import replace
from typing import Any

import numpy as np

from services.planner.engine.network.inputs import Loads, Mode, Network, Nodes, Options, Resources, Uses

WHOLE = {"shelf_life", "node", "mode", "lead_time", "priority", "option", "offset", "resource"}
TRUTH = {"backlog", "allowed"}
WIDE = {"receipts", "demand", "safety_stock", "unit_cost", "order_cost", "allowed", "capacity", "overtime"}


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


def varied(seed: int, *, periods: int = 6, **given: Any) -> Network:
    """Products made of two shared components on two machines, a depot fed by transfer; fixed by the seed.

    given: `capacity` or `lead_time`, or any field of Nodes or Options, in place of what is drawn.
    """
    random = np.random.default_rng(seed)
    made, parts = 3, 2
    n = made + parts + 1
    demand = random.uniform(0, 20, (n, periods)).round() * (random.random((n, 1)) < 0.8)
    nodes: dict[str, Any] = {
        "on_hand": random.uniform(-5, 30, n).round(),
        "receipts": random.uniform(0, 20, (n, periods)).round() * (random.random((n, periods)) < 0.1),
        "holding_cost": random.uniform(0.1, 1, n),
        "shortage_cost": random.uniform(2, 15, n),
        "backlog": random.random(n) < 0.5,
        "safety_stock": random.uniform(0, 8, (n, 1)).round() * (random.random((n, 1)) < 0.5),
        "safety_cost": random.uniform(0, 1, n),
        "max_stock": np.where(random.random(n) < 0.2, 40.0, np.inf),
        "shelf_life": np.where(random.random(n) < 0.2, 3, 1000),
        "waste_cost": random.uniform(1, 3, n),
    }
    nodes["on_hand"] = np.where(nodes["backlog"], nodes["on_hand"], np.maximum(nodes["on_hand"], 0))
    options: dict[str, Any] = {
        "mode": [Mode.MAKE] * made + [Mode.BUY] * parts + [Mode.TRANSFER],
        "lead_time": random.integers(0, 3, n),
        "unit_cost": random.uniform(0.5, 4, (n, periods)),
    }
    capacity = random.uniform(20, 80, (2, periods))
    capacity = given.pop("capacity", capacity)
    options |= {name: given.pop(name) for name in list(given) if name in Options.__dataclass_fields__}
    nodes |= given
    use = [(product, made + part, float(random.integers(1, 3))) for product in range(made) for part in range(parts)]
    load = [(product, int(random.integers(2)), random.uniform(0.5, 2), 0.0) for product in range(made)]
    return network_of(
        nodes_of(demand, **nodes),
        options_of(range(n), periods, **options),
        uses=uses_of(*use, (n - 1, 0, 1.0)),
        loads=loads_of(*load),
        resources=resources_of(capacity, periods, overtime=5.0, overtime_cost=3.0),
    )


def scaled(network: Network, by: float) -> Network:
    """The same network with quantities told in a unit `by` times as small."""
    nodes, options, loads = network.nodes, network.options, network.loads
    quantities = ("on_hand", "receipts", "demand", "safety_stock", "max_stock")
    rates = ("holding_cost", "shortage_cost", "safety_cost", "waste_cost")
    sizes = {name: getattr(nodes, name) * by for name in quantities}
    lots = {name: getattr(options, name) * by for name in ("moq", "multiple", "max_qty")}
    return Network(
        nodes=replace(nodes, **sizes, **{name: getattr(nodes, name) / by for name in rates}),
        options=replace(options, **lots, unit_cost=options.unit_cost / by),
        uses=network.uses,
        loads=replace(loads, hours=loads.hours / by),
        resources=network.resources,
    )
