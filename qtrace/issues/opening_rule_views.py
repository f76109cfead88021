"""The page of the rules: what becomes a complaint, how it is classified, when an issue opens."""

import json
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
from qtrace.classification.suggest import FIELDS, PARTS, word_condition, words_of
from qtrace.complaints import rules as intake
from qtrace.complaints.models import IntakeRule
from qtrace.complaints.sources import SOURCES
from qtrace.conditions.describe import describe
from qtrace.conditions.tree import ConditionError, parse
from qtrace.core import clock
from qtrace.core.db import db, existing, write
from qtrace.core.errors import Refused
from qtrace.issues import opening_rules as opening
from qtrace.issues.models import OpeningRule
from qtrace.web.csrf import answer_at
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render

bp = Blueprint("rules", __name__, url_prefix="/config/rules")
MAX_JSON = 50_000
SCOPE_NAMES = {
    "safety": _l("涉及安全"), "lot": _l("同一批次、同一类型"), "sku": _l("同一 SKU、同一类型"),
    "supplier": _l("同一供应商、同一类型"), "courier_line": _l("同一快递线路、同一类型"),
}  # fmt: skip
SOURCE_NAMES = {"review": _l("评价"), "order": _l("订单"), "after_sale": _l("售后")}
FIELD_NAMES = {
    "stars": _l("星级"), "title": _l("标题"), "text": _l("买家的话"), "reviewed_at": _l("评价时间"), "shop_id": _l("店铺"),
    "status": _l("状态"), "placed_at": _l("下单时间"), "shipped_at": _l("发货时间"), "delivered_at": _l("送达时间"),
    "promised_at": _l("承诺时间"), "kind": _l("售后种类"), "reason": _l("售后原因"), "reason_code": _l("原因代码"),
    "refund_minor": _l("退款(分)"), "opened_at": _l("申请时间"), "raw_reason": _l("买家选的原因"), "source_kind": _l("来源"),
    "sku": _l("商品名"), "category": _l("类目"), "courier_line": _l("快递线路"),
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
    """Change a rule; a wrong condition is shown with its place, and nothing typed is lost."""
    row, sets = _row(kind, rule_id), _sets()
    try:
        condition = _condition(row)
        with write():
            KINDS[kind].edit(rule_id, request.form.get("name", ""), condition, sets, by=actor().id, now=clock.now())
    except Refused as error:
        return _edit(kind, rule_id, error)
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
                form.get("name", ""), form.get("words", "")[:MAX_JSON], _sets(), by=actor().id, now=clock.now()
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
            parse(row.condition, _fields(row)), {key: str(name) for key, name in FIELD_NAMES.items()}, _
        )
    said = [names.get((part, row.sets.get(part, "")), "") for part in PARTS]
    if row.sets.get("safety"):
        said.append(_("涉及安全"))
    source = SOURCE_NAMES.get(getattr(row, "source_kind", ""), "")
    return RuleLine(row, sentence, " · ".join(text for text in said if text), str(source))


def _fields(row: Any) -> Any:
    return SOURCES[row.source_kind].fields if isinstance(row, IntakeRule) else FIELDS


def _term_names() -> dict[tuple[str, str], str]:
    terms = db.session.scalars(select(Term).where(Term.kind.in_(PARTS)))
    return {(term.kind, term.code): localised(term) for term in terms}


def _row(kind: str, rule_id: int) -> Any:
    return existing(KINDS[kind].model, rule_id)


def _condition(row: Any) -> object:
    """Return the condition sent: the text for experts where it was changed, the words otherwise."""
    text = request.form.get("condition", "")[:MAX_JSON]
    words = request.form.get("words")
    if words is not None and _same_json(text, row.condition):
        return word_condition(classification.read_words(words))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = _("第 %(line)d 行第 %(column)d 个字符处不是有效的 JSON。", line=error.lineno, column=error.colno)
        raise Refused(message, field="condition") from None
    except RecursionError:
        raise Refused(_("条件嵌套太深。"), field="condition") from None


def _same_json(text: str, condition: object) -> bool:
    try:
        return bool(json.loads(text) == condition)
    except (ValueError, RecursionError):
        return False


def _edit(kind: str, rule_id: int, error: Refused | None = None) -> Response:
    row = _row(kind, rule_id)
    form = request.form if error else None
    return render(
        "classification/rule.html",
        status=422 if error else 200,
        kind=kind,
        line=_line(row, _term_names()),
        words=(form.get("words") if form else " ".join(words_of(row.condition))) or "",
        by_words=bool(words_of(row.condition)),
        name=form.get("name", "") if form else row.name_zh,
        sets=_sets() if form else row.sets,
        text=form.get("condition", "") if form else json.dumps(row.condition, ensure_ascii=False, indent=2),
        error=_told(error) if error else "",
        fields={name: FIELD_NAMES.get(name, name) for name in _fields(row)},
        trees={part: terms_of(part) for part in PARTS},
    )


def _told(error: Refused) -> str:
    if isinstance(error, ConditionError):
        return _("条件在 %(place)s 处有误:%(what)s", place=error.path or _("最外层"), what=error.translated(_))
    return error.message


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
