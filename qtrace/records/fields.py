"""What lists of records can be filtered, sorted and grouped by: the columns every record has, and the form's own fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, select

from qtrace.accounts.models import Department, User
from qtrace.catalog.models import Shop, Sku
from qtrace.conditions.compile import FieldColumn
from qtrace.conditions.tree import FieldKind
from qtrace.core.db import Base, db, table_of
from qtrace.flows.definition import ASKING
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowDefinition
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.registry import Choice, Storage, Value
from qtrace.records.models import SCALE, Record
from qtrace.records.slots import Slotted, slotted
from qtrace.web.filters import localised

RECORDS = table_of(Record)
MOST_NAMED = 500
STATES = {"open": lazy_gettext("处理中"), "done": lazy_gettext("已完成"), "void": lazy_gettext("已作废")}
STAGES = {
    "fill": lazy_gettext("退回补正"),
    "check": lazy_gettext("待审核"),
    "lead_check": lazy_gettext("待复核"),
    "approved": lazy_gettext("已通过"),
    "rejected": lazy_gettext("已驳回"),
    "withdrawn": lazy_gettext("已撤回"),
    "terminated": lazy_gettext("已终止"),
}
SOURCES = {
    "page": lazy_gettext("页面填写"),
    "public": lazy_gettext("公开链接"),
    "import": lazy_gettext("表格导入"),
    "api": lazy_gettext("接口"),
    "connector": lazy_gettext("店铺/ERP 对接"),
    "flow": lazy_gettext("流程自动填写"),
}


@dataclass(frozen=True)
class ListField:
    """A column of the list: its name for people, what can be asked of it, where it lives and how its values read."""

    id: str
    label: str
    kind: FieldKind
    column: ColumnElement[Any]
    say: Callable[[Sequence[Any]], Mapping[Any, str]]  # the words for stored values
    choices: Callable[[], Sequence[Choice]] = list
    own: bool = False  # of the form, not of every record
    day: bool = False  # of the kind DATETIME: a day, which is the same in every zone
    sensitive: bool = False

    @property
    def asked(self) -> FieldColumn:
        """Return the column as conditions compile against it."""
        return FieldColumn(self.column, SCALE if self.own and self.kind is FieldKind.NUMBER else 0)

    @property
    def groupable(self) -> bool:
        """Say whether counting by its values makes sense."""
        return not self.sensitive and self.kind in (FieldKind.TEXT, FieldKind.REF, FieldKind.BOOL)


@dataclass(frozen=True)
class ListFields:
    """Every field of a form's list by its id, the form's own ones first."""

    own: tuple[ListField, ...]
    common: tuple[ListField, ...]

    @cached_property
    def by_id(self) -> dict[str, ListField]:
        """Return every field by its id."""
        return {one.id: one for one in (*self.own, *self.common)}

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """Return what conditions may ask."""
        return {one.id: one.kind for one in self.by_id.values()}

    @property
    def columns(self) -> dict[str, FieldColumn]:
        """Return where conditions find the values."""
        return {one.id: one.asked for one in self.by_id.values()}

    @property
    def labels(self) -> dict[str, str]:
        """Return the names people read."""
        return {one.id: one.label for one in self.by_id.values()}


def stage_words() -> dict[str, str]:
    """Return what the stages of records are called: the ways they end, and the nodes of the flows their forms use."""
    used = select(Form.flow).where(Form.flow != "")
    ids = db.session.scalars(select(FlowDefinition.id).where(FlowDefinition.key.in_(used)).order_by(FlowDefinition.id))
    found = {node.id: localised(node) for number in ids for node in stored_tree(number).walk() if node.kind in ASKING}
    return found | {stage: str(words) for stage, words in STAGES.items()}


def list_fields(definition: FormDefinition, slots: Mapping[str, str], *, english: bool) -> ListFields:
    """Return what the list of this form can be asked."""
    own = tuple(_own(one, english=english) for one in slotted(definition, slots))
    return ListFields(own, _common())


def _own(one: Slotted, *, english: bool) -> ListField:
    label = one.field.label_en if english else one.field.label_zh

    def say(values: Sequence[Any]) -> Mapping[Any, str]:
        return {value: one.control.show(one.field, _answer(value)) for value in values}

    def choices() -> Sequence[Choice]:
        return one.control.choices(one.field)

    return ListField(
        f"f.{one.field.id}",
        label,
        one.kind,
        RECORDS.c[one.slot],
        say,
        choices,
        own=True,
        day=one.control.storage is Storage.DATE,
        sensitive=one.control.sensitive,
    )


def _answer(value: object) -> Value:
    """Return a stored text, reference or yes/no as the answer it was; numbers and moments are not grouped."""
    if isinstance(value, str) and value.startswith("|"):
        return [item for item in value.strip("|").split("|") if item]
    return value if isinstance(value, str | int | bool) else None


def _common() -> tuple[ListField, ...]:
    return (
        ListField("state", _("状态"), FieldKind.TEXT, RECORDS.c.state, _words(STATES), _choices(STATES)),
        ListField(
            "stage",
            _("流程"),
            FieldKind.TEXT,
            RECORDS.c.stage,
            lambda values: _words({"": _("没有流程"), **stage_words()})(values),
            lambda: _choices(stage_words())(),
        ),
        ListField("source", _("来源"), FieldKind.TEXT, RECORDS.c.source, _words(SOURCES), _choices(SOURCES)),
        ListField("number", _("编号"), FieldKind.TEXT, RECORDS.c.number, _plain),
        ListField("title", _("标题"), FieldKind.TEXT, RECORDS.c.title, _plain),
        ListField("created_at", _("填写时间"), FieldKind.DATETIME, RECORDS.c.created_at, _plain),
        ListField("changed_at", _("修改时间"), FieldKind.DATETIME, RECORDS.c.changed_at, _plain),
        _named("created_by", _("填写人"), RECORDS.c.created_by, User, "name"),
        _named("department", _("部门"), RECORDS.c.department_id, Department, "name"),
        _named("owner", _("负责人"), RECORDS.c.owner_id, User, "name"),
        _named("shop", _("店铺"), RECORDS.c.shop_id, Shop, "name"),
        _named("sku", _("商品 SKU"), RECORDS.c.sku_id, Sku, "external_id"),
    )


def _named(key: str, label: str, column: ColumnElement[Any], model: type[Base], name: str) -> ListField:
    rows = table_of(model)

    def say(values: Sequence[Any]) -> Mapping[Any, str]:
        found = db.session.execute(select(rows.c.id, rows.c[name]).where(rows.c.id.in_(values)))
        return {row[0]: row[1] for row in found}

    def choices() -> list[Choice]:
        found = db.session.execute(select(rows.c.id, rows.c[name]).order_by(rows.c[name]).limit(MOST_NAMED))
        return [Choice(str(row_id), text) for row_id, text in found]

    return ListField(key, label, FieldKind.REF, column, say, choices)


def _plain(values: Sequence[Any]) -> Mapping[Any, str]:
    return {value: str(value) for value in values}


def _words(words: Mapping[str, Any]) -> Callable[[Sequence[Any]], Mapping[Any, str]]:
    return lambda values: {value: str(words.get(value, value)) for value in values}


def _choices(words: Mapping[str, Any]) -> Callable[[], list[Choice]]:
    return lambda: [Choice(value, str(label)) for value, label in words.items()]
