"""A running Accord as tests see it: clients by role, areas of their own, a little history to plan on."""

import datetime
import itertools
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

PATIENCE_SECONDS = 180
_numbers = itertools.count()


def client(url: str, key: str | None, prefix: str = "") -> httpx2.Client:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return httpx2.Client(base_url=url + prefix, headers=headers, timeout=60)


@dataclass
class Accord:
    """A stack that runs. `admin` may do everything."""

    url: str
    data_dir: Path
    admin: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.admin = client(self.url, (self.data_dir / "admin.key").read_text().strip())

    def area(self, **profile: Any) -> "Area":
        """A new area; weekly, in USD, weeks from Monday, 8 weeks ahead, where nothing else is said."""
        usual = {"frequency": "W", "currency": "USD", "time_zone": "UTC", "horizon": 8}
        name = f"test-{next(_numbers)}-{time.time_ns()}"
        made = self.admin.post("/v1/areas", json=usual | profile | {"area": name})
        assert made.status_code == 201, made.text
        return Area(self, name)

    def key(self, *roles: tuple[str, str], delegate: bool = False) -> str:
        """The key of a new principal that has these (area, role)."""
        grants = [{"area": area, "role": role} for area, role in roles]
        body = {"name": f"principal-{next(_numbers)}-{time.time_ns()}", "kind": "person", "roles": grants}
        principal = self.admin.post("/v1/principals", json=body)
        assert principal.status_code == 201, principal.text
        made = self.admin.post("/v1/api-keys", json={"principal": principal.json()["id"], "delegate": delegate})
        assert made.status_code == 201, made.text
        return str(made.json()["key"])


@dataclass
class Area:
    """One area, with a client per role."""

    accord: Accord
    name: str
    clients: dict[str, httpx2.Client] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return f"/v1/areas/{self.name}"

    def as_(self, role: str, *, delegate: bool = False) -> httpx2.Client:
        """A client whose paths begin inside the area."""
        if role not in self.clients or delegate:
            key = self.accord.key((self.name, role), delegate=delegate)
            self.clients[role] = client(self.accord.url, key, self.prefix)
        return self.clients[role]

    def finish(self, answer: httpx2.Response) -> dict[str, Any]:
        """The run that a 202 names, once it is over."""
        assert answer.status_code == 202, answer.text
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            run = self.accord.admin.get(answer.headers["location"], headers={"Prefer": "wait=20"})
            assert run.status_code == 200, run.text
            body: dict[str, Any] = run.json()
            if body["status"] in {"succeeded", "failed", "cancelled"}:
                return body
        raise TimeoutError(f"still {body['status']}: {body}")

    def succeed(self, answer: httpx2.Response) -> dict[str, Any]:
        run = self.finish(answer)
        assert run["status"] == "succeeded", run["error"]
        return run


MONDAY = datetime.date(2021, 1, 4)


def week(number: int) -> str:
    return (MONDAY + datetime.timedelta(weeks=number)).isoformat()


def history(weeks: int = 120, items: tuple[str, ...] = ("A", "B", "C"), location: str = "L1") -> list[dict[str, Any]]:
    """Weekly demand with a yearly season and a little deterministic noise, as rows."""
    return [
        {
            "item": item,
            "location": location,
            "period": week(number),
            "quantity": round(
                (number_of_item + 1) * 40 * (1 + 0.3 * math.sin(number * math.tau / 52))
                + 7 * math.sin(number * 12.9898 + number_of_item * 78.233),
                2,
            ),
        }
        for number_of_item, item in enumerate(items)
        for number in range(weeks)
    ]


def put(client: httpx2.Client, method: str, path: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The counts of a table of at most 1,000 rows."""
    answer = client.request(method, path, json=rows)
    assert answer.status_code == 200, answer.text
    counts: dict[str, Any] = answer.json()
    return counts


def load_history(area: Area, weeks: int = 120, items: tuple[str, ...] = ("A", "B", "C")) -> None:
    """Items, one location and their demand."""
    erp = area.as_("integrator")
    put(erp, "PUT", "/items", [{"item": item, "unit_cost": "10.00"} for item in items])
    put(erp, "PUT", "/locations", [{"location": "L1"}])
    put(erp, "POST", "/demand", history(weeks, items))


def load_supply(area: Area, weeks: int = 120, items: tuple[str, ...] = ("A", "B", "C")) -> None:
    """Stock that will not last, one supplier, two weeks away."""
    erp = area.as_("integrator")
    inventory = [{"item": item, "location": "L1", "as_of": week(weeks), "on_hand": 60} for item in items]
    rules = [
        {"item": item, "location": "L1", "mode": "buy", "source": "S1", "lead_time": 2, "moq": 20, "multiple": 10}
        | {"unit_cost": "10.00", "order_cost": "25.00"}
        for item in items
    ]
    put(erp, "POST", "/inventory", inventory)
    put(erp, "PUT", "/supply/sourcing-rules", rules)
    put(erp, "PUT", "/supply/planning-policies", [{"shortage_cost": "4.00", "review_period": 1}])


def train_and_promote(area: Area) -> int:
    """The version that became champion."""
    mlops = area.as_("mlops")
    run = area.succeed(mlops.post("/training-runs", json={"reason": "first"}))
    version: int = run["model_version"]
    etag = mlops.get("/models/promotions").headers["etag"]
    body = {"version": version, "reason": "first"}
    promoted = mlops.post("/models/promotions", json=body, headers={"If-Match": etag})
    assert promoted.status_code == 201, promoted.text
    return version
