"""Recommendations out of a network's plan: what is to be released now, from every source, and overtime."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from services.planner.engine.inputs import Floats, Ints
from services.planner.engine.network.relaxed import Relaxed
from services.planner.engine.network.waiting import Other, Outlook, Scene, Wait
from services.planner.plans import sentence
from services.planner.plans.buckets import Buckets
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money, rate, total
from services.planner.plans.planning import Together
from services.planner.plans.proposals import TYPES, Origin, share, target, units
from services.planner.recommendations.content_schemas import Content

WORK = 20_000_000  # columns of linear programmes that are solved again for releases, all in all
COMPARED = 500  # releases with most at stake that are compared with other lots and sources
RANKED = 3
LEAST = 1e-6  # hours: less overtime is rounding


@dataclass(frozen=True)
class Releases:
    """k orders to be released now: those of the first review."""

    option: Ints  # [k] of the network
    node: Ints  # [k]
    bucket: Ints  # [k]
    quantity: Floats  # [k]

    @classmethod
    def of(cls, known: Inputs, together: Together) -> "Releases":
        network, release = together.web.network, together.plan.quantities.release
        fence = known.supply.fence[together.web.rows][network.options.node]
        quantity = release[np.arange(len(release)), fence]
        option = np.flatnonzero(quantity > 0)
        return cls(option, network.options.node[option], fence[option], quantity[option])


def orders(origin: Origin, buckets: Buckets, known: Inputs, together: Together) -> Iterator[Content]:
    """One recommendation per item-location and source that is to be released from now."""
    releases = Releases.of(known, together)
    review = known.supply.review[together.web.rows][releases.node]
    network, supply = together.web.network, known.supply.rows(together.web.rows)

    def scene(row: int) -> Scene:  # made anew for each use: together they hold the paths many times over
        order = (int(values[row]) for values in (releases.option, releases.bucket, review))
        return Scene.of(network, supply, together.plan.quantities.release, together.paths, *order)

    waits = [scene(row).wait() for row in range(len(review))]
    regret = _regrets(together, releases, review, waits)
    stake = np.array([float(found.saved.mean()) for found in waits])
    most = set(np.argsort(-stake, kind="stable")[:COMPARED].tolist())
    for row, found in enumerate(waits):
        others = scene(row).others(network) if row in most else []
        yield _order(origin, buckets, known, together, releases, row, found, regret[row], others)


def _regrets(together: Together, releases: Releases, review: Ints, waits: list[Wait]) -> Floats:
    """[k] what the linear programme of each part loses by a release; NaN beyond what there is time for."""
    found = np.full(len(waits), np.nan)
    left = WORK
    stake = np.array([float(one.saved.mean()) for one in waits])
    for part in together.plan.parts:
        mine = np.flatnonzero(np.isin(releases.option, part.options))
        network, _ = together.piece(part)
        size = network.options.unit_cost.size + 3 * network.nodes.demand.size
        chosen = mine[np.argsort(-stake[mine], kind="stable")][: left // size]
        left -= size * len(chosen)
        options = np.searchsorted(part.options, releases.option[chosen])
        if len(chosen):
            found[chosen] = Relaxed(network).regrets(options, releases.bucket[chosen], review[chosen])
    return found


def _order(
    origin: Origin,
    buckets: Buckets,
    known: Inputs,
    together: Together,
    releases: Releases,
    row: int,
    found: Wait,
    regret: float,
    others: list[Other],
) -> Content:
    option, node, bucket = (int(values[row]) for values in (releases.option, releases.node, releases.bucket))
    quantity, options = releases.quantity[row], together.web.network.options
    rule = known.structure.options.frame.iloc[together.web.options[option]]
    item, location = known.terms.index[together.web.rows[node]]
    kind = "expedite" if rule["expedited"] else TYPES[rule["mode"]]
    arrival = bucket + int(options.lead_time[option])
    purchase, ordering = money(options.unit_cost[option, bucket] * quantity), money(options.order_cost[option, bucket])
    holding = money(found.extra_holding)
    saved = money(float(found.saved.mean()))
    acting = {"total": total(purchase, ordering, holding), "purchase": purchase, "ordering": ordering}
    acting["extra_holding"] = holding
    spared = units(found.waiting.expected_shortage - found.acting.expected_shortage)
    benefit = total(saved, -ordering, -holding) if np.isnan(regret) else money(regret)
    order: dict[str, Any] = {
        "source": rule["source"],
        "quantity": units(quantity),
        "release_date": buckets.periods[bucket],
        "release_by": buckets.periods[bucket],
        "receipt_date": buckets.periods[arrival],
        "cost_of_acting": acting,
        "cost_of_inaction": {"mean": saved, "p90": money(float(np.quantile(found.saved, 0.9))), "units": spared},
        "net_benefit": benefit,
        "stockout_probability": {
            "without": share(found.waiting.stockout_probability),
            "with": share(found.acting.stockout_probability),
        },
        "expected_shortage": {
            "without": units(found.waiting.expected_shortage),
            "with": units(found.acting.expected_shortage),
        },
        "cancellable": bool(rule["cancellable"]),
        "triggers": _triggers(known, together, option, node, arrival),
        "alternatives": _alternatives(known, together, (option, bucket, quantity), benefit, found, others),
        "binding_constraints": _constraints(buckets, together, option, bucket),
    }
    facts = origin.common(kind, item, location) | {"order": order, "faults": []}
    return Content.model_validate(facts | {"text": sentence.order(facts)})


def _alternatives(
    known: Inputs, together: Together, order: tuple[int, int, float], benefit: Decimal, found: Wait, others: list[Other]
) -> list[dict[str, Any]]:
    """Waiting and the others, the best first, `RANKED` at most.

    order: option, bucket and quantity, with what it brings. Another one brings so much less as it costs more on the
    paths, prices above the lowest of its item-location included: what is bought keeps that.
    """
    option, bucket, quantity = order
    options, rules = together.web.network.options, known.structure.options.frame["source"]
    same = options.node == options.node[option]
    lowest = float(np.min(options.unit_cost[same, bucket]))

    def worth(option: int, quantity: float, outlook: Outlook) -> float:
        paid = (options.unit_cost[option, bucket] - lowest) * quantity + options.order_cost[option, bucket]
        return float(found.spared(outlook).mean()) - found.held(outlook) - float(paid)

    recommended = worth(option, quantity, found.acting)
    told = [_alternative(found, "wait", None, 0.0, (0.0, 0.0), money(0), found.waiting)]
    for other in others:
        price, ordering = options.unit_cost[other.option, bucket], options.order_cost[other.option, bucket]
        source = rules.iloc[together.web.options[other.option]] if other.option != option else None
        brings = total(benefit, money(worth(other.option, other.quantity, other.outlook) - recommended))
        costs = (price * other.quantity, ordering)
        told.append(_alternative(found, other.kind, source, other.quantity, costs, brings, other.outlook))
    return sorted(told, key=lambda one: -one["net_benefit"])[:RANKED]


def _alternative(
    found: Wait,
    kind: str,
    source: str | None,
    quantity: float,
    costs: tuple[float, float],
    benefit: Decimal,
    outlook: Outlook,
) -> dict[str, Any]:
    """costs: of the quantity, and of placing the order."""
    purchase, ordering = (money(cost) for cost in costs)
    spared, holding = found.spared(outlook), money(found.held(outlook))
    acting = {"purchase": purchase, "ordering": ordering, "extra_holding": holding}
    return {
        "kind": kind,
        "source": source,
        "quantity": units(quantity),
        "cost_of_acting": acting | {"total": total(*acting.values())},
        "cost_of_inaction": {
            "mean": money(float(spared.mean())),
            "p90": money(float(np.quantile(spared, 0.9))),
            "units": units(found.waiting.expected_shortage - outlook.expected_shortage),
        },
        "net_benefit": benefit,
        "stockout_probability": share(outlook.stockout_probability),
        "expected_shortage": units(outlook.expected_shortage),
    }


def _triggers(known: Inputs, together: Together, option: int, node: int, arrival: int) -> dict[str, Any]:
    row = together.web.rows[node]
    term, lines, supply = known.terms.iloc[row], together.projection.lines, known.supply.rows(np.array([row]))
    options = together.web.network.options
    most = options.max_qty[option]
    available = supply.on_hand[0] if arrival == 0 else lines.available[node, arrival - 1]
    return {
        "on_hand": units(supply.on_hand[0]),
        "on_order": units(supply.receipts[0, : arrival + int(supply.review[0])].sum()),
        "projected": units(available + supply.receipts[0, arrival]),
        "safety_stock": units(lines.safety_stock[node, arrival]),
        "fractile": share(supply.fractile[0]),
        "reorder_point": None,
        "order_up_to": None,
        "reviews_covered": None,
        "lead_time": int(options.lead_time[option]),
        "review_period": int(supply.review[0]),
        "moq": float(options.moq[option]),
        "multiple": float(options.multiple[option]),
        "max_quantity": None if np.isinf(most) else float(most),
        "shortage_mode": term["shortage_mode"],
        "lead_time_spread": float(known.structure.options.frame["lead_time_spread"].iloc[together.web.options[option]]),
        "holding_cost": rate(term["holding_cost"]),
    } | target(term)


def _constraints(buckets: Buckets, together: Together, option: int, bucket: int) -> list[dict[str, Any]]:
    """Confirmed prices of what the order loads in its bucket."""
    loads = together.web.network.loads
    resources = set(loads.resource[loads.option == option].tolist())
    return [
        {"resource": together.web.resources[resource], "period": buckets.periods[bucket], "price": rate(price)}
        for found in together.prices
        for resource, when, price in zip(found.resource, found.bucket, found.price, strict=True)
        if when == bucket and resource in resources
    ]


def overtime(origin: Origin, buckets: Buckets, together: Together) -> Iterator[Content]:
    """One recommendation per resource whose overtime the plan counts on."""
    hours = together.plan.quantities.overtime
    cost = together.web.network.resources.overtime_cost
    for part in together.plan.parts:
        used = part.resources[np.any(hours[part.resources] > LEAST, axis=1)]
        if len(used) == 0:
            continue
        network, resources = together.piece(part)
        worth = dict(zip(resources.tolist(), Relaxed(network).without_overtime(), strict=True))
        for resource in used.tolist():
            periods: list[dict[str, Any]] = [
                {
                    "period": buckets.periods[t],
                    "hours": units(hours[resource, t]),
                    "cost": money(hours[resource, t] * cost[resource]),
                }
                for t in np.flatnonzero(hours[resource] > LEAST)
            ]
            capacity = {
                "hours": units(sum(one["hours"] for one in periods)),
                "cost": total(*(one["cost"] for one in periods)),
                "net_benefit": money(worth[resource]),
                "periods": periods,
            }
            facts = origin.common("add_capacity", None, None) | {"order": None, "faults": []}
            facts |= {"resource": together.web.resources[resource], "capacity": capacity}
            yield Content.model_validate(facts | {"text": sentence.capacity(facts)})
