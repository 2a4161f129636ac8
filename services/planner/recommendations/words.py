"""What other services recommend, in words. Every number in them is a field's, or a sum of them."""

from decimal import Decimal

from services.planner.plans.sentence import percent, plain
from services.planner.recommendations.evidence_schemas import (
    DeadDriverOut,
    ForecastJumpOut,
    MissesOut,
    ModelContestOut,
    ModelDecayOut,
    ModelDriftOut,
    RealisedComparisonOut,
)
from services.planner.recommendations.filing_schemas import FiledRecommendationIn

DIGITS = 3
MOVED = {
    ("level", "up"): "above its forecasts",
    ("level", "down"): "below its forecasts",
    ("spread", "up"): "farther from its forecasts than they said",
    ("spread", "down"): "nearer to its forecasts than they said",
}


def of(wish: FiledRecommendationIn, currency: str) -> str:
    """What to look at, and why."""
    if wish.contest:
        return _promote(wish, wish.contest)
    if wish.comparison:
        return _realised(wish, wish.comparison)
    if wish.decay:
        return _decay(wish, wish.decay)
    if wish.drift:
        return _drift(wish, wish.drift, currency)
    if wish.dead_driver:
        return _dead(wish.dead_driver)
    assert wish.stake is not None  # noqa: S101  as the schema checks
    told = [_jump(wish.jump)] if wish.jump else []
    told += [_misses(wish.misses)] if wish.misses else []
    worth = "" if wish.stake.value is None else f", {wish.stake.value} {currency} at unit cost"
    stake = f"{_short(wish.stake.units)} units{worth} are at stake."
    return " ".join([f"Look at the forecast of {wish.item} in {wish.location}.", *told, stake])


def _jump(jump: ForecastJumpOut) -> str:
    return (
        f"Over {len(jump.periods)} periods from {jump.periods[0]} on it went from {_short(sum(jump.before))} to "
        f"{_short(sum(jump.after))}, {_short(abs(jump.z))} times the spread of the forecast before."
    )


def _misses(misses: MissesOut) -> str:
    return (
        f"Of the demand of {len(misses.periods)} periods from {misses.periods[0]} on {misses.above} lay above the "
        f"{percent(misses.level)} interval and {misses.below} below it."
    )


def _promote(wish: FiledRecommendationIn, contest: ModelContestOut) -> str:
    return (
        f"Consider version {wish.model_version} as champion: it passes its {len(contest.gates)} gates, and in the "
        f"backtest it loses {_share(contest.improvement)} less than version {contest.champion} "
        f"({_share(contest.low)} to {_share(contest.high)}). Nothing is promoted by accepting this: POST "
        "models/promotions does it."
    )


def _realised(wish: FiledRecommendationIn, told: RealisedComparisonOut) -> str:
    named = {
        "challenger": f"Version {told.rival}, the challenger,",
        "external": f"The external forecast {told.rival}",
        "baseline": "Seasonal naive",
    }[told.kind]
    return (
        f"{named} beats the champion, version {told.champion}: on the demand of {told.item_locations} item-locations "
        f"from {told.first} to {told.last} it loses {_share(told.improvement)} less ({_share(told.low)} to "
        f"{_share(told.high)} over {told.rounds} rounds, false alarms ever {_share(told.alpha)}). {_way(wish, told)}"
    )


def _way(wish: FiledRecommendationIn, told: RealisedComparisonOut) -> str:
    """What accepting it means, which does nothing by itself but for a training."""
    if told.kind == "external":
        return f'Take it into the consensus: POST forecasts {{"consensus": true, "external": ["{told.rival}"]}}.'
    if told.kind == "challenger":
        return "Consider it as champion: POST models/promotions."
    if wish.type == "promote_model":
        return f"Consider going back to version {wish.model_version}: POST models/rollbacks."
    return "Train a model anew, which accepting this starts."


def _decay(wish: FiledRecommendationIn, decay: ModelDecayOut) -> str:
    return (
        f"Train a model anew, which accepting this starts: from {decay.first} to {decay.last} the WMAPE of version "
        f"{wish.model_version} was {_share(decay.measured)}, {_short(decay.ratio)} times that of its backtest, "
        f"{_share(decay.backtest)}."
    )


def _drift(wish: FiledRecommendationIn, drift: ModelDriftOut, currency: str) -> str:
    if wish.type == "retrain_model":
        what = f"Train a model anew, which accepting this starts: of version {wish.model_version}"
    else:
        what = f"Look at the forecasts of {drift.model}:"
    told = MOVED[drift.signal, drift.direction]
    worth = "" if drift.value is None else f", {drift.value} {currency} at unit cost"
    return (
        f"{what} demand lies {told} in {drift.item_locations} of {drift.watched} {drift.segment} item-locations, since "
        f"{drift.since}. Up to {drift.until} that has cost {_short(drift.units)} units{worth}."
    )


def _dead(driver: DeadDriverOut) -> str:
    return (
        f"Look at driver {driver.driver}: none of its values has changed since {driver.since}, for {driver.still} "
        "periods, longer than ever before."
    )


def _short(number: float) -> str:
    return plain(round(number, DIGITS))


def _share(number: float) -> str:
    return percent(float(round(Decimal(repr(number)), DIGITS)))
