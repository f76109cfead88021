"""Publishing a draft, and going back to an earlier version as a new one."""

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import require_write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.forms.definition import Problem, problems_of
from qtrace.forms.designing import Draft, Turn, held_draft
from qtrace.forms.models import Form
from qtrace.forms.queries import form_of, version_of
from qtrace.forms.service import publish_version, with_all_fields
from qtrace.forms.slots import missing_slots
from qtrace.forms.vocabulary import read_definition, vocabulary


def publish_draft(key: str, turn: Turn, note: str) -> int:
    """Publish the draft as the next version and return its number; refuse one that is unfinished or unchanged."""
    draft = held_draft(key, turn)
    if not draft.changed:
        raise Refused(_("草稿和已发布的版本一样,没有要发布的改动。"))
    problems = problems_before(draft)
    if problems:
        raise Refused(problems[0].message)
    form = _locked(key, turn)
    return publish_version(form, draft.definition, by=turn.by, now=turn.now, note=note).version


def restore_version(key: str, number: int, turn: Turn) -> int:
    """Bring an earlier version back as a new one and return its number; later fields stay, retired."""
    held_draft(key, turn)
    old = version_of(form_of(key).id, number)
    if old is None:
        raise NotFound
    form = _locked(key, turn)
    if number == form.current_version:
        raise Refused(_("第 %(n)d 版就是现在的版本。", n=number))
    definition = read_definition(key, old.definition)
    return publish_version(form, definition, by=turn.by, now=turn.now, restored_from=number).version


def problems_before(draft: Draft) -> list[Problem]:
    """Return everything that keeps the draft from being published."""
    problems = problems_of(draft.definition, vocabulary(draft.form.key))
    try:
        whole = with_all_fields(draft.definition, draft.published) if draft.published else draft.definition
        if not draft.form.built_in:
            missing_slots(draft.form.id, whole)
    except Refused as refused:
        problems.append(Problem(refused.message, field_id=refused.field or ""))
    return problems


def _locked(key: str, turn: Turn) -> Form:
    """Return the form with its row locked, still at the draft version the publication was decided on."""
    form = (
        require_write()
        .scalars(select(Form).where(Form.key == key).with_for_update(), execution_options={"populate_existing": True})
        .one()
    )
    if form.draft_version != turn.expected:
        raise Conflict(_("草稿刚刚被别人改过,没有发布。请刷新后再看一遍影响。"))
    return form
