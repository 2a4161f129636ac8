"""Any network with set-ups and lots as a mixed-integer programme: the linear one, and orders that are placed or not.

Its relaxation is weaker than that of the assignment of units; it is for networks whose item-locations use each other.
"""

import numpy as np

from services.planner.engine.inputs import Floats
from services.planner.engine.network.inputs import Network
from services.planner.engine.network.mixed import Form, Rows, integrality
from services.planner.engine.network.model import Model, releasable
from services.planner.engine.network.needs import largest_need


def whole(network: Network) -> Form:
    """The programme of a network; shares of sources are left out of it."""
    model, options, loads = Model.of(network, setups=False), network.options, network.loads
    option, bucket = np.nonzero(releasable(options))
    count = len(option)
    lotted = np.flatnonzero(options.multiple[option] > 0)
    order = model.columns.count + np.arange(count)
    lot = model.columns.count + count + np.arange(len(lotted))
    release = model.columns.release[option, bucket]
    each = np.arange(count)
    number = np.full(options.unit_cost.shape, -1)
    number[option, bucket] = each

    rows = Rows()
    entry = model.matrix.tocoo()
    kept = ~np.isin(entry.row, model.rows.shares)
    load, when = np.nonzero(number[loads.option] >= 0)
    setup = (
        model.rows.capacity[loads.resource[load], when],
        order[number[loads.option[load], when]],
        loads.setup_hours[load],
    )
    base = (entry.row[kept].astype(np.int64), entry.col[kept].astype(np.int64), entry.data[kept])
    rows.add(len(model.row_lower), [base, setup], model.row_lower, model.row_upper)
    need = largest_need(network)  # inf where nothing is needed: there an order is worth none
    most = np.where(np.isfinite(need), np.minimum(need, options.largest), 0.0)[option]
    rows.add(count, [(each, release, 1.0), (each, order, -most)], -np.inf, 0.0)
    rows.add(count, [(each, release, 1.0), (each, order, -options.smallest[option])], 0.0, np.inf)
    lots = np.arange(len(lotted))
    rows.add(len(lots), [(lots, release[lotted], 1.0), (lots, lot, -options.multiple[option[lotted]])], 0.0, 0.0)

    form = rows.lp(model.columns.count + count + len(lotted))
    form.col_cost_ = np.concatenate([model.cost, options.order_cost[option, bucket], np.zeros(len(lotted))])
    form.col_lower_ = np.zeros(form.num_col_)
    form.col_upper_ = np.concatenate([model.upper, np.ones(count), np.full(len(lotted), np.inf)])
    form.integrality_ = integrality(np.arange(form.num_col_) >= model.columns.count)

    def released(values: Floats) -> Floats:
        return values[model.columns.release]

    return Form(form, order, option, bucket, released)
