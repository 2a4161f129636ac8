"""Comments over HTTP: for review across functions."""

import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query
from sqlalchemy import select

from services.planner.comments.schemas import About, CommentIn, CommentOut
from services.planner.comments.tables import Comment
from shared import app, outbox
from shared.app import problems
from shared.db import Read, Write
from shared.errors import Conflict, NotFound
from shared.ids import uuid7
from shared.outbox import Happening
from shared.paging import Page, Paging, page
from shared.principal import Caller
from shared.schemas import Key

router = app.router(tags=["Planning cycles"])


class Resolved(Conflict):
    slug, title = "comment-resolved", "Resolved already"


@router.post("/comments", operation_id="comment", status_code=201, responses=problems(400, 415))
def comment(wish: CommentIn, who: Caller, session: Write) -> CommentOut:
    """Say something about a forecast, a plan, a cycle or a recommendation, and who is to answer it."""
    row = Comment(id=uuid7(), area=who.area.area, author=who.actor, **wish.model_dump())
    session.add(row)
    session.flush()
    session.refresh(row)
    told = CommentOut.model_validate(row)
    facts = told.model_dump(mode="json", exclude={"text"})
    outbox.note(session, who.area.area, [Happening("comment.added", wish.subject, facts)])
    return told


@router.get("/comments", operation_id="list_comments", responses=problems())
def list_comments(
    who: Caller,
    session: Read,
    asked: Paging,
    about: Annotated[About | None, Query()] = None,
    subject: Annotated[Key | None, Query()] = None,
    assignee: Annotated[Key | None, Query()] = None,
    resolved: bool | None = None,
) -> Page[CommentOut]:
    """List comments, the oldest first."""
    given = {Comment.about: about, Comment.subject: subject, Comment.assignee: assignee}
    found = select(Comment).where(Comment.area == who.area.area)
    found = found.where(*(column == value for column, value in given.items() if value is not None))
    if resolved is not None:
        found = found.where(Comment.resolved_at.is_not(None) if resolved else Comment.resolved_at.is_(None))
    rows, cursor = page(session, found, (Comment.id,), asked)
    return Page(items=[CommentOut.model_validate(row) for row in rows], next_cursor=cursor)


@router.post(
    "/comments/{comment}/resolutions", operation_id="resolve_comment", status_code=201, responses=problems(409)
)
def resolve(comment: UUID, who: Caller, session: Write) -> CommentOut:
    """Say that a comment is dealt with."""
    mine = select(Comment).where(Comment.area == who.area.area, Comment.id == comment).with_for_update()
    row = session.scalar(mine)
    if row is None:
        raise NotFound("There is no such comment in this area.")
    if row.resolved_at is not None:
        raise Resolved(f"{row.resolved_by} resolved it.")
    row.resolved_by, row.resolved_at = who.actor, datetime.datetime.now(datetime.UTC)
    session.flush()
    return CommentOut.model_validate(row)
