"""What other services recommend is in the same log: filed once, decided on, signed, superseded."""

import datetime
import json

import pytest
from sqlalchemy import text

from services.planner.ledger import audit
from services.planner.recommendations import calendar
from shared.media import NDJSON
from tests.unit.planner_service import test_recommendations

FORECAST = "01900000-0000-7000-8000-000000000009"
PREVIOUS = "01900000-0000-7000-8000-000000000008"


def jump(item="A", forecast=FORECAST, **more):
    told = {
        "origins": [f"jump:{forecast}:{item}:L"],
        "type": "review_forecast",
        "item": item,
        "location": "L",
        "forecast": forecast,
        "model_version": 2,
        "stake": {"units": 400, "value": "1200.50", "rank": 1, "flagged": 1},
        "jump": {
            "previous": PREVIOUS,
            "previous_model_version": 1,
            "periods": ["2026-03-02", "2026-03-09"],
            "before": [100, 100],
            "after": [300, 300],
            "change": 400,
            "spread": 50,
            "z": 8,
        },
    }
    return told | more


def contest(version=3):
    figures = {"improvement": 0.5, "low": 0.25, "high": 0.75, "level": 0.9}
    told = {"champion": 2, "gates": ["beats_champion", "bias"]} | figures
    return {"origins": [f"promote:{version}"], "type": "promote_model", "model_version": version, "contest": told}


def drift(origin="drift:1", **more):
    item = {"item": "A", "location": "L", "since": "2026-02-02", "raised": "2026-02-16", "units": 30, "value": "75.00"}
    measured = {"item_locations": 1, "watched": 5, "units": 30, "value": "75.00", "limit": 9.5, "rate": 0.05}
    dated = {"since": "2026-02-02", "raised": "2026-02-16", "until": "2026-03-02", "basis": "backtest"}
    about = {"model": "2", "segment": "smooth", "scope": "segment", "signal": "level", "direction": "down"}
    told = {"origins": [origin], "type": "retrain_model", "model_version": 2}
    return told | {"drift": about | dated | measured | {"items": [item]}} | more


def dead():
    told = {"driver": "price", "since": "2026-01-05", "still": 9}
    return {"origins": ["drift:price"], "type": "review_forecast", "dead_driver": told}


def comparison(kind="challenger", rival="3", **more):
    """On realised demand; about a version where nothing else is said."""
    told = {
        "champion": 2,
        "kind": kind,
        "rival": rival,
        "forecast": FORECAST,
        "first": "2026-01-05",
        "last": "2026-03-09",
        "decided": "2026-03-02",
        "rounds": 10,
        "cells": 400,
        "item_locations": 40,
        "improvement": 0.125,
        "low": 0.05,
        "high": 0.2,
        "level": 0.9,
        "evidence": 25.0,
        "alpha": 0.05,
    }
    about = {"source": rival} if kind == "external" else {"model_version": 3}
    said = {"origins": [f"realised:{kind}:{rival}"], "type": "promote_model", "comparison": told}
    return said | about | more


def file(area, *wishes, withdrawn=(), **more):
    body = {"recommendations": wishes, "withdrawn": withdrawn}
    return area.ok("POST", "/recommendations", role="service", json=body, **more)["items"]


def listed(area, **filters):
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return area.ok("GET", f"/recommendations?{query}")["items"]


def decide(area, recommendation, action, **wish):
    return test_recommendations.decide(area, recommendation, {"action": action} | wish)


def intact(area):
    chains = area.ok("POST", "/decisions:verify")["chains"]
    return [chain["first_bad"] for chain in chains] == [None]


def test_it_is_listed_with_its_evidence_and_words(area):
    (filed,) = file(area, jump())
    (found,) = listed(area)
    assert (filed["recommendation"], filed["new"]) == (found["id"], True)
    assert (found["type"], found["status"], found["route"]) == ("review_forecast", "proposed", "review")
    assert (found["plan"], found["forecast"], found["order"]) == (None, FORECAST, None)
    assert {name: found[name] for name in ("stake", "jump", "origins")} == {
        name: jump()[name] for name in ("stake", "jump", "origins")
    }
    assert found["text"] == (
        "Look at the forecast of A in L. Over 2 periods from 2026-03-02 on it went from 200 to 600, 8 times the spread "
        "of the forecast before. 400 units, 1200.50 USD at unit cost are at stake."
    )
    (entry,) = area.ok("GET", "/decisions")["items"]
    assert (entry["action"], entry["subject"]) == ("file", found["filing"])
    assert entry["body"]["recommendations"] == [found["id"]]
    assert intact(area)


def test_what_is_filed_again_stands_as_it_was(area):
    first = file(area, jump(), jump("B"))
    again = file(area, jump("B", stake=jump()["stake"] | {"units": 1}), jump("C"), jump("C"))
    assert [one["new"] for one in first + again] == [True, True, False, True, False]
    assert again[0]["recommendation"] == first[1]["recommendation"]
    assert again[1]["recommendation"] == again[2]["recommendation"]
    assert [one["status"] for one in listed(area)] == ["proposed"] * 3
    assert file(area, jump())[0]["recommendation"] == first[0]["recommendation"]
    assert len(area.ok("GET", "/decisions")["items"]) == 2
    assert intact(area)


def test_one_new_origin_files_it_and_names_them_all(area):
    (first,) = file(area, jump(origins=["misses:1"]))
    (both,) = file(area, jump(origins=["misses:1", "jump:2"]))
    assert (both["new"], both["recommendation"] != first["recommendation"]) == (True, True)
    assert [one["new"] for one in file(area, jump(origins=["misses:1"]), jump(origins=["jump:2"]))] == [False, False]


def test_what_is_open_about_the_same_is_superseded_with_its_notes(area):
    (old,) = file(area, jump())
    other = file(area, jump("B"), contest())
    decide(area, listed(area, item="A")[0], "annotate", note="who ordered that?")
    (new,) = file(area, jump(forecast=PREVIOUS))
    shown = {one["id"]: one for one in listed(area)}
    assert [shown[one["recommendation"]]["status"] for one in (old, *other, new)] == [
        "superseded",
        "proposed",
        "proposed",
        "proposed",
    ]
    detail = area.ok("GET", f"/recommendations/{new['recommendation']}")
    assert shown[old["recommendation"]]["superseded_by"] == detail["filing"]
    assert [one["note"] for one in detail["carried_over"]] == ["who ordered that?"]
    assert intact(area)


def test_alarms_stand_beside_each_other_until_they_are_withdrawn(area):
    first, other, driver = file(area, drift(), drift("drift:2"), dead())
    texts = {one["id"]: one["text"] for one in listed(area)}
    assert texts[first["recommendation"]] == (
        "Train a model anew, which accepting this starts: of version 2 demand lies below its forecasts in 1 of 5 "
        "smooth item-locations, since 2026-02-02. Up to 2026-03-02 that has cost 30 units, 75.00 USD at unit cost."
    )
    assert texts[driver["recommendation"]] == (
        "Look at driver price: none of its values has changed since 2026-01-05, for 9 periods, longer than ever before."
    )
    (grown,) = file(area, drift("drift:3"), jump(), withdrawn=["drift:1", "drift:unknown"])[:1]
    shown = {one["id"]: one for one in listed(area)}
    assert shown[grown["recommendation"]]["drift"] == drift()["drift"]
    standing = (first, other, driver, grown)
    assert [shown[one["recommendation"]]["status"] for one in standing] == ["superseded", *["proposed"] * 3]
    assert file(area, withdrawn=["drift:2"]) == []
    entries = area.ok("GET", "/decisions")["items"]
    assert entries[-1]["body"]["superseded"] == [other["recommendation"]]
    assert entries[-1]["body"]["recommendations"] == []
    assert listed(area, status="superseded", type="retrain_model")[0]["superseded_by"] is not None
    assert intact(area)


def test_decay_in_words(area):
    figures = {"cells": 9, "measured": 0.3, "backtest": 0.2, "ratio": 1.5, "limit": 1.25}
    told = {"first": "2026-01-05", "last": "2026-03-02"} | figures
    file(area, {"origins": ["drift:decay"], "type": "retrain_model", "model_version": 2, "decay": told})
    assert listed(area)[0]["text"] == (
        "Train a model anew, which accepting this starts: from 2026-01-05 to 2026-03-02 the WMAPE of version 2 was "
        "30 %, 1.5 times that of its backtest, 20 %."
    )


def test_what_is_decided_is_not_withdrawn(area):
    (filed,) = file(area, drift())
    assert decide(area, listed(area)[0], "accept").status_code == 201
    before = len(area.ok("GET", "/decisions")["items"])
    file(area, withdrawn=["drift:1"])
    assert area.ok("GET", f"/recommendations/{filed['recommendation']}")["status"] == "accepted"
    assert len(area.ok("GET", "/decisions")["items"]) == before
    assert intact(area)


def test_people_decide_on_it_and_what_is_decided_stays(area):
    file(area, jump(), contest())
    review, model = listed(area, type="review_forecast")[0], listed(area, type="promote_model")[0]
    assert decide(area, review, "override", quantity=1, reason_code="FORECAST_BIAS").status_code == 422
    assert decide(area, review, "reject", reason_code="OTHER", note="a stock-take").status_code == 201
    accepted = decide(area, model, "accept").json()
    assert (accepted["after"]["status"], accepted["after"]["quantity"]) == ("accepted", None)
    assert model["text"].startswith(
        "Consider version 3 as champion: it passes its 2 gates, and in the backtest it loses 50 % less"
    )
    file(area, jump(forecast=PREVIOUS))
    assert {one["status"] for one in listed(area)} == {"rejected", "accepted", "proposed"}
    assert area.ok("GET", "/orders")["items"] == []
    assert intact(area)


BEATS = (
    "beats the champion, version 2: on the demand of 40 item-locations from 2026-01-05 to 2026-03-09 it loses 12.5 % "
    "less (5 % to 20 % over 10 rounds, false alarms ever 5 %)."
)


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        (
            comparison(),
            f"Version 3, the challenger, {BEATS} Consider it as champion: POST models/promotions.",
        ),
        (
            comparison("external", "agency"),
            f"The external forecast agency {BEATS} Take it into the consensus: "
            'POST forecasts {"consensus": true, "external": ["agency"]}.',
        ),
        (
            comparison("baseline", "seasonal_naive"),
            f"Seasonal naive {BEATS} Consider going back to version 3: POST models/rollbacks.",
        ),
        (
            comparison("baseline", "seasonal_naive", type="retrain_model"),
            f"Seasonal naive {BEATS} Train a model anew, which accepting this starts.",
        ),
    ],
)
def test_who_beats_the_champion_on_realised_demand_is_told_in_words(area, wish, text):
    file(area, wish)
    (found,) = listed(area)
    assert found["text"] == text
    assert found["comparison"] == wish["comparison"]
    assert intact(area)


def test_advice_on_another_source_does_not_supersede(area):
    """Versions supersede each other, a source only what was said of itself."""
    file(area, comparison("external", "agency"), contest())
    file(area, comparison())
    file(area, comparison("external", "agency", origins=["realised:again"]))
    found = [(one["source"], one["model_version"], one["status"]) for one in listed(area)]
    assert sorted(found, key=str) == [
        ("agency", None, "proposed"),
        ("agency", None, "superseded"),
        (None, 3, "proposed"),
        (None, 3, "superseded"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        comparison("external", "agency", source=None),
        comparison("external", "agency", model_version=3),
        comparison(source="agency"),
        comparison(model_version=None),
    ],
    ids=["no source", "a version too", "a source that is none", "about nothing"],
)
def test_a_comparison_names_who_won(area, wrong):
    refused = area("POST", "/recommendations", json={"recommendations": [wrong]})
    assert refused.status_code == 422, refused.text
    assert listed(area) == []


def test_plans_leave_it_alone_and_it_leaves_plans_alone(area, inbox):
    (filed,) = file(area, jump())
    area.plan()
    area.plan(net_change=True)
    shown = area.ok("GET", f"/recommendations/{filed['recommendation']}")
    assert shown["status"] == "proposed"
    before = area.ok("GET", "/recommendations?status=proposed")["items"]
    file(area, jump(forecast=PREVIOUS))
    after = area.ok("GET", "/recommendations?status=proposed")["items"]
    orders = [[one["id"] for one in found if one["type"] == "buy"] for found in (before, after)]
    assert orders[0] == orders[1] != []
    assert intact(area)


def test_an_export_proves_it_without_the_service(area, tmp_path):
    file(area, jump(), jump("B"))
    decide(area, listed(area, item="A")[0], "reject", reason_code="OTHER", note="no")
    file(area, jump("B", PREVIOUS))
    exported = area("GET", "/decisions", headers={"accept": NDJSON})
    place = tmp_path / "decisions.ndjson"
    place.write_text(exported.text)
    entries = list(audit.read(place))
    assert [entry.action for entry in entries] == ["file", "reject", "file"]
    assert audit.check(entries, {}) is None


def test_what_was_changed_behind_the_ledger_shows(area, server):
    file(area, jump())
    with server.connect("planner", "owner") as owner:
        owner.execute("ALTER TABLE recommendations DISABLE TRIGGER USER")
        change = "UPDATE recommendations SET content = replace(content::text, '300.0', '299.0')::json WHERE area = %s"
        owner.execute(change, (area.area.area,))
        owner.execute("ALTER TABLE recommendations ENABLE TRIGGER USER")
    (chain,) = area.ok("POST", "/decisions:verify")["chains"]
    assert chain["first_bad"]["sequence"] == 1


def test_it_expires_and_comes_back_where_no_plan_was_ever_made(area, database):
    today = area.area.today()
    file(area, jump(expires_on=(today + datetime.timedelta(days=1)).isoformat()), jump("B", expires_on="2020-01-06"))
    assert [one["expires_on"] for one in listed(area, item="B")] == [None]
    with database.write() as session:
        session.execute(
            text("UPDATE recommendation_state SET expires_on = :day WHERE area = :area AND expires_on IS NOT NULL"),
            {"day": today, "area": area.area.area},
        )
    calendar.keep(database)
    assert [one["status"] for one in listed(area, item="A")] == ["expired"]
    assert intact(area)


@pytest.mark.parametrize(
    "wrong",
    [
        {"jump": None},
        {"type": "promote_model"},
        {"item": None},
        {"stake": None},
        {"origins": []},
        {"contest": contest()["contest"]},
        {"drift": drift()["drift"]},
        drift(item="A") | {"jump": None},
        drift(model_version=None) | {"jump": None, "item": None, "location": None, "stake": None},
        drift(dead_driver=dead()["dead_driver"], type="review_forecast")
        | {"jump": None, "item": None, "location": None, "stake": None},
    ],
)
def test_evidence_that_does_not_fit_is_refused(area, wrong):
    wish = {name: value for name, value in (jump() | wrong).items() if value is not None}
    refused = area("POST", "/recommendations", json={"recommendations": [jump("B"), wish]})
    assert refused.status_code == 422, refused.text
    assert json.loads(refused.text)["errors"][0]["pointer"].startswith("#/recommendations/1")
    assert listed(area) == []
