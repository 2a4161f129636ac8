"""A bench that misses a goal fails, and says which."""

import json

from bench.report import Goal, report

SPEED = Goal("requests_per_second", "at_least", 100)
SIZE = Goal("pss_mib", "at_most", 10)


def test_met_goals_end_well(capsys):
    assert report({"requests_per_second": 100, "pss_mib": 10}, [SPEED, SIZE]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["figures"] == {"requests_per_second": 100, "pss_mib": 10}
    assert printed["goals"]["pss_mib"] == {"at_most": 10, "met": True}
    assert printed["machine"]["cores"] >= 1


def test_one_missed_goal_fails_the_bench(capsys):
    assert report({"requests_per_second": 99.9, "pss_mib": 10}, [SPEED, SIZE]) == 1
    goals = json.loads(capsys.readouterr().out)["goals"]
    assert [name for name, goal in goals.items() if not goal["met"]] == ["requests_per_second"]


def test_a_figure_that_is_no_number_meets_nothing(capsys):
    assert report({"pss_mib": float("nan")}, [SIZE]) == 1
    assert capsys.readouterr().out
