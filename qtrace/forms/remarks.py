"""What people say of a form: "this is awkward", and the designer's answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import NotFound, Refused
from qtrace.forms.models import Form, FormRemark

EXTENSION = "qtrace_remark_pages"
MAX_REMARK = 1000
MOST_SETTLED = 200


def register_remark_page(app: Flask, page: str, name: LazyString) -> None:
    """Let people say what is awkward about a page that is no form of the designer."""
    app.extensions.setdefault(EXTENSION, {})[page] = name


def remark_pages() -> Mapping[str, LazyString]:
    """Return the pages people may remark on, with their names."""
    known: Mapping[str, LazyString] = current_app.extensions.get(EXTENSION, {})
    return known


def add_remark(form: Form, text: str, *, field: str, by: int | None, now: datetime) -> None:
    """Keep what a person says of the form or of one of its fields; nobody is somebody without an account."""
    remark = FormRemark(form_id=form.id, version=form.current_version, field=field, text=_said(text), at=now, by=by)
    require_write().add(remark)
    events.record("form_remarked", subject=("form", form.id), by=by, now=now, body={"field": field})


def add_page_remark(page: str, text: str, *, by: int, now: datetime) -> None:
    """Keep what a person says of a page."""
    if page not in remark_pages():
        raise NotFound
    session = require_write()
    remark = FormRemark(page=page, text=_said(text), at=now, by=by)
    session.add(remark)
    session.flush()  # the id is the event's subject
    events.record("form_remarked", subject=("form_remark", remark.id), by=by, now=now, body={"page": page})


def settle_remark(form: Form | None, remark_id: int, answer: str, *, by: int, now: datetime) -> None:
    """Answer a remark and take it off the list of open ones; a later answer replaces the earlier."""
    remark = existing(FormRemark, remark_id)
    if form is not None and remark.form_id != form.id:
        raise Refused(_("这条反馈不属于这张表单。"))
    if len(answer) > MAX_REMARK:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=MAX_REMARK, n=len(answer)), "answer")
    remark.answer, remark.settled_at, remark.settled_by = answer.strip(), now, by
    subject = ("form", remark.form_id) if remark.form_id is not None else ("form_remark", remark.id)
    events.record("form_remark_settled", subject=subject, by=by, now=now, body={"field": remark.field})


def all_remarks(*, settled: bool) -> Sequence[tuple[FormRemark, Form | None]]:
    """Return the remarks about everything with their forms, the newest first; of the answered ones the newest only."""
    done = FormRemark.settled_at.is_not(None) if settled else FormRemark.settled_at.is_(None)
    statement = select(FormRemark, Form).outerjoin(Form, Form.id == FormRemark.form_id).where(done)
    statement = statement.order_by(FormRemark.id.desc())
    rows = db.session.execute(statement.limit(MOST_SETTLED) if settled else statement)
    return [(remark, form) for remark, form in rows]


def open_count() -> int:
    """Return how many remarks wait for an answer."""
    return db.session.scalar(select(func.count()).select_from(FormRemark).where(FormRemark.settled_at.is_(None))) or 0


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


def _said(text: str) -> str:
    said = text.strip()
    if not said:
        raise Refused(_("请写下哪里不好用。"), "text")
    if len(said) > MAX_REMARK:
        raise Refused(_("最多 %(limit)d 个字,现在有 %(n)d 个。请缩短。", limit=MAX_REMARK, n=len(said)), "text")
    return said
