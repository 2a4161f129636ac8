"""What each of a scenario's deltas is worth: the base's plan with that delta alone, beside the base's plan."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from services.planner.plans import takeover
from services.planner.plans.basis import Basis
from services.planner.plans.forecast import Forecast
from services.planner.plans.inputs import Inputs
from services.planner.plans.money import money
from services.planner.plans.schemas import PlanWarningOut
from services.planner.plans.tables import Plan
from services.planner.plans.takeover import Earlier, Planned
from services.planner.scenarios import deltas
from services.planner.scenarios.schemas import Delta


@dataclass(frozen=True)
class Before:
    """The plan of the base that a run departs from. `fits`: it is what a plan of the base would be now."""

    earlier: Earlier
    fits: bool
    forecast: Callable[[], Forecast]

    @classmethod
    def of(
        cls, run: Plan, base: Plan, basis: Basis, earlier: Earlier, forecast: Callable[[], Forecast], paths: int
    ) -> Self:
        """Of a scenario, look whether data have changed since the base was planned: differences would hold that too."""
        if run.scenario is None:
            return cls(earlier, fits=True, forecast=forecast)
        on = basis.changes[: len(basis.changes) - run.own]
        if deltas.overlays(on) or str(base.forecast_id) != basis.plain["id"]:
            return cls(earlier, fits=_same_overlays(base, on), forecast=forecast)
        known = basis.inputs(run.seed, on, forecast())
        given = dict(zip(known.terms.index, takeover.input_digests(known, paths), strict=True))
        was = {key: row.input for key, row in earlier.rows.items() if row.output is not None}
        return cls(earlier, fits=given == was, forecast=forecast)

    @property
    def warnings(self) -> list[PlanWarningOut]:
        detail = "The base was planned on other data: plan it anew, then the scenario, to compare them."
        return [] if self.fits else [PlanWarningOut(code="base-outdated", detail=detail, count=1)]


def _same_overlays(base: Plan, on: Sequence[Delta]) -> bool:
    """Whether a base that is forecast anew for each plan rests on the deltas of today; its data are not compared."""
    return bool(deltas.overlays(on)) and deltas.parse(base.deltas) == list(on)


def of_deltas(
    run: Plan, basis: Basis, before: Before | None, planned: Planned, plan: Callable[[Inputs], Planned]
) -> list[dict[str, Any]] | None:
    """The change of expected cost, purchase aside, by each delta alone; None where there is no base to compare with.

    Marginal against the base: what deltas do to each other is the scenario's whole difference less their sum.
    """
    if run.scenario is None or before is None or not before.fits or planned.tallies is None:
        return None
    whole = _cost(planned) - before.earlier.cost
    own = basis.changes[len(basis.changes) - run.own :]
    on = basis.changes[: len(basis.changes) - run.own]
    groups = list(deltas.groups(own))
    if len(groups) == 1:
        return [_value(groups[0], whole)]
    found = []
    for group in groups:
        chosen = [own[number] for number in group]
        forecast = None if deltas.overlays(chosen) else before.forecast()
        alone = plan(basis.inputs(run.seed, [*on, *chosen], forecast))
        found.append(_value(group, _cost(alone) - before.earlier.cost))
    return found


def _cost(planned: Planned) -> float:
    return float(np.mean(planned.tallies[0].relevant)) if planned.tallies else 0.0


def _value(group: list[int], cost: float) -> dict[str, Any]:
    return {"deltas": group, "cost": str(money(cost))}
