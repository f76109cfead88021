"""Public links of forms: made with an end, found by their secret, used no more often than agreed, revoked at once.

Only the digest of a token is kept: whoever reads the database can't open a form with it.
"""

import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import gettext as _
from sqlalchemy import or_, select, update

from qtrace.accounts.models import Department
from qtrace.core import events
from qtrace.core.db import affected, db, existing, require_write
from qtrace.core.errors import Refused
from qtrace.core.ids import digest, new_token
from qtrace.forms.answers import read_answers
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form, FormLink
from qtrace.forms.openness import asked_paths, kept_paths, may_be_opened, narrowed
from qtrace.forms.registry import FieldDefinition, Sent, Storage, controls

MAX_NAME = 80
MOST_USES = 1_000_000
LONGEST = timedelta(days=366)


class LinkState(StrEnum):
    """Whether a link may be used, and if not, why."""

    OPEN = "open"
    EXPIRED = "expired"
    USED_UP = "used_up"
    REVOKED = "revoked"
    CLOSED = "closed"  # the form itself is no longer in use


@dataclass(frozen=True, kw_only=True)
class LinkOptions:
    """What a person says of a link.

    `preset` are inputs and texts the link brings along, shown to nobody outside; `opened` names the fields that read the
    company's data and are asked all the same.
    """

    name: str
    company: str
    expires_at: datetime | None
    most: int | None = None
    department_id: int | None = None
    preset: Mapping[str, Sequence[str]] = field(default_factory=dict)
    opened: Collection[str] = ()


def create_link(
    form: Form, definition: FormDefinition, options: LinkOptions, *, by: int, now: datetime
) -> tuple[int, str]:
    """Make a link and return its id and its token, which is told this once."""
    session = require_write()
    name, company = options.name.strip()[:MAX_NAME], options.company.strip()[:MAX_NAME]
    if not name:
        raise Refused(_("请给链接起个名字,方便以后辨认。"), "link_name")
    if not company:
        raise Refused(_("请填写对外显示的单位名称。"), "link_company")
    if options.expires_at is None or not now < options.expires_at <= now + LONGEST:
        raise Refused(_("请填写今天以后、一年以内的截止日。"), "link_expires")
    if options.most is not None and not 1 <= options.most <= MOST_USES:
        raise Refused(_("最多填写次数请填 1 到 %(most)d,或留空。", most=MOST_USES), "link_most")
    if options.department_id is not None:
        existing(Department, options.department_id)
    preset = {key: list(texts) for key, texts in options.preset.items() if any(text.strip() for text in texts)}
    check_preset(definition, preset)
    opened = [one.path for one in may_be_opened(definition) if one.path in options.opened]
    if not list(asked_of_strangers(definition, preset, opened).fields):
        raise Refused(_("这张表单没有可以对外的字段。"), "link_name")
    token = new_token()
    link = FormLink(
        form_id=form.id, token_digest=digest(token), name=name, company=company, department_id=options.department_id,
        preset=preset, opened=opened, expires_at=options.expires_at, most=options.most, created_at=now, created_by=by,
    )  # fmt: skip
    session.add(link)
    session.flush()  # the id is the answer and the event's subject
    body = {
        "form": form.key, "name": name, "expires_at": options.expires_at.isoformat(), "most": options.most,
        "department_id": options.department_id, "preset": sorted(preset), "opened": opened,
    }  # fmt: skip
    events.record("form_link_created", subject=("form_link", link.id), by=by, now=now, body=body)
    return link.id, token


def revoke_link(link_id: int, *, by: int, now: datetime) -> None:
    """Close a link for good; what came through it stays."""
    link = existing(FormLink, link_id)
    if link.revoked_at is None:
        link.revoked_at = now
        events.record("form_link_revoked", subject=("form_link", link_id), by=by, now=now, body={"name": link.name})


def find_link(token: str) -> tuple[FormLink, Form] | None:
    """Return the link of a token with its form; None for a token nobody was given."""
    wanted = digest(token)
    statement = select(FormLink, Form).join(Form, Form.id == FormLink.form_id).where(FormLink.token_digest == wanted)
    row = db.session.execute(statement).one_or_none()
    if row is None or not hmac.compare_digest(row[0].token_digest, wanted):
        return None
    return row[0], row[1]


def state_of(link: FormLink, form: Form, now: datetime) -> LinkState:
    """Say whether a link may be used now."""
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if form.state != "active" or form.built_in or not form.current_version:
        return LinkState.CLOSED
    if link.expires_at is not None and link.expires_at <= now:
        return LinkState.EXPIRED
    return LinkState.USED_UP if link.most is not None and link.used >= link.most else LinkState.OPEN


def use_link(link_id: int, *, now: datetime) -> None:
    """Count one use in the open write; refused when the link ended in the meantime."""
    statement = (
        update(FormLink)
        .where(
            FormLink.id == link_id, FormLink.revoked_at.is_(None),
            or_(FormLink.expires_at.is_(None), FormLink.expires_at > now),
            or_(FormLink.most.is_(None), FormLink.used < FormLink.most),
        )
        .values(used=FormLink.used + 1)
    )  # fmt: skip
    if affected(statement) != 1:
        raise Refused(_("这个链接刚刚失效,没有提交。"))


def links_of(form_id: int) -> Sequence[FormLink]:
    """Return the links of a form, the newest first."""
    return db.session.scalars(select(FormLink).where(FormLink.form_id == form_id).order_by(FormLink.id.desc())).all()


def asked_of_strangers(
    definition: FormDefinition, preset: Mapping[str, object], opened: Collection[str] = ()
) -> FormDefinition:
    """Return what people without an account are asked: what tells nothing or was opened, and the link does not fill itself."""
    return narrowed(definition, asked_paths(definition, preset_fields(preset), opened))


def brought_along(definition: FormDefinition, preset: Mapping[str, object]) -> FormDefinition:
    """Return the fields the link fills itself."""
    held = preset_fields(preset)
    return _only(definition, lambda asked: asked.id in held)


def joined(definition: FormDefinition, preset: Mapping[str, object], opened: Collection[str] = ()) -> FormDefinition:
    """Return all a record through the link may hold: what strangers are asked, what the link fills, what follows from both."""
    return narrowed(definition, kept_paths(definition, preset_fields(preset), opened))


def may_be_preset(definition: FormDefinition) -> FormDefinition:
    """Return the fields a link can bring along: everything but rows and what takes files."""
    return _only(definition, _takes_no_files)


def _takes_no_files(asked: FieldDefinition) -> bool:
    control = controls()[asked.control]
    return control.storage not in (Storage.FILE_REFS, Storage.ROWS) and not control.file_fields(asked, Sent())


def preset_fields(preset: Mapping[str, object]) -> set[str]:
    """Return the ids of the fields some inputs belong to."""
    return {name.split(".")[0] for name in preset}


def check_preset(definition: FormDefinition, preset: Mapping[str, Sequence[str]]) -> None:
    """Refuse values the form itself would not take."""
    read = read_answers(brought_along(may_be_preset(definition), preset), Sent(preset))
    for name, message in read.errors.items():
        raise Refused(message, name)


def _only(definition: FormDefinition, wanted: Callable[[FieldDefinition], bool]) -> FormDefinition:
    found = []
    for section in definition.sections:
        fields = tuple(asked for asked in section.fields if not asked.retired and wanted(asked))
        if fields:
            found.append(replace(section, fields=fields))
    return FormDefinition(tuple(found))
