"""What the demo tells: how accurate, where it loses, what to do and what it costs not to, and whether the log holds."""

from pathlib import Path
from typing import Any

import pandas as pd

from demo.dataset import Dataset

BANDS = (("0.025", "0.975", "#d6e5f0"), ("0.1", "0.9", "#a9c8df"), ("0.3", "0.7", "#78a9cd"))


def heading(text: str) -> None:
    print(f"\n{text}\n{'─' * len(text)}")


def accuracy(model: dict[str, Any]) -> None:
    """Backtest against seasonal naive: overall, with its interval, and both sides of the ledger of series."""
    metrics = model["metrics"]
    heading(f"Accuracy of model version {model['version']} (backtest, {len(metrics['origins'])} origins)")
    scores = metrics["overall"]
    print(f"  {'':22}{'model':>12}{'seasonal naive':>18}")
    for name, title in (("wmape", "WMAPE"), ("wql", "weighted quantile loss"), ("bias", "bias")):
        ours, naive = scores["model"][name], scores["seasonal_naive"][name]
        print(f"  {title:22}{_percent(ours):>12}{_percent(naive):>18}")
    print(f"  {'80 % interval covers':22}{_percent(scores['model']['coverage_80']):>12}")
    gain = metrics["improvement"]["wql"]
    if gain:
        level = f"{gain['level']:.0%} interval {gain['low']:+.1%} to {gain['high']:+.1%}"
        print(f"  quantile loss saved against seasonal naive: {gain['estimate']:+.1%} ({level})")
    series, cells = metrics["series"], metrics["cells"]
    print(f"  better on {series['better']} item-locations, worse on {series['worse']}", end="")
    print(": " + ", ".join(map(_lost, series["worst"][:5])) if series["worst"] else "")
    if cells["worst"] and not series["worst"]:
        print(f"  by item-location and origin better {cells['better']} times, worse {cells['worse']} times:")
        for cell in cells["worst"][:5]:
            print(f"    {_lost(cell)} from {cell['origin']}")


def _lost(one: dict[str, Any]) -> str:
    share = "seasonal naive was exact" if one["improvement"] is None else f"{one['improvement']:+.1%}"
    return f"{one['item']} at {one['location']} ({share})"


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.1%}"


def plan(run: dict[str, Any]) -> None:
    """The plan beside doing nothing and beside the plain policy."""
    heading(f"The plan from {run['as_of']} over {len(run['periods'])} periods")
    print(f"  {'':34}{'cost ' + run['currency'] + '*':>16}{'fill rate':>12}{'mean stock':>14}")
    names = (("plan", "recommended"), ("benchmark", "13-period average, 4-period cover"), ("nothing", "no new orders"))
    for name, title in names:
        figures = run["kpis"][name]
        cost = sum(float(figures["cost"][part]["mean"]) for part in ("holding", "shortage", "ordering"))
        fill, stock = figures["fill_rate"]["mean"], figures["mean_stock"]["mean"]
        print(f"  {title:34}{cost:>16,.0f}{fill:>12.1%}{stock:>14,.0f}")
    print("  * holding, shortage and ordering, expected over the horizon; what is bought is paid for either way")


def recommendations(found: list[dict[str, Any]], most: int = 5) -> None:
    heading("What to do, ranked by what it is worth")
    for number, one in enumerate(found[:most], start=1):
        print(f"  {number}. {one['text']}")
        if one["order"]:
            order = one["order"]
            inaction, out = order["cost_of_inaction"], order["stockout_probability"]
            print(f"     inaction costs {inaction['mean']} {one['currency']} on average (1 in 10: {inaction['p90']})")
            print(f"     stock-out probability {out['without']:.1%} without, {out['with']:.1%} with the order")


def decisions(made: list[tuple[dict[str, Any], dict[str, Any]]]) -> None:
    heading("What a planner decided (and the log keeps)")
    for recommendation, decision in made:
        after = decision["after"]
        reason = f" because {decision['reason_code']}" if decision["reason_code"] else ""
        note = f' "{decision["note"]}"' if decision["note"] else ""
        amount = f" → {after['quantity']:,.0f}" if after["quantity"] else ""
        where = f"{recommendation['item']} at {recommendation['location']}"
        print(f"  {decision['action']:9} {where}{amount}{reason}{note} (entry {decision['sequence']})")


def ledger(verified: dict[str, Any]) -> None:
    for chain in verified["chains"]:
        state = "holds" if chain["intact"] else f"BROKEN at {chain['first_bad']}"
        print(f"  ledger of {chain['service']}: {chain['entries']} entries, {state}")


def fan_chart(data: Dataset, item: str, location: str, values: list[dict[str, Any]], file: Path) -> None:
    """History and forecast of one item-location with its 40, 80 and 95 % intervals, as PNG."""
    import matplotlib as mpl  # noqa: PLC0415  # slow to import, and needed only at the end

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415

    demand = data.demand
    past = demand[(demand["item"] == item) & (demand["location"] == location)].sort_values("period")
    past = past.tail(5 * len(values))
    ahead = pd.to_datetime([value["period"] for value in values])
    figure, axes = plt.subplots(figsize=(10, 4.5), layout="constrained")
    axes.plot(past["period"], past["quantity"], color="#30343f", linewidth=1.4, label="demand")
    for low, high, colour in BANDS:
        lows, highs = ([value["quantiles"][level] for value in values] for level in (low, high))
        share = round((float(high) - float(low)) * 100)
        axes.fill_between(ahead, lows, highs, color=colour, linewidth=0, label=f"{share} % interval")
    axes.plot(ahead, [value["mean"] for value in values], color="#1b6ca8", linewidth=2, label="mean forecast")
    axes.set_title(f"{item} at {location}", loc="left")
    axes.set_ylabel("units")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=120)
    plt.close(figure)
