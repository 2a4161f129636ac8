"""What other services recommend: filed once, logged and decided on as what a plan proposes."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import JSON, ColumnElement, Text, and_, cast, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from services.planner.ledger.tables import TABLES
from services.planner.recommendations import content, guard, words
from services.planner.recommendations.content_schemas import Content
from services.planner.recommendations.decisions import OPEN, State
from services.planner.recommendations.filing_schemas import (
    ALARMS,
    FiledRecommendationIn,
    FiledRecommendationOut,
    FilingIn,
    FilingOut,
)
from services.planner.recommendations.tables import FiledOrigin, Filing, Recommendation, RecommendationState
from shared import ledger
from shared.ids import uuid7
from shared.principal import Principal

SAID = {"origins", "type", "item", "location", "forecast", "model_version", "source", "stake"}
EVIDENCE = {"jump", "misses", "contest", "comparison", "decay", "drift", "dead_driver"}


def file(session: Session, who: Principal, wish: FilingIn) -> FilingOut:
    """Store what has an origin that is new, in place of what was filed before about the same or is withdrawn.

    Only what is still open gives way. Content, states and one ledger entry in one transaction; where nothing is new
    and nothing gives way, nothing is stored.
    """
    area = who.area.area
    guard.filing(session, area)
    known = _known(session, area, wish.recommendations)
    filing = Filing(id=uuid7(), area=area, caller=TypeAdapter(Principal).dump_python(who, mode="json"))
    found: list[FiledRecommendationOut] = []
    new: list[tuple[FiledRecommendationIn, Content]] = []
    for one in wish.recommendations:
        before = [known.get(origin) for origin in one.origins]
        stands = before[0] if all(before) else None
        if stands is None:
            made = _content(filing, who, one)
            known |= dict.fromkeys(set(one.origins) - known.keys(), made.id)
            new.append((one, made))
        found.append(FiledRecommendationOut(recommendation=stands or new[-1][1].id, new=stands is None))
    withdrawn = _withdrawn(session, area, wish.withdrawn)
    if new or withdrawn:
        _store(session, who, filing, new, withdrawn)
    return FilingOut(items=found)


def _known(session: Session, area: str, wishes: Sequence[FiledRecommendationIn]) -> dict[str, UUID]:
    """The recommendations that were filed before, by origin."""
    origins = {origin for one in wishes for origin in one.origins}
    filed = select(FiledOrigin).where(FiledOrigin.area == area, FiledOrigin.origin.in_(origins))
    return {row.origin: row.recommendation_id for row in session.scalars(filed)}


def _withdrawn(session: Session, area: str, origins: Sequence[str]) -> Sequence[UUID]:
    """What was filed of these origins and is open."""
    state = RecommendationState
    filed = select(state.recommendation_id).join(FiledOrigin, FiledOrigin.recommendation_id == state.recommendation_id)
    mine = filed.where(FiledOrigin.area == area, FiledOrigin.origin.in_(origins), state.status.in_(OPEN))
    return session.scalars(mine.distinct()).all()


def _content(filing: Filing, who: Principal, wish: FiledRecommendationIn) -> Content:
    facts: dict[str, Any] = {name: getattr(wish, name) for name in SAID | EVIDENCE}
    facts |= {"id": uuid7(), "plan": None, "filing": filing.id, "route": "review", "currency": who.area.currency}
    return Content(**facts, order=None, faults=[], text=words.of(wish, who.area.currency))


def _store(
    session: Session,
    who: Principal,
    filing: Filing,
    new: Sequence[tuple[FiledRecommendationIn, Content]],
    withdrawn: Sequence[UUID],
) -> None:
    session.add(filing)
    session.flush()
    superseded = _supersede(session, filing, [made for _, made in new], withdrawn)
    ordered = sorted(new, key=lambda pair: pair[1].id)
    texts = [content.text(made) for _, made in ordered]
    for (wish, made), text in zip(ordered, texts, strict=True):
        _insert(session, who, filing, wish, made, text)
    body = {
        "digest": content.digest(texts),
        "count": len(new),
        "recommendations": [str(made.id) for _, made in ordered],
        "superseded": [str(identifier) for identifier in superseded],
    }
    ledger.append(session, TABLES, who, "file", str(filing.id), body)


def _supersede(session: Session, filing: Filing, contents: Sequence[Content], withdrawn: Sequence[UUID]) -> list[UUID]:
    """Close what is withdrawn, and what was filed before about the same subjects and is still open."""
    state = RecommendationState
    about = or_(Recommendation.id.in_(withdrawn), *(_same_subject(one) for one in contents if not _is_alarm(one)))
    closed = (
        update(state)
        .where(state.recommendation_id == Recommendation.id, state.area == filing.area, state.status.in_(OPEN))
        .where(Recommendation.filing_id.is_not(None), about)
        .values(asdict(State("superseded", superseded_by=filing.id)) | {"version": state.version + 1})
        .returning(state.recommendation_id)
    )
    return sorted(session.scalars(closed.execution_options(synchronize_session=False)))


def _is_alarm(one: Content) -> bool:
    """Whether it stands until it is withdrawn, whatever else is filed."""
    return any(getattr(one, name) is not None for name in ALARMS)


def _same_subject(one: Content) -> ColumnElement[bool]:
    row = Recommendation
    source = row.content["source"].as_string().is_not_distinct_from(one.source)
    return and_(row.type == one.type, row.item == one.item, row.location == one.location, source)


def _insert(
    session: Session, who: Principal, filing: Filing, wish: FiledRecommendationIn, made: Content, text: str
) -> None:
    exact = cast(literal(text, Text), JSON)
    facts = {"id": made.id, "area": filing.area, "filing_id": filing.id, "content": exact}
    created = {"created_at": filing.created_at}
    session.execute(insert(Recommendation).values(facts | created | content.columns(made)))
    late = wish.expires_on is not None and wish.expires_on <= who.area.today()
    expiry = None if late else wish.expires_on
    first = {"recommendation_id": made.id, "area": filing.area, "status": "proposed", "version": 1}
    session.execute(insert(RecommendationState).values(first | {"expires_on": expiry}))
    origins = dict.fromkeys(wish.origins)
    known = select(FiledOrigin.origin).where(FiledOrigin.area == filing.area, FiledOrigin.origin.in_(origins))
    for origin in origins.keys() - set(session.scalars(known)):
        session.execute(insert(FiledOrigin).values(area=filing.area, origin=origin, recommendation_id=made.id))
