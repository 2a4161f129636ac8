"""The engine's network out of sourcing rules, processes and resources: what may have to be planned together."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from services.planner.engine.inputs import Bools, Floats, Ints
from services.planner.engine.network.coupling import levels
from services.planner.engine.network.inputs import Loads, Mode, Network, Nodes, Options, Resources, Uses
from services.planner.engine.projection import Lines
from services.planner.plans.inputs import Inputs
from services.planner.plans.structure import KEY

FULL = 1e-6  # relative: nearer to a limit is at it
MODES = {"buy": Mode.BUY, "make": Mode.MAKE, "transfer": Mode.TRANSFER}


@dataclass(frozen=True)
class Web:
    """Some rows of a plan's inputs and their network, with the names of its rows."""

    rows: Ints  # [n] of the inputs
    options: Ints  # [m] places in the inputs' structure
    resources: pd.Index  # [r]
    network: Network

    def part(self, rows: Ints) -> "Web":
        """The web of some of its item-locations [k], ascending and closed."""
        network, options, resources = self.network.part(rows)
        return Web(self.rows[rows], self.options[options], self.resources[resources], network)

    @property
    def coupled(self) -> Bools:
        """[n] item-locations that use something, are used, or have several ways of supply."""
        options, uses = self.network.options, self.network.uses
        found = several(options.node, options.allowed, len(self.rows))
        found[uses.node] = True
        found[options.node[uses.option]] = True
        return np.asarray(found)

    def first(self, known: Inputs) -> Ints:
        """[n] the option that each item-location is ordered from first, or another where that one is not in play."""
        options = self.network.options
        found = np.zeros(len(self.rows), dtype=np.int64)
        found[options.node] = np.arange(len(options))
        preferred = known.terms["option"].to_numpy(np.int64)[self.rows]
        chosen = np.flatnonzero(self.options == preferred[options.node])
        found[options.node[chosen]] = chosen
        return found

    def loading(self, resources: Bools) -> Bools:
        """[n] item-locations whose supply takes hours of `resources` [r]."""
        loads = self.network.loads
        found = np.zeros(len(self.rows), dtype=bool)
        found[self.network.options.node[loads.option[resources[loads.resource]]]] = True
        return found


def in_play(known: Inputs) -> Bools:
    """[m] options worth a choice: usable, and not dominated by the one that is ordered from first.

    A larger priority number counts only where everything before it is limited: by hours, by what it is made of, by a
    largest order, by dates, or to a share.
    """
    options, frame = known.structure.options, known.structure.options.frame
    row = known.terms.index.get_indexer(options.keys)
    play = known.usable & (row >= 0)
    limited = _limited(known)
    priority = frame["priority"].to_numpy(np.float64)
    enough = np.full(len(known.terms), np.inf)
    unlimited = play & ~limited & ~frame["expedited"].to_numpy(bool)
    np.minimum.at(enough, row[unlimited], priority[unlimited])
    play &= priority <= enough[row]
    first = known.terms["option"].to_numpy(np.int64)[row]
    play[np.flatnonzero(play)] = ~_dominated(known, limited, first)[play] | (first == np.arange(len(first)))[play]
    return play


def _limited(known: Inputs) -> Bools:
    """[m] options that may not bring all that is wanted, whenever it is."""
    structure, frame = known.structure, known.structure.options.frame
    limited = np.isfinite(frame["max_quantity"].to_numpy(np.float64)) | frame["split"].notna().to_numpy()
    limited |= ~np.all(structure.options.open, axis=1)
    for taken in (structure.uses, structure.loads):
        limited[taken["option"].to_numpy(np.int64)] = True
    return np.asarray(limited)


def _dominated(known: Inputs, limited: Bools, by: Ints) -> Bools:
    """[m] options that the unlimited option `by` [m] replaces at no greater cost, whatever is wanted."""
    options, frame = known.structure.options, known.structure.options.frame
    numbers = frame[["lead_time", "moq", "multiple"]].to_numpy(np.float64)
    dearest, cheapest = options.unit_cost.max(axis=1), options.unit_cost.min(axis=1)
    cheaper = (dearest[by] <= cheapest) | np.all(options.unit_cost[by] <= options.unit_cost, axis=1)
    cheaper &= options.order_cost.max(axis=1)[by] <= options.order_cost.min(axis=1)
    same_time = (numbers[by, 0] == numbers[:, 0]) | (dearest[by] <= cheapest)
    shared = frame["split"].notna().to_numpy()
    return np.asarray(~limited[by] & ~shared & cheaper & same_time & np.all(numbers[by] <= numbers, axis=1))


def several(node: Ints, open_: Bools, count: int) -> Bools:
    """[n] item-locations with a choice between options [m], open in buckets [m, T], in some bucket."""
    choices = np.zeros((count, open_.shape[1]), dtype=np.int64)
    np.add.at(choices, node, open_)
    return np.asarray(np.any(choices > 1, axis=1))


def candidates(known: Inputs, play: Bools) -> Ints:
    """Rows that options in `play` [m] join to others or to resources, that have several, or whose stock has limits."""
    structure = known.structure
    supplied = known.terms.index.get_indexer(structure.options.keys)
    used, taker = structure.used(_keys(known)), structure.uses["option"].to_numpy(np.int64)
    loaded = structure.loads["option"].to_numpy(np.int64)
    choice = several(supplied[play], structure.options.open[play], len(known.terms)) | bounded(known)
    rows = [np.flatnonzero(choice), used[play[taker]], supplied[taker[play[taker]]], supplied[loaded[play[loaded]]]]
    return np.unique(np.concatenate(rows)).astype(np.int64)


def bounded(known: Inputs) -> Bools:
    """[n] rows with a largest stock or a shelf life within the horizon."""
    return np.asarray(np.isfinite(_most(known)) | (known.supply.shelf_life <= known.demand.mean.shape[1]))


def outgrown(known: Inputs, rows: Ints, lines: Lines) -> Bools:
    """[n] of `rows` those whose plan by itself would have more in stock than there may be, or than can be used in time.

    lines [n]: of that plan.
    """
    mean, periods = lines.demand, lines.demand.shape[1]
    gone = np.pad(np.cumsum(mean, axis=1), ((0, 0), (1, 0)))
    life, buckets = known.supply.shelf_life[rows], np.arange(periods)
    until = np.minimum(buckets + life[:, None], periods)
    used = np.take_along_axis(gone, until, axis=1) - gone[:, 1:]
    stale = (lines.available > used * (1 + FULL)) & (buckets + life[:, None] <= periods)
    return np.asarray(np.any(stale | (lines.available > _most(known)[rows, None] * (1 + FULL)), axis=1))


def _most(known: Inputs) -> Floats:
    return known.terms["max_stock"].fillna(np.inf).to_numpy(np.float64)


def _keys(known: Inputs) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(known.terms.index, names=KEY)


def web(known: Inputs, rows: Ints, play: Bools, safety: Floats) -> Web:
    """The network of `rows` [n], closed under what their options in `play` [m] take; safety [n, T] units.

    safety: what each release's lead time and review call for, by bucket of release. Demand is the mean forecast.
    """
    structure = known.structure
    node = pd.Series(np.arange(len(rows)), index=rows).reindex(
        known.terms.index.get_indexer(structure.options.keys), fill_value=-1
    )
    place = np.flatnonzero(play & (node.to_numpy() >= 0))
    uses, loads = (_of(taken, place) for taken in (structure.uses, structure.loads))
    names = pd.Index(sorted(loads["resource"].unique()), dtype=object)
    hours = structure.hours.names.get_indexer(names)
    used = known.terms.index[rows].get_indexer(pd.MultiIndex.from_frame(uses[["item", "location"]]))
    network = Network(
        nodes=_nodes(known, rows, safety),
        options=_options(known, place, node.to_numpy(np.int64)[place]),
        uses=Uses(
            option=uses["option"].to_numpy(np.int64),
            node=used.astype(np.int64),
            quantity=uses["quantity"].to_numpy(np.float64),
            offset=uses["offset"].to_numpy(np.int64),
        ),
        loads=Loads(
            option=loads["option"].to_numpy(np.int64),
            resource=names.get_indexer(pd.Index(loads["resource"])).astype(np.int64),
            hours=loads["hours"].to_numpy(np.float64),
            setup_hours=loads["setup_hours"].to_numpy(np.float64),
        ),
        resources=Resources(
            capacity=structure.hours.regular[hours],
            overtime=structure.hours.overtime[hours],
            overtime_cost=structure.hours.overtime_cost[hours],
        ),
    )
    lost = ~network.nodes.backlog * usual_cost(network)
    nodes = replace(network.nodes, shortage_cost=network.nodes.shortage_cost + lost)
    return Web(rows, place, names, replace(network, nodes=nodes))


def _of(taken: pd.DataFrame, place: Ints) -> pd.DataFrame:
    """What the options at `place` [m] take, told by row in place of place."""
    number = pd.Series(np.arange(len(place)), index=place)
    here = taken[taken["option"].isin(place)]
    return here.assign(option=number.reindex(here["option"]).to_numpy(np.int64))


def _nodes(known: Inputs, rows: Ints, safety: Floats) -> Nodes:
    """The nodes; a unit of safety stock is priced midway between what holding one costs and what lacking one does."""
    supply = known.supply.rows(rows)
    periods = supply.receipts.shape[1]
    lacking = supply.penalty / np.where(supply.backlog, 1, supply.review)
    since = np.maximum(np.arange(periods) - (supply.lead_time + supply.review)[:, None] + 1, 0)
    return Nodes(
        on_hand=supply.on_hand,
        receipts=supply.receipts,
        demand=known.demand.mean[rows],
        holding_cost=supply.holding_cost,
        shortage_cost=supply.penalty,
        backlog=supply.backlog,
        safety_stock=np.maximum(np.take_along_axis(safety, since, axis=1), 0),
        safety_cost=(supply.holding_cost + np.maximum(lacking, supply.holding_cost)) / 2,
        max_stock=_most(known)[rows],
        shelf_life=supply.shelf_life,
        waste_cost=supply.price,
    )


def _options(known: Inputs, place: Ints, node: Ints) -> Options:
    frame, options = known.structure.options.frame.iloc[place], known.structure.options
    terms = known.terms.iloc[known.terms.index.get_indexer(options.keys[place])]
    since = np.arange(options.open.shape[1]) - terms["fence"].to_numpy(np.int64)[:, None]
    review = terms["review_period"].to_numpy(np.int64)[:, None]
    return Options(
        node=node,
        mode=np.array([MODES[mode] for mode in frame["mode"]], dtype=np.int64),
        lead_time=frame["lead_time"].to_numpy(np.int64),
        unit_cost=options.unit_cost[place],
        order_cost=options.order_cost[place],
        moq=frame["moq"].to_numpy(np.float64),
        multiple=frame["multiple"].to_numpy(np.float64),
        max_qty=frame["max_quantity"].fillna(np.inf).to_numpy(np.float64),
        allowed=options.open[place] & (since >= 0) & (since % review == 0),
        priority=frame["priority"].to_numpy(np.int64),
        split=frame["split"].to_numpy(np.float64),
    )


def usual_cost(network: Network) -> Floats:
    """[n] money for a unit from its cheapest option, all that it is made of included; overtime aside."""
    options, uses = network.options, network.uses
    cost = np.zeros(len(network.nodes))
    code = levels(network)
    for level in range(int(code.max(initial=0)), -1, -1):
        each = options.unit_cost.mean(axis=1)
        np.add.at(each, uses.option, uses.quantity * cost[uses.node])
        here = code[options.node] == level
        cheapest = np.full(len(cost), np.inf)
        np.minimum.at(cheapest, options.node[here], each[here])
        cost = np.where(np.isfinite(cheapest), cheapest, cost)
    return cost
