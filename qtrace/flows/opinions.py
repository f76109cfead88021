"""Opinions people write often: everybody's, and each person's own."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from qtrace.core.db import db, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.flows.case_models import OpinionTemplate

MOST_OWN = 20
MOST_TEXT = 200


def opinions_for(user_id: int) -> Sequence[OpinionTemplate]:
    """Return what the person may insert: the own ones first, then everybody's."""
    mine = OpinionTemplate.user_id == user_id
    statement = select(OpinionTemplate).where(or_(mine, OpinionTemplate.user_id.is_(None)))
    return db.session.scalars(statement.order_by(OpinionTemplate.user_id.is_(None), OpinionTemplate.id)).all()


def add_opinion(text: str, *, user_id: int | None) -> None:
    """Keep an opinion for a person, or for everybody; one that is kept already is not kept twice."""
    text = " ".join(text.split())[:MOST_TEXT]
    if not text:
        raise Refused(_("请写下一句意见。"), field="text")
    session = require_write()
    whose = OpinionTemplate.user_id.is_(None) if user_id is None else OpinionTemplate.user_id == user_id
    if session.scalar(select(OpinionTemplate.id).where(whose, OpinionTemplate.text == text)) is not None:
        return
    if (session.scalar(select(func.count()).select_from(OpinionTemplate).where(whose)) or 0) >= MOST_OWN:
        raise Refused(_("最多保存 %(most)d 条,请先删掉不用的。", most=MOST_OWN), field="text")
    session.add(OpinionTemplate(user_id=user_id, text=text))


def drop_opinion(opinion_id: int, *, user_id: int, keeper: bool) -> None:
    """Forget an opinion of one's own; everybody's are the keeper's of the flows to forget."""
    session = require_write()
    found = session.get(OpinionTemplate, opinion_id)
    allowed = found is not None and (found.user_id == user_id or (found.user_id is None and keeper))
    if found is None or not allowed:
        raise NotFound
    session.delete(found)
