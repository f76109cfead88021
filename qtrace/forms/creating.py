"""Making forms, and retiring them."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Refused
from qtrace.forms.definition import FormDefinition, dump_definition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, form_of
from qtrace.forms.shipped import templates
from qtrace.forms.vocabulary import read_draft

MAX_NAME = 120
PREFIX = re.compile(r"[A-Z][A-Z0-9]{0,7}")
KINDS = {
    "record": _l("一般记录"),
    "inspection": _l("检验报告"),
    "warehouse": _l("仓库记录"),
    "supplier_request": _l("供应商整改"),
    "survey": _l("问卷回访"),
    "issue": _l("质量问题"),
    "complaint": _l("客诉"),
}
BLANK: dict[str, object] = {"sections": [{"id": "section_1", "title_zh": "内容", "title_en": "Content", "fields": []}]}
RESERVED = ("new", "controls")  # addresses of pages, which no form may take
OWN_KINDS = ("record", "inspection", "warehouse", "supplier_request", "survey")


@dataclass(frozen=True)
class NewForm:
    """What a person says of a form to be made; `start` is empty, `form:<key>` or `template:<key>`."""

    name_zh: str
    name_en: str
    kind: str
    prefix: str
    start: str = ""


def create_form(new: NewForm, *, by: int, now: datetime) -> str:
    """Make a form whose draft is blank, a copy or a template, and return its key; nobody is asked it until published."""
    if not new.name_zh or len(new.name_zh) > MAX_NAME or len(new.name_en) > MAX_NAME:
        raise Refused(_("请填写名称,最多 %(n)d 个字。", n=MAX_NAME), "name_zh")
    if new.kind not in OWN_KINDS:
        raise Refused(_("请选择种类。"), "kind")
    prefix = new.prefix.upper()
    if not PREFIX.fullmatch(prefix):
        raise Refused(_("编号前缀是 1 到 8 个字母或数字,以字母开头,例如 QC。"), "prefix")
    if db.session.scalar(select(Form.id).where(Form.prefix == prefix)):
        raise Refused(_("编号前缀 %(prefix)s 已经有表单在用,请换一个。", prefix=prefix), "prefix")
    session = require_write()
    form = Form(
        key=_free_key(prefix.lower()), name_zh=new.name_zh, name_en=new.name_en or new.name_zh, kind=new.kind,
        prefix=prefix, current_version=0, draft=_start(new.start), draft_version=1, draft_at=now, draft_by=by,
    )  # fmt: skip
    session.add(form)
    session.flush()  # the id is needed by the event
    events.record("form_created", subject=("form", form.id), by=by, now=now, body={"start": new.start})
    return form.key


def set_form_state(key: str, state: str, *, by: int, now: datetime) -> None:
    """Retire a form, or bring it back; its records stay either way."""
    if state not in {"active", "retired"}:
        raise Refused(_("请选择停用或恢复。"))
    form = form_of(key)
    if form.built_in:
        raise Refused(_("「%(name)s」是系统自带的表单,不能停用。", name=form.name_zh))
    if form.state != state:
        form.state = state
        name = "form_retired" if state == "retired" else "form_restored"
        events.record(name, subject=("form", form.id), by=by, now=now)


def _start(start: str) -> dict[str, object]:
    origin, _colon, key = start.partition(":")
    if not origin:
        return BLANK
    if origin == "template":
        template = next((known for known in templates() if known.key == key), None)
        if template is None:
            raise Refused(_("请选择从哪里开始。"), "start")
        return dump_definition(read_draft(key, template.definition))
    _form, version = current_form(key)
    return _copy(read_draft(key, version.definition))


def _copy(definition: FormDefinition) -> dict[str, object]:
    """Return a definition without what only the original has: built-in columns and retired fields."""
    sections = [
        replace(part, fields=tuple(replace(field, column="") for field in part.fields if not field.retired))
        for part in definition.sections
    ]
    return dump_definition(FormDefinition(tuple(sections)))


def _free_key(wanted: str) -> str:
    taken = {*RESERVED, *db.session.scalars(select(Form.key).where(Form.key.startswith(wanted, autoescape=True)))}
    return next(key for n in range(1, len(taken) + 2) if (key := wanted if n == 1 else f"{wanted}_{n}") not in taken)
