"""The engine's comparison as it is stored and shown: money as decimal strings, parts that add up."""

from decimal import Decimal
from typing import Any

from services.planner.engine.kpis import Comparison, Figure, Kpis
from services.planner.plans.money import money, total
from services.planner.plans.schemas import ComparisonOut

PARTS = ("holding", "shortage", "ordering", "purchase", "overtime", "waste")
DIGITS = 6


def comparison(found: Comparison) -> dict[str, Any]:
    """JSON-safe form of plan, doing nothing and benchmark."""
    policies = {name: _kpis(getattr(found, name)) for name in ("plan", "nothing", "benchmark")}
    return ComparisonOut.model_validate(policies).model_dump(mode="json")


def _kpis(found: Kpis) -> dict[str, Any]:
    cost = {part: _money(getattr(found, f"cost_{part}")) for part in (*PARTS, "total", "relevant")}
    cost["total"]["mean"] = total(*(cost[part]["mean"] for part in PARTS))
    cost["relevant"]["mean"] = total(*(cost[part]["mean"] for part in PARTS if part != "purchase"))
    return {
        "cost": cost,
        "fill_rate": _number(found.fill_rate),
        "stockout_probability": _number(found.stockout_probability),
        "mean_stock": _number(found.mean_stock),
        "stock_value": _money(found.stock_value),
    }


def _money(figure: Figure) -> dict[str, Decimal]:
    return {name: money(getattr(figure, name)) for name in ("mean", "p10", "p50", "p90")}


def _number(figure: Figure) -> dict[str, float]:
    return {name: round(getattr(figure, name), DIGITS) for name in ("mean", "p10", "p50", "p90")}
