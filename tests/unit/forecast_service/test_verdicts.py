"""What the sequential test of a rival leads to: advice with its evidence, and nothing where there is none."""

import datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest

from services.forecast.reviews.verdicts import recommended
from services.forecast.rivals.comparison import standing
from services.forecast.rivals.pairs import Rival
from services.forecast.rivals.tables import Round

CHAMPION = SimpleNamespace(area="north", version=4)
CHALLENGER, AGENCY, NAIVE = Rival("challenger", "5"), Rival("external", "agency"), Rival("baseline", "seasonal_naive")
MONDAY = datetime.date(2026, 1, 5)


def rounds(count, saves, *, cells=10):
    """Each of a week: the champion loses 1 and 3 in turn, the rival a share less."""
    return [
        Round(
            first=MONDAY + datetime.timedelta(weeks=number),
            last=MONDAY + datetime.timedelta(weeks=number),
            rival_forecast=uuid4(),
            cells=cells,
            item_locations=cells,
            champion_loss=1.0 + 2 * (number % 2),
            rival_loss=(1.0 + 2 * (number % 2)) * (1 - saves),
        )
        for number in range(count)
    ]


def test_a_challenger_that_wins_is_recommended_with_its_evidence():
    told = rounds(30, 0.1)
    [found] = recommended(CHAMPION, 3, [(CHALLENGER, told), (AGENCY, []), (NAIVE, rounds(30, -0.1))])
    assert (found["type"], found["model_version"]) == ("promote_model", 5)
    shown = found["comparison"]
    assert (shown["champion"], shown["kind"], shown["rival"]) == (4, "challenger", "5")
    assert (shown["first"], shown["last"], shown["rounds"], shown["cells"]) == ("2026-01-05", "2026-07-27", 30, 300)
    assert shown["improvement"] == pytest.approx(0.1)
    assert shown["low"] < 0.1 < shown["high"]
    assert shown["evidence"] > 1 / shown["alpha"] == 20
    assert shown["forecast"] == str(told[-1].rival_forecast)


def test_who_looks_again_files_the_same():
    first, later = (recommended(CHAMPION, 3, [(CHALLENGER, rounds(count, 0.1))]) for count in (30, 40))
    assert first[0]["origins"] == later[0]["origins"]
    other = recommended(CHAMPION, 3, [(Rival("external", "5x"), rounds(30, 0.1))])
    assert first[0]["origins"] != other[0]["origins"]


@pytest.mark.parametrize(
    ("previous", "advice"),
    [(3, {"type": "promote_model", "model_version": 3}), (None, {"type": "retrain_model", "model_version": 4})],
)
def test_a_champion_that_loses_against_seasonal_naive_goes_back_or_is_trained_anew(previous, advice):
    [found] = recommended(CHAMPION, previous, [(NAIVE, rounds(30, 0.1))])
    assert {name: found[name] for name in advice} == advice
    assert found["comparison"]["kind"] == "baseline"


def test_where_the_challenger_has_won_too_it_is_the_one_to_promote():
    found = recommended(CHAMPION, 3, [(CHALLENGER, rounds(30, 0.1)), (NAIVE, rounds(30, 0.1))])
    assert [one["model_version"] for one in found] == [5]


def test_a_source_from_elsewhere_is_named():
    [found] = recommended(CHAMPION, 3, [(AGENCY, rounds(30, 0.1))])
    assert (found["type"], found["source"], found.get("model_version")) == ("promote_model", "agency", None)


def disaster():
    """Better by a tenth thirty times, in one round worse by all that the champion lost in them."""
    told = rounds(31, 0.1)
    told[3].rival_loss = 100.0
    return told


@pytest.mark.parametrize(
    "told",
    [[], rounds(1, 0.5), rounds(30, 0.0), rounds(30, -0.1), disaster()],
    ids=["none", "one", "same", "worse", "a disaster"],
)
def test_what_has_not_won_is_not_recommended(told):
    assert recommended(CHAMPION, 3, [(CHALLENGER, told)]) == []


@pytest.mark.parametrize(("saves", "verdict"), [(0.1, "rival"), (-0.1, "champion"), (0.0, "open")])
def test_the_report_tells_where_the_test_stands(saves, verdict):
    told = rounds(30, saves)
    found = standing(told)
    assert (found.verdict, found.rounds, found.first, found.last) == (verdict, 30, told[0].first, told[-1].last)
    assert (found.decided is None) == (verdict == "open") == (found.evidence < 20)


def test_a_test_without_rounds_is_open():
    assert standing([]).model_dump() == {
        "verdict": "open",
        "alpha": 0.05,
        "rounds": 0,
        "first": None,
        "last": None,
        "decided": None,
        "evidence": 1.0,
    }
