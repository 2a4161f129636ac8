"""A challenger and an agency beside the champion, over real processes: shadows, comparison, advice, consensus."""

import time

from tests.factories import history, load_history, train_and_promote, week

WEEKS, ROUNDS = 70, 7


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return found


def test_who_beats_the_champion_is_recommended_and_nobody_is_promoted(accord):
    area = accord.area(horizon=3)
    load_history(area, WEEKS)
    first = train_and_promote(area)
    mlops, planner, outside, erp = (area.as_(role) for role in ("mlops", "planner", "integrator", "integrator"))
    wish = {"reason": "another seed", "parameters": {"seed": 11}}
    second = area.succeed(mlops.post("/training-runs", json=wish))["model_version"]
    marked = mlops.put("/models/challenger", json={"version": second, "reason": "x"}, headers={"If-Match": '"0"'})
    assert marked.json()["active"], marked.text

    for number in range(WEEKS, WEEKS + ROUNDS):
        came = [row for row in history(number + 1) if row["period"] == week(number)]
        told = [
            {"item": row["item"], "location": row["location"], "period": row["period"], "mean": row["quantity"]}
            | dict.fromkeys(
                [f"q{level:g}" for level in (0.025, *(step / 10 for step in range(1, 10)), 0.975)], row["quantity"]
            )
            for row in came
        ]
        outside.post("/external-forecasts", params={"name": "agency"}, json=told).raise_for_status()
        forecast = area.succeed(planner.post("/forecasts", json={}))
        erp.post("/demand", json=came).raise_for_status()
    last = area.succeed(planner.post("/forecasts", json={}))
    assert (forecast["model_version"], last["model_version"]) == (first, first)

    filed = until(lambda: planner.get("/recommendations", params={"type": "promote_model"}).json()["items"])
    (advice,) = [one for one in filed if one["source"] == "agency"]
    assert advice["comparison"]["rounds"] == ROUNDS
    assert advice["comparison"]["improvement"] == 1
    assert "The external forecast agency beats the champion" in advice["text"]
    assert mlops.get("/models/champion").json()["model"]["version"] == first

    shadows = until(
        lambda: [
            one
            for one in planner.get("/forecasts", params={"limit": 100}).json()["items"]
            if one["stage"] == "shadow" and one["base"] == last["id"] and one["status"] == "succeeded"
        ]
    )
    refused = area.finish(planner.post("/plans", json={"forecast": shadows[0]["id"]}))
    assert refused["error"]["type"].endswith("#shadow-forecast")

    report = {one["rival"]: one for one in mlops.get("/models/comparison").json()["items"]}
    assert report["agency"]["test"]["verdict"] == "rival"
    assert report["agency"]["segments"][0]["n"] == 3 * ROUNDS
    assert (report[str(second)]["kind"], report[str(second)]["test"]["rounds"]) == ("challenger", ROUNDS)

    wish = {"consensus": True, "base": forecast["id"], "external": ["agency"]}
    made = area.succeed(planner.post("/forecasts", json=wish))
    period = week(WEEKS + ROUNDS - 1)
    values = planner.get(f"/forecasts/{made['id']}/values", params={"item": "A"}).json()["items"]
    assert [one["mean"] for one in values if one["period"] == period] == [came[0]["quantity"]]
