"""Say a condition as one plain sentence, in the words of the reader."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce

from qtrace.conditions.tree import All, Any_, Clause, Condition, Not, OtherField, Scalar

Gettext = Callable[[str], str]
Show = Callable[[str, Scalar], str]


def plain(_field: str, value: Scalar) -> str:
    """Write an operand as it is; a time in UTC and without seconds."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M UTC")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def describe(condition: Condition, labels: Mapping[str, str], gettext: Gettext = str, show: Show = plain) -> str:
    """Return the condition as a sentence; `show` writes the operands of a field, as in the site's zone or by name."""
    return _Writer(labels, gettext, show).sentence(condition)


def _(message: str) -> str:
    """Mark a message for the catalogue; the writer translates it."""
    return message


_CLAUSES: Mapping[str, str] = {
    "eq": _("%(field)s 是 %(value)s"),
    "ne": _("%(field)s 不是 %(value)s"),
    "lt": _("%(field)s < %(value)s"),
    "le": _("%(field)s ≤ %(value)s"),
    "gt": _("%(field)s > %(value)s"),
    "ge": _("%(field)s ≥ %(value)s"),
    "between": _("%(field)s 在 %(low)s 至 %(high)s 之间"),
    "in": _("%(field)s 是 %(value)s"),
    "not_in": _("%(field)s 不是 %(value)s"),
    "contains": _("%(field)s 含 %(value)s"),
    "not_contains": _("%(field)s 不含 %(value)s"),
    "starts_with": _("%(field)s 以 %(value)s 开头"),
    "contains_any": _("%(field)s 含 %(value)s"),
    "has_any": _("%(field)s 有 %(value)s"),
    "has_all": _("%(field)s 有 %(value)s"),
    "has_none": _("%(field)s 没有 %(value)s"),
    "has_been": _("%(field)s 曾是 %(value)s"),
    "has_never_been": _("%(field)s 从未是 %(value)s"),
    "changed_from": _("%(field)s 刚从 %(value)s 改为别的"),
    "changed": _("%(field)s 改过"),
    "is_empty": _("%(field)s 为空"),
    "not_empty": _("%(field)s 不为空"),
    "is_true": _("%(field)s 为是"),
    "is_false": _("%(field)s 为否"),
}
_BOTH = _("%(left)s 且 %(right)s")
_EITHER = _("%(left)s 或 %(right)s")
_NEITHER = _("%(left)s、%(right)s")
_JOINTS: Mapping[str, str] = {"not_in": _NEITHER, "has_none": _NEITHER, "has_all": _BOTH}
_OPPOSITE = _("并非(%(inner)s)")
_GROUPED = _("(%(inner)s)")
_ALWAYS = _("不限")
_NEVER = _("没有符合的情况")


@dataclass(frozen=True, slots=True)
class _Writer:
    labels: Mapping[str, str]
    gettext: Gettext
    show: Show

    def sentence(self, condition: Condition) -> str:
        match condition:
            case All(items):
                return self._joined(items, _BOTH, _ALWAYS)
            case Any_(items):
                return self._joined(items, _EITHER, _NEVER)
            case Not(item):
                return self._fill(_OPPOSITE, inner=self.sentence(item))
            case Clause():
                return self._clause(condition)

    def _joined(self, items: Sequence[Condition], joint: str, nothing: str) -> str:
        if not items:
            return self.gettext(nothing)
        if len(items) == 1:
            return self.sentence(items[0])
        return self._chain([self._part(item) for item in items], joint)

    def _part(self, item: Condition) -> str:
        """Write an item of several, in brackets when it is itself a group of several."""
        inner = self.sentence(item)
        is_group = isinstance(item, All | Any_) and len(item.items) > 1
        return self._fill(_GROUPED, inner=inner) if is_group else inner

    def _clause(self, clause: Clause) -> str:
        label = self._label(clause.field)
        template = _CLAUSES[clause.op]
        match clause.value:
            case None:
                return self._fill(template, field=label)
            case OtherField(name):
                return self._fill(template, field=label, value=self._label(name))
            case tuple() as values:
                shown = [self.show(clause.field, value) for value in values]
                if clause.op == "between":
                    return self._fill(template, field=label, low=shown[0], high=shown[1])
                return self._fill(template, field=label, value=self._chain(shown, _JOINTS.get(clause.op, _EITHER)))
            case value:
                return self._fill(template, field=label, value=self.show(clause.field, value))

    def _label(self, name: str) -> str:
        return self.labels.get(name, name)

    def _chain(self, parts: Sequence[str], joint: str) -> str:
        return reduce(lambda left, right: self._fill(joint, left=left, right=right), parts)

    def _fill(self, template: str, **values: str) -> str:
        return self.gettext(template) % values
