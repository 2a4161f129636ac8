"""`python -m demo [--data FILE]`: start Accord, load real data, train, promote, forecast, plan, decide, and report."""

import argparse
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from demo import longfile, report, stack, walmart
from demo.client import Client
from demo.dataset import ASSUMED, Dataset, Supply, assume_supply, parquet

ROLES = {"erp": "integrator", "maya": "mlops", "paul": "planner", "ada": "auditor"}


def main() -> None:
    wish = _wish()
    started = time.monotonic()
    data = longfile.load(wish.data) if wish.data else walmart.load()
    print(data.title)
    for note in (*data.notes, ASSUMED):
        print(f"  {note}")
    report.heading("Accord")
    url, admin_key = stack.start(wish.port, wish.data_dir)
    admin = Client(url, admin_key)
    people = {name: Client(url, key, data.area) for name, key in _people(admin, data).items()}

    _load(people["erp"], data, assume_supply(data))
    model = _model(people["maya"])
    forecast = people["paul"].run("/forecasts", {}, "forecast")
    plan = people["paul"].run("/plans", {"forecast": forecast["id"]}, "plan")
    inbox = people["paul"].get("/recommendations?status=proposed&sort=-net_benefit&limit=50")["items"]
    orders = [one for one in inbox if one["order"]]

    report.accuracy(model)
    report.plan(plan)
    report.recommendations(inbox)
    report.decisions(_decide(people["paul"], orders))
    report.ledger(people["ada"].call("POST", "/decisions:verify"))
    _where_to_look(url, wish.data_dir, data, _chart(people["paul"], data, forecast, orders, wish.data_dir))
    print(f"\nDone in {time.monotonic() - started:.0f} s.")


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="a long CSV or Parquet file: item, location, period, quantity")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--data-dir", type=Path, default=Path(".accord"))
    return parser.parse_args()


def _people(admin: Client, data: Dataset) -> dict[str, str]:
    """Keys of an ERP system, an MLOps engineer, a planner and an auditor in the demo's area."""
    if admin.request("GET", f"/areas/{data.area}").status == 404:
        profile = {"area": data.area, "frequency": data.frequency, "week_start": data.week_start}
        profile |= {"horizon": data.horizon, "currency": data.currency, "time_zone": "UTC", "holding_rate": "0.25"}
        admin.call("POST", "/areas", body=profile)
    return {name: _key(admin, f"{data.area}-{name}", role, data.area) for name, role in ROLES.items()}


def _key(admin: Client, name: str, role: str, area: str) -> str:
    known = {one["name"]: one["id"] for one in admin.get("/principals?limit=1000")["items"]}
    if name not in known:
        kind = "system" if role == "integrator" else "person"
        body = {"name": name, "kind": kind, "roles": [{"area": area, "role": role}]}
        known[name] = admin.call("POST", "/principals", body=body)["id"]
    wish = {"principal": known[name], "label": "demo", "expires_in_days": 1}
    return str(admin.call("POST", "/api-keys", body=wish)["key"])


def _load(erp: Client, data: Dataset, supply: Supply) -> None:
    erp.table("PUT", "/items", "items", body=data.items())
    erp.table("PUT", "/locations", "locations", body=data.locations())
    changed = erp.table("POST", "/demand", "demand", parquet=parquet(data.demand))
    print(f"  loaded {len(data.demand):,} rows of demand, {changed:,} new or changed")
    for driver in data.drivers:
        erp.call("PUT", f"/drivers/{driver.name}", body=driver.definition)
        erp.table("POST", f"/drivers/{driver.name}/values", f"driver {driver.name}", parquet=parquet(driver.values))
    if data.drivers:
        print(f"  loaded drivers: {', '.join(driver.name for driver in data.drivers)}")
    erp.table("POST", "/inventory", "stock", body=supply.inventory)
    erp.table("PUT", "/supply/sourcing-rules", "sourcing rules", body=supply.rules)
    erp.table("PUT", "/supply/planning-policies", "planning policies", body=supply.policies)
    print(f"  loaded assumed stock and sourcing of {len(supply.rules):,} item-locations")


def _model(mlops: Client) -> dict[str, Any]:
    """Train a version and make it champion."""
    run = mlops.run("/training-runs", {"reason": "demo"}, "training and backtest")
    promotion = {"version": run["model_version"], "reason": "demo: first look"}
    mlops.call("POST", "/models/promotions", body=promotion, headers=mlops.version("/models/promotions"))
    print(f"  model version {run['model_version']} is champion")
    model: dict[str, Any] = mlops.get(f"/models/versions/{run['model_version']}")
    return model


def _decide(planner: Client, orders: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Accept the first, override the second, annotate the third, as a planner would."""
    made = []
    for number, one in enumerate(orders[:3]):
        lot = one["order"]["triggers"]["multiple"]
        wish: dict[str, Any] = [
            {"action": "accept"},
            {
                "action": "override",
                "quantity": one["order"]["quantity"] + lot,
                "reason_code": "PROMOTION",
                "note": "Leaflet next week, not in the data",
            },
            {"action": "annotate", "note": "Ask the supplier whether half a lot is possible"},
        ][number]
        path = f"/recommendations/{one['id']}"
        headers = {} if wish["action"] == "annotate" else planner.version(path)
        made.append((one, planner.call("POST", f"{path}/decisions", body=wish, headers=headers)))
    return made


def _chart(
    planner: Client, data: Dataset, forecast: dict[str, Any], orders: list[dict[str, Any]], folder: Path
) -> Path:
    shown = orders[0] if orders else data.demand.iloc[0].to_dict()
    item, location = shown["item"], shown["location"]
    query = urlencode({"item": item, "location": location, "limit": 1000})
    values = planner.get(f"/forecasts/{forecast['id']}/values?{query}")["items"]
    file = folder / f"fan-chart-{data.area}.png"
    report.fan_chart(data, item, location, values, file)
    return file


def _where_to_look(url: str, folder: Path, data: Dataset, chart: Path) -> None:
    report.heading("Where to look")
    print(f"  fan chart       {chart}")
    print(f"  API and docs    {url}/docs (contract: {url}/openapi.json)")
    print("  orders that an ERP would now release:")
    key = f"Authorization: Bearer $(cat {folder}/admin.key)"
    print(f"    curl -H \"{key}\" '{url}/v1/areas/{data.area}/orders?status=to_release'")
    print(f"  Accord goes on running; stop it with: kill {(folder / 'lock').read_text().strip()}")


if __name__ == "__main__":
    main()
