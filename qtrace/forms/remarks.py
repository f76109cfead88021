"""What people say of a form: "this is awkward", and the designer's answer."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import Refused
from qtrace.forms.models import Form, FormRemark

MAX_REMARK = 1000


def add_remark(form: Form, text: str, *, field: str, by: int, now: datetime) -> None:
    """Keep what a person says of the form or of one of its fields."""
    said = text.strip()
    if not said:
        raise Refused(_("请写下哪里不好用。"), "text")
    if len(said) > MAX_REMARK:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=MAX_REMARK, n=len(said)), "text")
    remark = FormRemark(form_id=form.id, version=form.current_version, field=field, text=said, at=now, by=by)
    require_write().add(remark)
    events.record("form_remarked", subject=("form", form.id), by=by, now=now, body={"field": field})


def settle_remark(form: Form, remark_id: int, answer: str, *, by: int, now: datetime) -> None:
    """Answer a remark and take it off the list of open ones; a later answer replaces the earlier."""
    remark = existing(FormRemark, remark_id)
    if remark.form_id != form.id:
        raise Refused(_("这条反馈不属于这张表单。"))
    if len(answer) > MAX_REMARK:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=MAX_REMARK, n=len(answer)), "answer")
    remark.answer, remark.settled_at, remark.settled_by = answer.strip(), now, by
    events.record("form_remark_settled", subject=("form", form.id), by=by, now=now, body={"field": remark.field})


def remarks_of(form_id: int, *, settled: bool) -> Sequence[FormRemark]:
    """Return the remarks about a form, the newest first: those without an answer, or those with one."""
    done = FormRemark.settled_at.is_not(None) if settled else FormRemark.settled_at.is_(None)
    statement = select(FormRemark).where(FormRemark.form_id == form_id, done).order_by(FormRemark.id.desc())
    return db.session.scalars(statement).all()


def open_remarks(form_id: int) -> dict[str, int]:
    """Return how many open remarks there are per field; "" stands for the form as a whole."""
    statement = (
        select(FormRemark.field, func.count())
        .where(FormRemark.form_id == form_id, FormRemark.settled_at.is_(None))
        .group_by(FormRemark.field)
    )
    return {row[0]: row[1] for row in db.session.execute(statement)}
