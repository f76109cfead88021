"""The page of the rules: what becomes a complaint, how it is classified, when an issue opens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.access import actor, needs
from qtrace.classification import rules as classification
from qtrace.classification.models import ClassificationRule, Term
from qtrace.classification.queries import terms_of
from qtrace.classification.suggest import PARTS, word_condition, words_of
from qtrace.complaints import rules as intake
from qtrace.complaints.models import IntakeRule
from qtrace.conditions.builder_view import ShownBuilder
from qtrace.conditions.describe import describe
from qtrace.conditions.tree import parse
from qtrace.core import clock
from qtrace.core.db import db, existing, write
from qtrace.core.errors import Refused
from qtrace.issues import opening_rules as opening
from qtrace.issues.models import OpeningRule
from qtrace.issues.rule_conditions import (
    FIELD_NAMES,
    SOURCE_NAMES,
    edited_builder,
    fields_of,
    stored_builder,
    typed_condition,
    was_sent,
)
from qtrace.web.csrf import answer_at
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render

bp = Blueprint("rules", __name__, url_prefix="/config/rules")
MAX_WORDS_SENT = 50_000
SCOPE_NAMES = {
    "safety": _l("涉及安全"), "lot": _l("同一批次、同一类型"), "sku": _l("同一 SKU、同一类型"),
    "supplier": _l("同一供应商、同一类型"), "courier_line": _l("同一快递线路、同一类型"),
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of rule that has a condition: its table and its verbs."""

    model: Any
    edit: Callable[..., None]
    switch: Callable[..., None]


KINDS = {
    "intake": Kind(IntakeRule, intake.edit_rule, intake.switch_rule),
    "classification": Kind(ClassificationRule, classification.edit_rule, classification.switch_rule),
}


@dataclass(frozen=True)
class RuleLine:
    """A rule as the page shows it."""

    row: Any
    sentence: str
    sets: str
    source: str = ""


@bp.get("")
@needs("config.rules")
def index() -> Response:
    """Show every rule."""
    return _index()


@bp.post("/opening/<int:rule_id>")
@needs("config.rules")
def opening_update(rule_id: int) -> Response:
    """Change an opening rule."""
    try:
        with write():
            opening.edit_rule(rule_id, _change(), by=actor().id, now=clock.now())
    except Refused as error:
        return _index(error=error.message)
    return _back(_("已保存;只影响之后的客诉"))


@bp.post("/opening/<int:rule_id>/preview")
@needs("config.rules")
def opening_preview(rule_id: int) -> Response:
    """Show what the rule would have opened in the last year; writes nothing."""
    rule = existing(OpeningRule, rule_id)
    change = _change()
    found = opening.preview_last_year(rule, change)
    return render(
        "classification/rules.html", "classification/_preview.html", preview=found, change=change, rule=rule, form={},
        error="", **_rules(),
    )  # fmt: skip


@bp.post("/opening/<int:rule_id>/activity")
@needs("config.rules")
def opening_switch(rule_id: int) -> Response:
    """Switch an opening rule on or off."""
    enabled = request.form.get("enabled") == "1"
    with write():
        opening.switch_rule(rule_id, enabled=enabled, by=actor().id, now=clock.now())
    return _switched(enabled)


@bp.get("/<any(intake, classification):kind>/<int:rule_id>")
@needs("config.rules")
def show(kind: str, rule_id: int) -> Response:
    """Show one rule to be edited."""
    return _edit(kind, rule_id)


@bp.post("/<any(intake, classification):kind>/<int:rule_id>")
@needs("config.rules")
def update(kind: str, rule_id: int) -> Response:
    """Change a rule; a wrong condition is shown at its place, and nothing typed is lost."""
    row, sets, sent = _row(kind, rule_id), _sets(), request.form.to_dict(flat=False)
    edit = request.form.get("_edit")
    if edit:
        return _edit(kind, rule_id, builder=edited_builder(row, sent, edit), typed=True)
    found = typed_condition(row, sent) if was_sent(sent) else None
    if found and found.condition is None:
        return _edit(kind, rule_id, builder=found.builder, typed=True, status=422)
    try:
        words = request.form.get("words", "")[:MAX_WORDS_SENT]
        condition = found.condition if found else word_condition(classification.read_words(words))
        with write():
            KINDS[kind].edit(rule_id, request.form.get("name", ""), condition, sets, by=actor().id, now=clock.now())
            answer_at(url_for("rules.index"))
    except Refused as error:
        builder = found.builder if found else None
        return _edit(kind, rule_id, builder=builder, typed=True, status=422, error=error)
    return _back(_("已保存;只影响之后的客诉"))


@bp.post("/<any(intake, classification):kind>/<int:rule_id>/activity")
@needs("config.rules")
def switch(kind: str, rule_id: int) -> Response:
    """Switch a rule on or off."""
    enabled = request.form.get("enabled") == "1"
    with write():
        KINDS[kind].switch(rule_id, enabled=enabled, by=actor().id, now=clock.now())
    return _switched(enabled)


@bp.post("/classification")
@needs("config.rules")
def create() -> Response:
    """Add a rule of words."""
    form = request.form
    try:
        with write():
            classification.add_word_rule(
                form.get("name", ""), form.get("words", "")[:MAX_WORDS_SENT], _sets(), by=actor().id, now=clock.now()
            )
            answer_at(url_for("rules.index"))
    except Refused as error:
        return _index(error=error.message)
    return _back(_("已添加,排在最前面"))


def _index(*, error: str = "") -> Response:
    return render("classification/rules.html", status=422 if error else 200, error=error, form=request.form, **_rules())


def _rules() -> dict[str, Any]:
    names = _term_names()
    openings = db.session.scalars(select(OpeningRule).order_by(OpeningRule.position, OpeningRule.id)).all()
    return {
        "openings": openings,
        "scopes": SCOPE_NAMES,
        "intake": [_line(row, names) for row in _ordered(IntakeRule)],
        "classification": [_line(row, names) for row in _ordered(ClassificationRule)],
        "trees": {part: terms_of(part) for part in PARTS},
    }


def _ordered(model: Any) -> Any:
    return db.session.scalars(select(model).order_by(model.position, model.id))


def _line(row: Any, names: Mapping[tuple[str, str], str]) -> RuleLine:
    words = words_of(row.condition)
    if words:
        sentence = _("买家提到:%(words)s", words="、".join(words))
    else:
        sentence = describe(
            parse(row.condition, fields_of(row)), {key: str(name) for key, name in FIELD_NAMES.items()}, _
        )
    said = [names.get((part, row.sets.get(part, "")), "") for part in PARTS]
    if row.sets.get("safety"):
        said.append(_("涉及安全"))
    source = SOURCE_NAMES.get(getattr(row, "source_kind", ""), "")
    return RuleLine(row, sentence, " · ".join(text for text in said if text), str(source))


def _term_names() -> dict[tuple[str, str], str]:
    terms = db.session.scalars(select(Term).where(Term.kind.in_(PARTS)))
    return {(term.kind, term.code): localised(term) for term in terms}


def _row(kind: str, rule_id: int) -> Any:
    return existing(KINDS[kind].model, rule_id)


def _edit(
    kind: str, rule_id: int, *, builder: ShownBuilder | None = None, typed: bool = False, status: int = 200,
    error: Refused | None = None,
) -> Response:  # fmt: skip
    """Show a rule as it is stored or as it was typed; one that looks for words asks for these, unless told otherwise."""
    row = _row(kind, rule_id)
    words = words_of(row.condition)
    if not typed and (not words or "condition" in request.args):
        builder = stored_builder(row)
    return render(
        "classification/rule.html",
        status=status,
        kind=kind,
        line=_line(row, _term_names()),
        words=request.form.get("words", "") if typed else " ".join(words),
        builder=builder,
        name=request.form.get("name", "") if typed else row.name_zh,
        sets=_sets() if typed else row.sets,
        error=error,
        trees={part: terms_of(part) for part in PARTS},
    )


def _sets() -> dict[str, Any]:
    sets: dict[str, Any] = {part: request.form.get(part, "") for part in PARTS}
    return sets | {"safety": request.form.get("safety") == "1"}


def _change() -> opening.RuleChange:
    form = request.form
    return opening.RuleChange(
        threshold=form.get("threshold", type=int, default=0),
        days=form.get("days", type=int, default=0),
        not_types=form.getlist("not_types")[:100],
    )


def _switched(enabled: bool) -> Response:
    return _back(_("已启用") if enabled else _("已停用;已有的客诉和问题不变"))


def _back(text: str) -> Response:
    return go(url_for("rules.index"), trigger={"toast": text})
