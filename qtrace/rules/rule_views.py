"""The pages rules are made on: the list of a form, the picker of kinds, one rule, and the trial on real records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.access import actor, needs
from qtrace.conditions.describe import describe, plain
from qtrace.conditions.tree import ConditionError, Scalar, parse
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import Conflict, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, forms
from qtrace.forms.registry import Storage, controls
from qtrace.plugins import rule_kinds
from qtrace.rules.editor import Writing, draft_from, editor_of, fitting_fields, label_of, typed_editor
from qtrace.rules.engine import all_facts
from qtrace.rules.facts import stages_of
from qtrace.rules.models import Rule
from qtrace.rules.queries import draft_of, load_rules, rule_by_id, rules_of_form, words_of
from qtrace.rules.reading import FormWords, RuleError, read_rule
from qtrace.rules.service import add_rule, change_rule, move_rule, order_rules, remove_rule, switch_rule
from qtrace.rules.trial import NEWEST, try_on_records, try_on_value
from qtrace.sdk.rules import RuleKind
from qtrace.sdk.text import Text
from qtrace.web.csrf import answer_at
from qtrace.web.filters import in_language
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("rule_pages", __name__, url_prefix="/rules")
FAMILIES = {
    "presence": _l("填没填"), "text": _l("文字"), "number": _l("数字"), "time": _l("日期和时间"), "file": _l("照片和文件"),
    "facts": _l("和资料、记录对照"), "table": _l("子表"), "logic": _l("几个字段之间"), "effect": _l("显示和自动填写"), "other": _l("其他"),
}  # fmt: skip
LEVELS = {"block": _l("拦住"), "warn": _l("要说明原因"), "info": _l("只提示")}
LEVEL_NAMES = {**LEVELS, "effect": _l("改变表单")}
LEVEL_CHIPS = {"block": "bad", "warn": "warn", "info": "on", "effect": ""}


@dataclass(frozen=True)
class RuleLine:
    """A rule as the list shows it; `problem` says why it can't be asked any more."""

    row: Rule
    name: str
    field: str
    kind: str
    says: str
    sentence: str
    problem: str
    level: str  # "effect" for kinds that change the form


@bp.get("")
@needs("config.rules")
def index() -> Response:
    """Show the rules of one form in their order."""
    known = [form for form, _version in forms() if form.state == "active"]
    form = next((one for one in known if one.key == request.args.get("form")), None) or _first_form(known)
    words = words_of(form.key)
    lines = [_line(row, words, form.kind) for row in rules_of_form(form.id)]
    return render(
        "rules/index.html",
        "rules/_list.html",
        forms=known,
        form=form,
        lines=lines,
        levels=LEVEL_NAMES,
        chips=LEVEL_CHIPS,
    )


@bp.get("/new")
@needs("config.rules")
def new() -> Response:
    """Show the kinds to choose from, then the fields, then the rule to be written."""
    form, words = _form(request.args.get("form", ""))
    kind = rule_kinds(current_app).get(request.args.get("kind", ""))
    if kind is None:
        return _picker(form)
    field = request.args.get("field", "")
    choices = fitting_fields(kind, words)
    if kind.fits and field not in dict(choices):
        return render("rules/fields.html", form=form, kind=kind, choices=choices)
    writing = Writing(form.key, form.kind, words, kind, field)
    return _page(form, typed_editor({}, writing))


@bp.post("")
@needs("config.rules")
def create() -> Response:
    """Add a rule; a wrong one comes back with all that was typed and the error at its place."""
    form, writing = _writing()
    if request.form.get("_edit"):
        return _page(form, typed_editor(_sent(), writing))
    url = url_for("rule_pages.index", form=form.key)
    try:
        draft = draft_from(_sent(), writing)
        with write():
            add_rule(form.key, draft, writing.words, by=actor().id, now=clock.now())
            answer_at(url)
    except RuleError as error:
        form, writing = _writing()
        return _page(form, typed_editor(_sent(), writing, error), status=422)
    return go(url, trigger={"toast": _("已添加,从现在起每个入口都按它检查")})


@bp.get("/<int:rule_id>")
@needs("config.rules")
def show(rule_id: int) -> Response:
    """Show one rule to be changed."""
    row, form, writing = _stored(rule_id)
    return _page(form, editor_of(draft_of(row), writing), row=row)


@bp.post("/<int:rule_id>")
@needs("config.rules")
def update(rule_id: int) -> Response:
    """Change a rule unless somebody else was faster; a wrong one comes back with all that was typed."""
    row, form, writing = _stored(rule_id)
    if request.form.get("_edit"):
        return _page(form, typed_editor(_sent(), writing), row=row)
    url = url_for("rule_pages.index", form=form.key)
    version = as_id(request.form.get("version", "")) or 0
    try:
        draft = draft_from(_sent(), writing)
        with write():
            change_rule(rule_id, draft, writing.words, expected_version=version, by=actor().id, now=clock.now())
            answer_at(url)
    except RuleError as error:
        row, form, writing = _stored(rule_id)
        return _page(form, typed_editor(_sent(), writing, error), row=row, status=422)
    except Conflict as conflict:
        row, form, writing = _stored(rule_id)
        return _page(form, typed_editor(_sent(), writing), row=row, status=409, conflict=conflict.message)
    return go(url, trigger={"toast": _("已保存,从现在起按新的规则检查")})


@bp.post("/trial")
@needs("config.rules")
@limited("search")
def trial_create() -> Response:
    """Show which of the newest records the rule as it is typed would stop; stores nothing."""
    form, writing = _writing()
    number, value = request.form.get("try_number", "").strip(), request.form.get("try_value", "").strip()
    now = clock.now()
    try:
        rule = read_rule(draft_from(_sent(), writing), writing.words)
        rules = replace(load_rules(form.key, writing.words.definition), rules=(rule,))
        found = (
            try_on_value(rule, rules, value, now=now) if value else try_on_records(rule, rules, now=now, number=number)
        )
    except RuleError as error:
        return _page(form, typed_editor(_sent(), writing, error), status=422, trial_error=error.message)
    except Refused as refused:
        return _page(form, typed_editor(_sent(), writing), status=422, trial_error=refused.message)
    return _page(form, typed_editor(_sent(), writing), trial=found, tried_level=rule.level)


@bp.post("/<int:rule_id>/activity")
@needs("config.rules")
def activity_update(rule_id: int) -> Response:
    """Switch a rule on or off."""
    row, form = _row(rule_id)
    active, url = request.form.get("active") == "1", url_for("rule_pages.index", form=form.key)
    with write():
        switch_rule(row.id, active=active, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已启用") if active else _("已停用;已有的记录不变")})


@bp.post("/<int:rule_id>/position")
@needs("config.rules")
def position_update(rule_id: int) -> Response:
    """Move a rule one place up or down."""
    row, form = _row(rule_id)
    url = url_for("rule_pages.index", form=form.key)
    with write():
        move_rule(row.id, up=request.form.get("up") == "1", by=actor().id, now=clock.now())
        answer_at(url)
    return go(url)


@bp.post("/order")
@needs("config.rules")
def order_update() -> Response:
    """Put the rules of a form into the order they were dragged to."""
    form, _words = _form(request.form.get("form", ""))
    ids = [found for text in request.form.getlist("rule") if (found := as_id(text)) is not None]
    url, form_id = url_for("rule_pages.index", form=form.key), form.id
    with write():
        order_rules(form_id, ids, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("顺序已保存")})


@bp.post("/<int:rule_id>/removal")
@needs("config.rules")
def removal_create(rule_id: int) -> Response:
    """Remove a rule; what it said stays in the audit record."""
    row, form = _row(rule_id)
    url, version = url_for("rule_pages.index", form=form.key), as_id(request.form.get("version", "")) or 0
    with write():
        remove_rule(row.id, expected_version=version, by=actor().id, now=clock.now())
        answer_at(url)
    return go(url, trigger={"toast": _("已删除;审计记录里还查得到")})


def _page(form: Form, editor: Any, *, row: Rule | None = None, status: int = 200, **more: Any) -> Response:
    context: dict[str, Any] = {
        "conflict": "",
        "trial": None,
        "trial_error": "",
        "tried_level": "",
        "newest": NEWEST,
    } | more
    row = row or _row_sent()
    url = url_for("rule_pages.update", rule_id=row.id) if row else url_for("rule_pages.create")
    return render(
        "rules/edit.html", status=status, form=form, editor=editor, row=row, url=url, levels=LEVELS, chips=LEVEL_CHIPS,
        families=FAMILIES, **context,
    )  # fmt: skip


def _picker(form: Form) -> Response:
    words = request.args.get("q", "").strip().casefold()
    kinds = [kind for kind in rule_kinds(current_app).values() if words in _searched(kind)]
    groups = [(label, [kind for kind in kinds if _family(kind) == family]) for family, label in FAMILIES.items()]
    return render(
        "rules/kinds.html", "rules/_kinds.html", form=form, groups=[(label, found) for label, found in groups if found],
        q=request.args.get("q", ""),
    )  # fmt: skip


def _family(kind: RuleKind) -> str:
    return kind.family if kind.family in FAMILIES else "other"


def _searched(kind: RuleKind) -> str:
    texts = (kind.key, kind.name.zh, kind.name.en, kind.hint.zh, kind.hint.en, kind.words)
    return " ".join(texts).casefold()


def _first_form(known: Sequence[Form]) -> Form:
    if not known:
        raise NotFound
    return next((form for form in known if form.key == "issue"), known[0])


def _form(key: str) -> tuple[Form, FormWords]:
    form, _version = current_form(key)
    return form, words_of(key)


def _writing() -> tuple[Form, Writing]:
    """Return what the sent rule is about."""
    form, words = _form(request.form.get("form", ""))
    kind = rule_kinds(current_app).get(request.form.get("kind", ""))
    if kind is None:
        raise NotFound
    return form, Writing(form.key, form.kind, words, kind, request.form.get("field", ""))


def _row(rule_id: int) -> tuple[Rule, Form]:
    row = rule_by_id(rule_id)
    form = next((form for form, _version in forms() if form.id == row.form_id), None)
    if form is None:
        raise NotFound
    return row, form


def _stored(rule_id: int) -> tuple[Rule, Form, Writing]:
    row, form = _row(rule_id)
    kind = rule_kinds(current_app).get(row.kind)
    if kind is None:
        raise Refused(_("没有这种规则:%(kind)s。提供它的插件可能已卸载。", kind=row.kind))
    return row, form, Writing(form.key, form.kind, words_of(form.key), kind, row.field)


def _row_sent() -> Rule | None:
    rule_id = as_id(request.form.get("rule_id", ""))
    return rule_by_id(rule_id) if rule_id else None


def _sent() -> Mapping[str, Sequence[str]]:
    return request.form.to_dict(flat=False)


def _line(row: Rule, words: FormWords, form_kind: str) -> RuleLine:
    kind = rule_kinds(current_app).get(row.kind)
    problem = ""
    try:
        read_rule(draft_of(row), words)
    except RuleError as error:
        problem = error.message
    name = row.name or (in_language(kind.name) if kind else row.kind)
    level = "effect" if kind and kind.effect not in ("", "require", "filter") else row.level
    return RuleLine(
        row, name, label_of(row.field, words), in_language(kind.name) if kind else row.kind, _says(row, kind, words, form_kind),
        _when(row, words), problem, level,
    )  # fmt: skip


def _says(row: Rule, kind: RuleKind | None, words: FormWords, form_kind: str) -> str:
    """Return the settings of a rule in the order of its kind, as people read them."""
    told = []
    for option in kind.options if kind else ():
        value = (row.options or {}).get(option.name)
        if value in (None, "", [], False):
            continue
        texts = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        if option.kind in ("choice", "choices"):
            texts = [in_language(dict(option.choices).get(text, Text(text, text))) for text in texts]
        elif option.kind in ("field", "fields"):
            texts = [label_of(text, words) for text in texts]
        elif option.kind == "stage":
            texts = [dict(stages_of(form_kind)).get(text, text) for text in texts]
        elif option.kind == "column":
            texts = [label_of(f"{row.field}.{text}", words) for text in texts]
        elif option.kind in ("condition", "formula"):
            continue
        label = in_language(option.label)
        told.append(label if value is True else f"{label} {'、'.join(texts)[:60]}")
    return " · ".join(told)


def _when(row: Rule, words: FormWords) -> str:
    if row.condition is None:
        return ""
    labels = {name: label_of(name, words) for name in all_facts(words.facts)}

    def show(path: str, value: Scalar) -> str:
        """Write a choice and what is referred to by name, not as they are kept."""
        asked = words.definition.field(path)
        control = controls().get(asked.control) if asked else None
        if asked is None or control is None or isinstance(value, bool) or not isinstance(value, int | str):
            return plain(path, value)
        is_named = control.storage == Storage.REF if isinstance(value, int) else bool(control.choices(asked))
        return control.show(asked, value) if is_named else plain(path, value)

    try:
        return describe(parse(row.condition, words.kinds, has_history=True), labels, _, show)
    except ConditionError:
        return ""
