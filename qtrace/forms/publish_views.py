"""What a draft would touch, publishing it, and the versions with their differences."""

from flask import Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.forms.comparing import Difference, differences, touched_fields
from qtrace.forms.definition import FormDefinition
from qtrace.forms.designing import Turn, draft_of
from qtrace.forms.impact import SAMPLES, replay, touched_by
from qtrace.forms.models import Form
from qtrace.forms.publishing import problems_before, publish_draft, restore_version
from qtrace.forms.queries import form_of, version_of, versions_of
from qtrace.forms.views import bp
from qtrace.forms.vocabulary import read_definition
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited


@bp.get("/forms/<key>/impact")
@needs("config.forms")
@limited("search")
def impact(key: str) -> Response:
    """Show what publishing the draft would touch and break."""
    return _impact_page(key)


@bp.post("/forms/<key>/versions")
@needs("config.forms")
def version_create(key: str) -> Response:
    """Publish the draft."""
    try:
        with write():
            number = publish_draft(key, _turn(), request.form.get("note", ""))
            url = url_for("forms.version_list", key=key)
            answer_at(url)
    except (Refused, Conflict) as error:
        return _impact_page(key, error)
    return go(url, trigger={"toast": _("已发布第 %(n)d 版。已有记录保留自己的版本。", n=number)})


@bp.get("/forms/<key>/versions")
@needs("config.forms")
def version_list(key: str) -> Response:
    """Show every version, and what differs between any two."""
    form = form_of(key)
    versions = versions_of(form.id)
    newest = versions[0].version if versions else 0
    old = as_id(request.args.get("from")) or max(newest - 1, 1)
    new = as_id(request.args.get("to")) or newest
    return render(
        "forms/versions.html", form=form, versions=versions, old=old, new=new,
        found=_between(form, old, new) if newest else [], names=names_of({row.published_by for row in versions if row.published_by}),
    )  # fmt: skip


@bp.post("/forms/<key>/versions/<version>/restoration")
@needs("config.forms")
def restoration_create(key: str, version: str) -> Response:
    """Bring an earlier version back as a new one."""
    url, old = url_for("forms.version_list", key=key), as_id(version) or 0
    with write():
        made = restore_version(key, old, _turn())
        answer_at(url)
    return go(url, trigger={"toast": _("第 %(old)d 版已恢复为第 %(new)d 版", old=old, new=made)})


def _turn() -> Turn:
    return Turn(as_id(request.form.get("draft_version")) or 0, actor().id, clock.now())


def _impact_page(key: str, error: Refused | Conflict | None = None) -> Response:
    draft = draft_of(key)
    before = draft.published or FormDefinition(())
    found = differences(before, draft.definition) if draft.changed else []
    touched = touched_fields(found)
    return render(
        "forms/impact.html", status=error.status if error else 200, error=error, draft=draft, form=draft.form,
        found=_grouped(found), touched=touched_by(draft.form, before, touched), problems=problems_before(draft),
        replayed=replay(draft.form, draft.definition, draft.published, user=actor()), samples=SAMPLES, note=request.form.get("note", ""),
        labels={field.id: field for field in (*before.all_fields, *draft.definition.all_fields)},
    )  # fmt: skip


def _between(form: Form, old: int, new: int) -> list[tuple[str, list[Difference]]]:
    return _grouped(differences(_definition(form, old), _definition(form, new)))


def _definition(form: Form, number: int) -> FormDefinition:
    version = version_of(form.id, number)
    if version is None:
        raise NotFound
    return read_definition(form.key, version.definition)


def _grouped(found: list[Difference]) -> list[tuple[str, list[Difference]]]:
    """Return the differences of each field or section together, in order."""
    groups: dict[tuple[str, str], list[Difference]] = {}
    for row in found:
        groups.setdefault((row.field_id, row.label), []).append(row)
    return [(label, rows) for (_field, label), rows in groups.items()]
