"""What the accuracy bench reads, splits, scores and writes."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench import accuracy
from bench.contest import drivers, forecasts, levels, peers, scores
from bench.contest.panel import Contest, gaps
from services.forecast.engine.aggregation import NodeForecast
from services.forecast.engine.cells import QUANTILES
from services.forecast.engine.levels import levels as engine_levels


def months(count: int) -> np.ndarray:
    return (np.datetime64("2020-01") + np.arange(count)).astype("datetime64[ns]")


def long(quantities: dict[str, list[float]], **columns) -> pd.DataFrame:
    """One row a month for each item at one location; `columns` are repeated for every item."""
    parts = [
        pd.DataFrame(
            {"item": item, "location": "north", "period": months(len(values)), "quantity": values}
            | {name: column[: len(values)] for name, column in columns.items()}
        )
        for item, values in quantities.items()
    ]
    return pd.concat(parts, ignore_index=True)


def read(tmp_path, table: pd.DataFrame, horizon: int = 2, **how) -> Contest:
    table.to_parquet(tmp_path / "panel.parquet", index=False)
    return Contest.read(tmp_path / "panel.parquet", "M", horizon, **how)


def test_a_table_with_zeros_does_not_leave_them_out():
    table = long({"A": [1, 0, 3, 4], "B": [1, 2, 3, 4]})
    assert gaps(table.drop(index=2)) == "unknown"


def test_a_table_of_sales_alone_leaves_zeros_out():
    sales = long({"A": [1, 2, 3, 4], "B": [1, 2, 3, 4]}).drop(index=[1, 2, 6])
    assert gaps(sales) == "zero"


def test_a_rare_hole_is_no_zero():
    assert gaps(long({"A": [5.0] * 40, "B": [5.0] * 40}).drop(index=[7])) == "unknown"


def test_columns_become_drivers_attributes_or_nothing(tmp_path):
    table = long(
        {"A": [1, 0, 3], "B": [4, 5, 6]}, list_price=[9, 9, 8], deal=[0, 1, 0], heat=[20, 25, 30], note=[1, 2, 3]
    )
    table["category"] = np.where(table["item"] == "A", "tea", "milk")
    panel = read(tmp_path, table, known=["list_price", "deal"], past=["heat"]).panel()
    told = [(driver.name, driver.definition.kind, driver.definition.known_ahead) for driver in panel.drivers]
    assert told == [("list_price", "price", True), ("deal", "promotion", True), ("heat", "economic", False)]
    assert panel.series.columns.tolist() == ["item", "location", "category"]
    assert panel.drivers[0].matrix[0].tolist()[:3] == [9, 9, 8]


def test_stock_outs_are_unknown_demand_only_when_asked(tmp_path):
    table = long({"A": [1, 0, 3], "B": [4, 5, 6]}, in_stock=[True, False, True])
    assert np.isnan(read(tmp_path, table, in_stock=True).panel().demand[:, 1]).all()
    assert read(tmp_path, table).panel().demand[:, 1].tolist() == [0, 5]


def test_a_named_column_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="deal"):
        read(tmp_path, long({"A": [1, 2]}), known=["deal"])


def test_the_last_period_of_the_panel_is_the_last_one_forecast(tmp_path):
    panel = read(tmp_path, long({"A": list(range(9))}), horizon=3).panel()
    assert forecasts.lengths(panel, 2) == [3, 6]
    with pytest.raises(ValueError, match="no room"):
        forecasts.lengths(panel, 3)


def said(contest: Contest, length: int, mean: float, dependence: np.ndarray | None = None) -> forecasts.Said:
    """Quantiles from 0 to twice the mean everywhere."""
    panel = contest.panel()
    shape = (len(panel.series), panel.horizon)
    quantiles = np.tile(2 * mean * np.array(QUANTILES), (*shape, 1))
    demand = panel.demand[:, length : length + panel.horizon]
    return forecasts.Said(panel.until(length), demand, np.full(shape, mean), quantiles, dependence, 1.5)


def test_a_table_and_back(tmp_path):
    contest = read(tmp_path, long({"A": [1, 0, 3, 4, 5], "B": [4, 5, 6, 7, 8]}))
    one = said(contest, 3, mean=5.0)
    table = forecasts.table(one)
    assert table.columns.tolist() == ["item", "location", "origin", "period", "mean", *forecasts.COLUMNS]
    assert table["origin"].unique().tolist() == [pd.Timestamp("2020-03-01")]
    assert table["period"].dt.month.tolist() == [4, 5, 4, 5]
    again = forecasts.from_table(contest.panel(), 3, table.sample(frac=1, random_state=1), 2.0)
    assert np.array_equal(again.quantiles, one.quantiles)
    assert np.array_equal(again.demand, [[4, 5], [7, 8]])


def test_scores_are_means_over_origins_on_the_rows_that_count(tmp_path):
    contest = read(tmp_path, long({"A": [5, 0, 5, 8, 12, 10, 10], "B": [9.0] * 7}))
    origins = [said(contest, 3, mean=10.0, dependence=np.zeros(2)), said(contest, 5, mean=15.0, dependence=np.zeros(2))]
    found = scores.scores(origins, [np.array([True, False])] * 2)
    assert found["bias"] == pytest.approx((0 + 0.5) / 2)
    assert found["wmape"] == pytest.approx((0.2 + 0.5) / 2)
    assert found["bias_by_class"] == {"smooth": pytest.approx(0.5), "intermittent": pytest.approx(0)}
    assert found["seconds"] == 1.5
    assert 0 <= found["sum_coverage_80"] <= 1
    assert "sum_coverage_80" not in scores.scores([said(contest, 3, 10.0)], [np.array([True, True])])


def test_a_sum_is_covered_by_the_paths_of_its_own_horizon(tmp_path):
    contest = read(tmp_path, long({"A": [5, 0, 5, 10, 10], "B": [9.0, 9, 9, 19.9, 19.9]}))
    found = scores.scores([said(contest, 3, mean=10.0, dependence=np.zeros(2))], [np.array([True, True])])
    assert found["sum_coverage_80"] == 0.5
    assert found["sum_coverage_95"] == 0.5


def aggregated(contest: Contest, length: int, mean: float) -> forecasts.Said:
    """`said` with forecasts of the aggregates: sums, and quantiles that all equal them."""
    one = said(contest, length, mean)
    nodes = [
        NodeForecast(level, level.sums(one.mean), level.sums(one.mean)[..., None] + np.zeros(len(QUANTILES)))
        for level in engine_levels(one.known.series)
    ]
    return replace(one, reconciled=np.full(one.mean.shape, 2.0), nodes=nodes)


def test_errors_of_items_that_cancel_out_are_none_at_the_total(tmp_path):
    contest = read(tmp_path, long({"A": [5, 0, 5, 8, 8], "B": [5.0, 5, 5, 12, 12]}))
    found = levels.by_level([aggregated(contest, 3, mean=10.0)])["total"]
    assert (found["nodes"], found["coverage_80"], found["coverage_95"]) == (1, 1, 1)
    assert found["rmsse"] == found["wql"] == found["bias"] == found["of_statistics"] == 0
    # merely summed, the items would have said 5 each; the total's history moves by 5 a step
    assert found["summed_rmsse"] == pytest.approx(10 / 5)


def test_what_is_unknown_counts_on_neither_side_of_a_sum(tmp_path):
    contest = read(
        tmp_path,
        long({"A": [5, 0, 5, 8, 8], "B": [5.0, 5, 5, 12, 12]}).assign(in_stock=[True] * 4 + [False] + [True] * 5),
        in_stock=True,
    )
    found = levels.by_level([aggregated(contest, 3, mean=10.0)])["total"]
    assert found["bias"] == pytest.approx(30 / 32 - 1, abs=1e-4)
    assert found["wql"] == pytest.approx(2 / 32, abs=1e-4)


def test_a_peer_is_asked_for_every_node_and_compared_with_an_interval(tmp_path, monkeypatch):
    contest = read(tmp_path, long({"A": [5, 0, 5, 8, 8], "B": [5.0, 5, 5, 12, 16]}))
    asked = []

    def ask(name, nodes, known):
        asked.append((name, nodes.table))
        told = (
            nodes.table[["item", "location"]].drop_duplicates().merge(pd.DataFrame({"period": known.future}), "cross")
        )
        return peers.Answer(told.assign(mean=24.0, **dict.fromkeys(forecasts.COLUMNS, 24.0)), 1.0)

    monkeypatch.setattr(levels.peers, "ask", ask)
    found = levels.by_level([aggregated(contest, 3, mean=10.0)], contest=contest)["total"]
    [(name, table)] = asked
    assert (name, table["quantity"].tolist(), set(table["item"])) == ("AutoETS", [10, 5, 10], {"total"})
    assert found["AutoETS"]["bias"] == pytest.approx(4 / 44, abs=1e-4)
    # 20 was told of 20 and 24, by the peer 24: equally far off over both periods
    assert found["AutoETS"]["of_peer"]["wql"] == {"ratio": 1, "low": 1, "high": 1}


def test_peers_get_complete_histories(tmp_path):
    table = long(
        {"A": [1, 0, 3, 4, 5, 6], "B": [4, 5, 6, 7, 8, 9]}, deal=[0, 1, 0, 1, 0, 1], in_stock=[True, False] + [True] * 4
    )
    table = table.drop(index=[2, 6])  # A's third month, B's first
    contest = read(tmp_path, table, known=["deal"], in_stock=True)
    past, ahead = peers._split(contest, contest.panel().until(4))
    assert past[past["unique_id"] == "A\x1fnorth"]["y"].tolist() == [1, 1, 1, 4]
    assert past[past["unique_id"] == "B\x1fnorth"]["y"].tolist() == [6, 7]
    assert ahead["deal"].tolist() == [0, 1, 0, 1]
    assert ahead.columns.tolist() == ["unique_id", "ds", "deal"]


def test_the_command_prints_figures_and_writes_forecasts(tmp_path, capsys):
    random = np.random.default_rng(3)
    table = long({f"item-{row}": random.poisson(20, 30).astype(float).tolist() for row in range(8)})
    table.to_parquet(tmp_path / "panel.parquet", index=False)
    out = tmp_path / "told.parquet"
    command = f"--panel {tmp_path}/panel.parquet --frequency M --horizon 3 --origins 2 --out {out}"
    assert accuracy.main(command.split()) == 0
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert figures["origins"] == ["2021-12-01", "2022-03-01"]
    assert figures["wql"] < figures["seasonal_naive"]["wql"]
    assert figures["peak_memory_mib"] > 10
    total = figures["levels"]["total"]
    assert total["wql"] < figures["wql"]
    assert 0 <= total["coverage_80"] <= total["coverage_95"] <= 1
    assert len(pd.read_parquet(out)) == 8 * 3 * 2


def test_drivers_are_worth_what_forecasts_lose_without_them(tmp_path):
    random = np.random.default_rng(5)
    deal, heat = random.integers(0, 2, 40).astype(float), random.uniform(10, 30, 40)
    items = {f"i{number}": (random.poisson(20 * (1 + deal))).astype(float).tolist() for number in range(12)}
    contest = read(tmp_path, long(items, deal=deal, heat=heat), known=["deal"], past=["heat"])
    panel = contest.panel()
    known = [forecasts.ours(panel, 38, threads=1)]
    found = drivers.value_added(panel, known, [np.ones(12, dtype=bool)], threads=1)
    assert list(found) == ["all", "promotion", "economic"]
    assert found["promotion"]["value_added"]["wql"] > 0.2
    assert found["economic"]["value_added"]["wql"] < 0.1
    whole = scores.scores(known, [np.ones(12, dtype=bool)])
    assert found["all"]["value_added"]["rmsse"] == round(1 - whole["rmsse"] / found["all"]["rmsse"], 4)
