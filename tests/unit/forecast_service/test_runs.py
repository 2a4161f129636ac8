"""Train, promote, forecast: the jobs on a real database and a real MLflow, called as the worker calls them."""

import datetime
import io
import json
from pathlib import Path
from types import SimpleNamespace

import mlflow
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text

from services.forecast import jobs, panels
from services.forecast.datasets.blocks import Datasets
from services.forecast.engine.model import Model
from services.forecast.engine.training import train
from services.forecast.inputs import Inputs
from services.forecast.models import artifacts
from services.forecast.panels import Profile
from shared.media import NDJSON, PARQUET
from tests.factories import history, week
from tests.unit.forecast_service.conftest import Caller
from tests.unit.inside import profile

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}
WEEKS = 70
HORIZON = 3
PRICES = [
    {"item": item, "period": week(number), "value": 5 - (number % 4) / 4} for item in "ABC" for number in range(WEEKS)
]
FAIR = {"period": week(60), "value": 1}


def problem(answer):
    return answer.status_code, answer.json()["type"].rpartition("#")[2]


@pytest.fixture(scope="module")
def work(database, settings):
    """Carries out a job: `work(jobs.train, run_id=run["id"])`."""
    context = SimpleNamespace(
        additional_context={"database": database, "settings": settings},
        job=SimpleNamespace(attempts=0),
        should_abort=lambda: False,
    )
    return lambda task, **arguments: task.func(context, **arguments)


@pytest.fixture(scope="module")
def trained(request, client, work):
    """An area with history, drivers and one model, of each module that uses it."""
    area = Caller(client, profile(getattr(request.module, "TRAINED", "trained"), horizon=HORIZON))
    area.ok("PUT", "/items", json=[{"item": item, "category": "food"} for item in "ABC"])
    area.ok("PUT", "/locations", json=[{"location": "L1"}])
    area.ok("POST", "/demand", json=history(WEEKS))
    area.ok("PUT", "/drivers/price", json={"kind": "price", "known_ahead": True, "scope": "item"})
    area.ok("PUT", "/drivers/fair", json={"kind": "event", "known_ahead": True, "scope": "global"})
    area.ok("POST", "/drivers/price/values", json=PRICES)
    area.ok("POST", "/drivers/fair/values", json=FAIR)
    run = area.ok("POST", "/training-runs", json={"reason": "first"})
    work(jobs.train, run_id=run["id"])
    return area


@pytest.fixture(scope="module")
def promoted(trained):
    body = {"version": 1, "reason": "the first"}
    answer = trained("POST", "/models/promotions", json=body, headers={"If-Match": '"0"'})
    assert answer.status_code == 201, answer.text
    return trained


@pytest.fixture(scope="module")
def forecast(promoted, work):
    run = promoted.ok("POST", "/forecasts", json={})
    work(jobs.forecast, run_id=run["id"])
    return promoted.ok("GET", f"/forecasts/{run['id']}")


def test_a_training_run_tells_what_it_did(trained):
    run = trained.ok("GET", "/training-runs")["items"][0]
    assert (run["status"], run["error"], run["model_version"]) == ("succeeded", None, 1)
    assert run["progress"] == {"done": 6, "total": 6, "unit": "steps"}
    assert {warning["code"]: warning["count"] for warning in run["warnings"]} == {
        "driver-held": 3,
        "driver-none-ahead": 3,
    }


def test_a_version_carries_its_backtest_and_its_lineage(trained):
    version = trained.ok("GET", "/models/versions/1")
    metrics = version["metrics"]
    assert len(metrics["origins"]) == 3
    assert metrics["improvement"]["wql"]["low"] <= metrics["improvement"]["wql"]["estimate"]
    assert metrics["overall"]["model"].keys() == metrics["overall"]["seasonal_naive"].keys()
    assert metrics["series"]["better"] + metrics["series"]["worse"] == 3
    assert metrics["cells"]["better"] + metrics["cells"]["worse"] == 3 * 3
    assert version["last_period"] == week(WEEKS - 1)
    assert {"name": "horizon", "family": "horizon"} in version["features"]
    run = trained.ok("GET", f"/training-runs/{version['training_run']}")
    assert version["dataset_digest"] == run["input_digest"]


def test_mlflow_holds_the_version_with_all_that_was_asked(trained, settings):
    version = trained.ok("GET", "/models/versions/1")
    client = mlflow.MlflowClient(settings.mlflow_tracking_uri)
    stored = client.get_model_version("accord-trained", "1")
    run = client.get_run(version["mlflow_run"])
    assert stored.tags["accord.artifact_digest"] == version["artifact_digest"]
    assert run.data.tags["accord.dataset_digest"] == version["dataset_digest"]
    assert run.data.metrics["mean_model_wql"] == pytest.approx(version["metrics"]["overall"]["model"]["wql"])
    assert len(client.get_metric_history(run.info.run_id, "seasonal_naive_wql")) == 3
    model = mlflow.xgboost.load_model("models:/accord-trained/1")
    assert model.feature_names == [feature["name"] for feature in version["features"]]
    logged = client.get_logged_model(stored.source.rpartition("/")[2])
    assert {metric.key for metric in logged.metrics} == set(run.data.metrics)
    card = mlflow.models.get_model_info("models:/accord-trained/1")
    assert {column.type.name for column in card.signature.inputs} == {"double"}
    assert {column.type.name for column in card.signature.outputs} == {"float64"}
    example = mlflow.models.Model.load("models:/accord-trained/1").load_input_example()
    assert example.columns.tolist() == model.feature_names
    assert len(example) == 3
    place = Path(mlflow.artifacts.download_artifacts("models:/accord-trained/1/requirements.txt"))
    pinned = [line.partition("==") for line in place.read_text().splitlines()]
    assert all(release for _, _, release in pinned)
    assert [name for name, _, _ in pinned] == ["mlflow", "xgboost-cpu", "numpy", "pandas"]
    assert stored.tags["accord.code_version"] == version["code_version"]
    assert run.data.tags["mlflow.note.content"] == "first"


def test_mlflow_shows_metrics_per_fold_and_pictures(trained, settings):
    version = trained.ok("GET", "/models/versions/1")
    run = f"runs:/{version['mlflow_run']}"
    folds = mlflow.artifacts.load_text(f"{run}/folds.csv").encode()
    table = pyarrow.csv.read_csv(io.BytesIO(folds)).to_pylist()
    assert [str(row["origin"]) for row in table] == version["metrics"]["origins"]
    for told in ("model", "seasonal_naive"):
        mean = sum(row[f"{told}_wql"] for row in table) / len(table)
        assert mean == pytest.approx(version["metrics"]["overall"][told]["wql"])
    client = mlflow.MlflowClient(settings.mlflow_tracking_uri)
    pictures = client.list_artifacts(version["mlflow_run"], "plots")
    assert [picture.path for picture in pictures] == [
        f"plots/{name}.png" for name in ("calibration", "error_by_lag", "top_features")
    ]


def test_the_version_in_mlflow_suffices_to_forecast(forecast, promoted, settings):
    stored = mlflow.MlflowClient(settings.mlflow_tracking_uri).get_model_version("accord-trained", "1")
    place = Path(mlflow.artifacts.download_artifacts("models:/accord-trained/1/extra_files"))
    model = Model.from_files({path.name: path.read_bytes() for path in place.iterdir()})
    digest = stored.tags["accord.dataset_digest"]
    tables = Datasets(settings.datasets).blocks(digest)
    inputs = Inputs(digest, datetime.date.fromisoformat(week(WEEKS - 1)), tables)
    panel, _ = panels.panel(inputs, Profile("W", 52, HORIZON))
    rows = promoted.ok("GET", f"/forecasts/{forecast['id']}/values")["items"]
    assert [row["mean"] for row in rows] == model.forecast(panel).mean.ravel().tolist()


def test_a_version_is_retrained_from_its_recorded_digest_and_says_the_same(trained, settings):
    """What is recorded suffices: the dataset's digest, the profile, the seed."""
    version = trained.ok("GET", "/models/versions/1")
    tables = Datasets(settings.datasets).blocks(version["dataset_digest"])
    origin = datetime.date.fromisoformat(version["last_period"])
    profile = Profile(version["frequency"], version["season_length"], version["horizon"])
    panel, _ = panels.panel(Inputs(version["dataset_digest"], origin, tables), profile)
    again = train(panel, seed=version["seed"], threads=1)
    place = settings.model_cache / "trained" / "1"
    stored = Model.from_files({path.name: path.read_bytes() for path in place.iterdir()})
    assert artifacts.digest(again.to_files()) == version["artifact_digest"]
    assert again.forecast(panel).quantiles.tolist() == stored.forecast(panel).quantiles.tolist()


def test_a_version_is_judged_when_it_is_trained(trained):
    version = trained.ok("GET", "/models/versions/1")
    gates = {gate["gate"]: gate for gate in version["gates"]}
    assert version["judged_against"] is None
    assert gates.keys() == {"bias", "coverage", "freshness", "size", "warm_up", "latency"}
    assert all(gate["passed"] for gate in gates.values()), gates
    assert gates["bias"]["low"] <= gates["bias"]["value"] <= gates["bias"]["high"]
    folds = version["metrics"]["folds"]
    assert [fold["periods"][0] for fold in folds] == version["metrics"]["origins"]
    assert {len(fold["loss"]["all"]) for fold in folds} == {HORIZON}


def test_a_model_card_tells_data_metrics_limits_and_lineage(trained, settings):
    version = trained.ok("GET", "/models/versions/1")
    card = trained.ok("GET", "/models/versions/1/card")
    assert card["data"]["last_period"] == week(WEEKS - 1)
    assert card["data"]["series"] == 3
    assert card["lineage"]["dataset_digest"] == version["dataset_digest"]
    assert card["metrics"]["overall"] == version["metrics"]["overall"]
    read = trained("GET", "/models/versions/1/card", headers={"Accept": "text/markdown"})
    assert read.headers["content-type"].startswith("text/markdown")
    assert version["code_version"] in read.text
    run = f"runs:/{version['mlflow_run']}"
    shown = {name: mlflow.artifacts.load_text(f"{run}/{name}") for name in ("card.md", "card.json")}
    assert shown["card.md"] == read.text
    assert json.loads(shown["card.json"]) == card


def test_the_alias_in_mlflow_follows_the_promotion(promoted, work, settings):
    assert promoted.ok("GET", "/models/champion")["promotion"]["mirrored_at"] is None
    work(jobs.mirror_champion, area="trained")
    client = mlflow.MlflowClient(settings.mlflow_tracking_uri)
    assert str(client.get_model_version_by_alias("accord-trained", "champion").version) == "1"
    promotion = promoted.ok("GET", "/models/champion")["promotion"]
    assert promotion["mirrored_at"] is not None
    assert promotion["diverged_at"] is None


def test_an_alias_that_somebody_moved_is_told_of_and_put_back(promoted, work, settings, database):
    work(jobs.mirror_champion, area="trained")
    client = mlflow.MlflowClient(settings.mlflow_tracking_uri)
    for _ in range(2):
        client.delete_registered_model_alias("accord-trained", "champion")
        work(jobs.reconcile_aliases, timestamp=0)
    assert str(client.get_model_version_by_alias("accord-trained", "champion").version) == "1"
    promotion = promoted.ok("GET", "/models/champion")["promotion"]
    assert promotion["diverged_at"] is not None
    assert promotion["diverged_to"] is None
    with database.read() as session:
        told = text("SELECT data FROM outbox WHERE area = 'trained' AND type = 'models.registry_diverged'")
        assert session.scalars(told).all() == [{"found": None, "champion": 1, "sequence": 1}] * 2


def test_a_forecast_tells_what_it_was_made_of(forecast):
    assert (forecast["status"], forecast["error"]) == ("succeeded", None)
    assert (forecast["model_version"], forecast["origin"]) == (1, week(WEEKS - 1))
    assert forecast["periods"] == [week(WEEKS + step) for step in range(HORIZON)]
    assert forecast["series_count"] == 3
    assert {"driver-held", "driver-none-ahead"} <= {warning["code"] for warning in forecast["warnings"]}
    assert set(forecast["accuracy"]) == {"overall", "improvement"}


def test_values_are_the_same_by_pages_as_csv_and_as_arrow(promoted, forecast):
    path = "/forecasts/latest/values"
    page, rows = promoted.ok("GET", f"{path}?limit=4"), []
    while page["next_cursor"]:
        rows += page["items"]
        page = promoted.ok("GET", f"{path}?limit=4&cursor={page['next_cursor']}")
    rows += page["items"]
    table = pa.ipc.open_stream(promoted("GET", path, headers=ARROW).content).read_all()
    csv = pyarrow.csv.read_csv(io.BytesIO(promoted("GET", path, headers={"Accept": "text/csv"}).content))
    levels = [f"{level:g}" for level in forecast["quantiles"]]
    names = ["item", "location", "period", "mean", *(f"q{level}" for level in levels), "dependence"]
    assert table.column_names == csv.column_names == names
    assert csv.to_pylist() == table.to_pylist()
    parquet = pq.read_table(io.BytesIO(promoted("GET", path, headers={"Accept": PARQUET}).content))
    assert parquet == table
    lines = promoted("GET", path, headers={"Accept": NDJSON}).text.splitlines()
    assert [json.loads(line) for line in lines] == [
        row | {"period": row["period"].isoformat()} for row in table.to_pylist()
    ]
    assert [(row["item"], row["period"]) for row in rows] == [
        (item, week(WEEKS + step)) for item in "ABC" for step in range(HORIZON)
    ]
    for row, whole in zip(rows, table.to_pylist(), strict=True):
        assert (row["item"], row["location"], row["period"]) == (whole["item"], "L1", whole["period"].isoformat())
        assert row["mean"] == whole["mean"]
        assert row["quantiles"] == {level: whole[f"q{level}"] for level in levels}
        assert list(row["quantiles"].values()) == sorted(row["quantiles"].values())
        assert 0 <= whole["dependence"] <= 1


def test_one_item_of_the_values(promoted, forecast):
    rows = promoted.ok("GET", f"/forecasts/{forecast['id']}/values?item=B&location=L1")["items"]
    assert [row["item"] for row in rows] == ["B"] * HORIZON


def test_aggregates_are_the_sums_of_the_items(promoted, forecast):
    assert set(forecast["levels"]) == {"total", "item", "location", "category"}
    path = f"/forecasts/{forecast['id']}/values"
    items = promoted.ok("GET", path)["items"]
    for level, node in (("total", "total"), ("location", "L1"), ("category", "food")):
        rows = promoted.ok("GET", f"{path}?level={level}")["items"]
        assert [(row["level"], row["node"], row["period"]) for row in rows] == [
            (level, node, period) for period in forecast["periods"]
        ]
        for row in rows:
            alone = [one for one in items if one["period"] == row["period"]]
            assert row["mean"] == pytest.approx(sum(one["mean"] for one in alone), rel=1e-12)
            assert list(row["quantiles"].values()) == sorted(row["quantiles"].values())
            width, widths = (
                sum(one["quantiles"]["0.9"] - one["quantiles"]["0.1"] for one in part) for part in ([row], alone)
            )
            assert 0 < width <= widths * 1.001


def test_an_aggregate_of_one_item_location_is_its_own_forecast(promoted, forecast):
    path = f"/forecasts/{forecast['id']}/values"
    items, nodes = promoted.ok("GET", path)["items"], promoted.ok("GET", f"{path}?level=item")["items"]
    named = [{"level": "item", "node": row.pop("item"), **row} for row in items if row.pop("location") == "L1"]
    assert named == nodes


def test_aggregates_are_the_same_by_pages_and_as_tables(promoted, forecast):
    path = "/forecasts/latest/values?level=item"
    page = promoted.ok("GET", f"{path}&limit=4")
    rows = page["items"] + promoted.ok("GET", f"{path}&limit=1000&cursor={page['next_cursor']}")["items"]
    table = pa.ipc.open_stream(promoted("GET", path, headers=ARROW).content).read_all()
    names = [f"q{level:g}" for level in forecast["quantiles"]]
    assert table.column_names == ["level", "node", "period", "mean", *names]
    csv = pyarrow.csv.read_csv(io.BytesIO(promoted("GET", path, headers={"Accept": "text/csv"}).content))
    assert csv.to_pylist() == table.to_pylist()
    assert pq.read_table(io.BytesIO(promoted("GET", path, headers={"Accept": PARQUET}).content)) == table
    assert [
        {name: row[name] for name in ("level", "node", "mean")} | {"period": row["period"].isoformat()}
        for row in table.to_pylist()
    ] == [{name: row[name] for name in ("level", "node", "mean", "period")} for row in rows]
    assert [list(row["quantiles"].values()) for row in rows] == [
        [row[name] for name in names] for row in table.to_pylist()
    ]


def test_levels_that_are_not_there_are_named(promoted, forecast, database, work):
    path = f"/forecasts/{forecast['id']}/values"
    answer = promoted("GET", f"{path}?level=region")
    assert problem(answer) == (404, "unknown-level")
    assert "category" in answer.json()["detail"]
    assert problem(promoted("GET", f"{path}?level=total&item=A")) == (422, "invalid")
    run = promoted.ok("POST", "/forecasts", json={"horizon": 1})
    work(jobs.forecast, run_id=run["id"])
    with database.write() as session:  # as the release before left it
        session.execute(text("DELETE FROM forecast_nodes WHERE forecast_id = :id"), {"id": run["id"]})
        session.execute(text("UPDATE forecasts SET levels = DEFAULT WHERE id = :id"), {"id": run["id"]})
    assert problem(promoted("GET", f"/forecasts/{run['id']}/values?level=total")) == (409, "no-levels")


def test_the_backtest_tells_what_reconciling_gains(trained):
    levels = trained.ok("GET", "/models/versions/1")["metrics"]["levels"]
    assert levels.keys() == {"total"}
    assert levels["total"].keys() == {"nodes", "reconciled", "summed", "statistics", "gain"}
    reconciled, summed = (levels["total"][way]["rmsse"] for way in ("reconciled", "summed"))
    assert levels["total"]["gain"] == pytest.approx(1 - reconciled / summed)


def test_the_same_data_and_model_give_the_same_forecast(promoted, forecast, work):
    again = promoted.ok("POST", "/forecasts", json={"origin": week(WEEKS - 1), "horizon": HORIZON, "model": 1})
    work(jobs.forecast, run_id=again["id"])
    again = promoted.ok("GET", f"/forecasts/{again['id']}")
    assert again["input_digest"] == forecast["input_digest"]
    assert again["output_digest"] == forecast["output_digest"]


def test_an_earlier_origin_reads_no_later_demand_and_tells_that_the_model_knows_it(promoted, forecast, work):
    run = promoted.ok("POST", "/forecasts", json={"origin": week(WEEKS - 5), "horizon": 1})
    work(jobs.forecast, run_id=run["id"])
    run = promoted.ok("GET", f"/forecasts/{run['id']}")
    assert (run["status"], run["periods"]) == ("succeeded", [week(WEEKS - 4)])
    assert run["input_digest"] != forecast["input_digest"]
    assert "hindsight" in {warning["code"] for warning in run["warnings"]}
    assert "hindsight" not in {warning["code"] for warning in forecast["warnings"]}


def test_a_damaged_cache_is_replaced_and_a_damaged_registry_refused(promoted, work, settings, database):
    kept = settings.model_cache / "trained" / "1" / "mean.ubj"
    good = kept.read_bytes()
    kept.write_bytes(b"x" + good[1:])
    run = promoted.ok("POST", "/forecasts", json={})
    work(jobs.forecast, run_id=run["id"])
    assert promoted.ok("GET", f"/forecasts/{run['id']}")["status"] == "succeeded"
    assert kept.read_bytes() == good
    with database.write() as session:
        session.execute(text("UPDATE model_versions SET artifact_digest = 'other' WHERE area = 'trained'"))
    run = promoted.ok("POST", "/forecasts", json={})
    work(jobs.forecast, run_id=run["id"])
    failed = promoted.ok("GET", f"/forecasts/{run['id']}")
    assert (failed["status"], failed["error"]["type"]) == ("failed", "/docs/errors#artifact-corrupt")
    assert kept.read_bytes() == good
