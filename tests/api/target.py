"""An area with something in every table, and how the calls of calls.py are sent to it."""

import json
import re

from shared.media import JSON
from tests.api.calls import NOBODY, SAMPLES
from tests.factories import load_history, load_supply, week

LISTS = ("items", "locations", "demand", "drivers", "drivers/price/values", "inventory", "scheduled-receipts", "plans")
LISTS += ("supply/sourcing-rules", "supply/planning-policies", "forecasts", "training-runs", "models/promotions")
LISTS += ("recommendations", "decisions", "imports", "supply/imports", "open-orders", "supply/processes")
LISTS += ("supply/process-components", "supply/process-loads", "supply/resources", "supply/resource-capacity")
LISTS += ("adjustments", "outcomes", "comments")
SINGLE = ("", "/reason-codes", "/approval-rules", "/automation", "/auto-accept-policies", "/planning-cycles")


class Target:
    """An area of an Accord that runs; `names` are those that the placeholders of paths and samples stand for, `seen` is
    what a snapshot last showed.
    """

    def __init__(self, accord):
        self.area = accord.area()
        self.client = accord.admin
        load_history(self.area, 30, ("A",))
        load_supply(self.area, 30, ("A",))
        erp = self.area.as_("integrator")
        price = {"kind": "price", "known_ahead": True, "scope": "item-location"}
        assert erp.put("/drivers/price", json=price).status_code == 200
        values = [{"item": "A", "location": "L1", "period": week(number), "mean": 50} for number in range(30, 38)]
        assert erp.post("/external-forecasts", params={"name": "base"}, json=values).status_code == 201
        forecast = erp.get("/forecasts", params={"source": "external"}).json()["items"][0]["id"]
        self.area.succeed(self.area.as_("planner").post("/plans", json={"forecast": forecast}))
        recommendation = self.area.as_("viewer").get("/recommendations").json()["items"][0]["id"]
        body = {"name": f"{self.area.name}-own", "kind": "system"}
        principal = self.client.post("/v1/principals", json=body).json()["id"]
        self.names = {"area": self.area.name, "driver": "price", "principal": principal}
        self.names |= {
            "version": "1",
            "recommendation": recommendation,
            "code": "FLYER",
            "policy": "small",
            "cycle": "march",
        }
        self.seen = self.snapshot()

    def path(self, call, **names):
        names = self.names | {"etag": ""} | names
        return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], NOBODY), call.path)

    def filled(self, value):
        """A sample's value with the names of this area in it."""
        text = json.dumps(value)
        for name, known in self.names.items():
            text = text.replace(f"{{{name}}}", known)
        return json.loads(text)

    def send(self, call, body, media=JSON, headers=(), **params):
        """The answer, with the sample's parameters and a current If-Match."""
        sample = SAMPLES[str(call)]
        named = {"Content-Type": media} if media else {}
        if "{etag}" in sample.headers.values():
            named["If-Match"] = self.client.get(self._versioned(call)).headers["etag"]
        named |= {name: value for name, value in sample.headers.items() if value != "{etag}"} | dict(headers)
        query = sample.params | params
        return self.client.request(call.method, self.path(call), content=body, headers=named, params=query)

    def _versioned(self, call):
        """The path of what the call changes: a recommendation, whatever of it is called, or the thing itself."""
        return re.sub(r"(/recommendations/[^/]+)/.*", r"\1", self.path(call))

    def snapshot(self):
        lists = {name: self.client.get(f"{self.area.prefix}/{name}", params={"limit": 1000}) for name in LISTS}
        found = {name: [answer.status_code, answer.json()["items"]] for name, answer in lists.items()}
        everywhere = ("/v1/areas", "/v1/principals", "/v1/api-keys")
        counts = {path: len(self.client.get(path, params={"limit": 1000}).json()["items"]) for path in everywhere}
        single = {name: self.client.get(self.area.prefix + name).json() for name in SINGLE}
        return found | counts | single
