"""The controls as a catalogue: what each keeps, where it may stand, and a sample of it to be tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound, RowErrors
from qtrace.forms.controls.rows import rearranged
from qtrace.forms.openness import Openness, usual_openness
from qtrace.forms.registry import FAMILIES, Control, Family, FieldDefinition, Sent, Storage, Value, controls

STORED: Mapping[Storage, LazyString] = {
    Storage.TEXT: _("文字"),
    Storage.NUMBER: _("数字"),
    Storage.MONEY: _("金额"),
    Storage.BOOL: _("是或否"),
    Storage.DATE: _("日期"),
    Storage.DATETIME: _("日期和时间"),
    Storage.JSON_LIST: _("多个值"),
    Storage.REF: _("关联的记录"),
    Storage.REFS: _("关联的多条记录"),
    Storage.FILE_REFS: _("文件"),
    Storage.ROWS: _("子表"),
    Storage.COMPUTED: _("自动计算"),
}

COMPARED: Mapping[FieldKind, LazyString] = {
    FieldKind.TEXT: STORED[Storage.TEXT],
    FieldKind.NUMBER: STORED[Storage.NUMBER],
    FieldKind.BOOL: STORED[Storage.BOOL],
    FieldKind.DATETIME: STORED[Storage.DATE],
    FieldKind.REF: STORED[Storage.REF],
    FieldKind.LIST: STORED[Storage.JSON_LIST],
}


@dataclass(frozen=True)
class Drawer:
    """A family with its controls, the ones a beginner sees first."""

    key: str
    family: Family
    controls: Sequence[Control]


@dataclass(frozen=True)
class Trial:
    """A sample field with what was typed and what became of it."""

    bound: Bound
    rows: Sequence[tuple[LazyString, str]] = ()

    @property
    def ok(self) -> bool:
        """Say whether it could be read."""
        return not self.bound.error


def drawers() -> list[Drawer]:
    """Return every control by its family, in the order of the palette."""
    return [
        Drawer(key, family, sorted((c for c in controls().values() if c.family == key), key=lambda c: not c.basic))
        for key, family in FAMILIES.items()
    ]


def new_trial(control: Control) -> Trial:
    """Return the control as it is newly laid on a form."""
    return Trial(_bound(control, Sent()))


def read_trial(control: Control, typed: Mapping[str, Sequence[str]]) -> Trial:
    """Read what was typed into the sample field; files are left out, because nothing is stored."""
    sent, field = Sent(rearranged(typed)), _field(control)
    if sent.rearranges:
        return Trial(_bound(control, sent))
    try:
        value = control.parse(field, sent)
    except RowErrors as refused:
        return Trial(_bound(control, sent, str(_("标红的格子需要修改。")), refused.cells))
    except Refused as refused:
        return Trial(_bound(control, sent, refused.message))
    return Trial(_bound(control, sent), _rows(control, field, value))


def options_text(control: Control) -> str:
    """Return the names of a control's settings, the required ones marked."""
    return "、".join(f"{option.label_zh or option.name}{'*' if option.required else ''}" for option in control.options)


def for_strangers(control: Control) -> str:
    """Return the word for whether people without an account may be asked it."""
    words = {Openness.OPEN: _("可用"), Openness.OPENED: _("在链接上勾选后"), Openness.CLOSED: _("不可用")}
    return str(words[usual_openness(control)])


def stored_as(control: Control) -> str:
    """Return in the reader's words what is kept, as conditions and lists see it."""
    return str(COMPARED[control.compared_as] if control.compared_as else STORED[control.storage])


def _rows(control: Control, field: FieldDefinition, value: Value) -> list[tuple[LazyString, str]]:
    cell = control.to_cell(field, value)
    return [
        (_("列表里"), control.show(field, value)),
        (_("打印"), control.to_print(field, value)),
        (_("Excel 单元格"), "—" if cell is None else str(cell)),
        (_("全文检索"), control.search_text(field, value) or "—"),
    ]


def _field(control: Control) -> FieldDefinition:
    return FieldDefinition("sample", control.key, control.name_zh, control.name_en, options=control.starter())


def _bound(control: Control, sent: Sent, error: str = "", inner: Mapping[str, str] | None = None) -> Bound:
    field = _field(control)
    return Bound(field, control, sent, control.choices(field), error, bool(error), inner or {})
