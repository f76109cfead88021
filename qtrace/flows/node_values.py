"""What the settings of an automatic node come to for one case: fields put in, formulas worked out."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _

from qtrace.conditions.evaluate import is_missing
from qtrace.conditions.formula_tree import FormulaError
from qtrace.core.errors import Refused
from qtrace.flows.condition_fields import Seen, seen_of
from qtrace.flows.subject_facts import worked_out
from qtrace.flows.telling import said_value
from qtrace.sdk.flow_nodes import FlowNode, NodeOption, NodeValue
from qtrace.web.filters import site_zone

PLACE = re.compile(r"\{([^{}\n]{1,80})\}")
FORMULA = "="
OWN = {"编号": "number", "number": "number", "标题": "title", "title": "title", "网址": "url", "url": "url"}


class Values:
    """The values of one subject, for the settings of the nodes it comes to; `own` are its number, title and address."""

    def __init__(self, subject: tuple[str, int], own: Mapping[str, str], now: datetime) -> None:
        self.subject, self.own, self.now = subject, own, now
        self.seen: Seen = seen_of(*subject)
        self.fields = {one.id: one for one in self.seen.fields()}
        self.named = {str(one.label): one.id for one in reversed(list(self.fields.values()))}

    def text(self, source: str) -> str:
        """Return what a setting comes to; Refused where it names a field nobody has or cannot be worked out."""
        if source.startswith(FORMULA):
            return self._formula(source.removeprefix(FORMULA).strip())
        return PLACE.sub(lambda found: self._field(found[1].strip()), source)

    def _formula(self, source: str) -> str:
        try:
            found = worked_out(*self.subject, source, self.now)
        except FormulaError as error:
            raise Refused(_("算式算不出来:%(what)s", what=error.translated(_))) from error
        if found is None:
            return ""
        if isinstance(found, bool):
            return "1" if found else "0"
        if isinstance(found, Decimal):
            return format(found, "f")
        if isinstance(found, datetime):
            return found.astimezone(site_zone()).strftime("%Y-%m-%dT%H:%M")
        return str(found)

    def _field(self, name: str) -> str:
        if name in OWN and name not in self.fields and name not in self.named:
            return self.own[OWN[name]]
        field = name if name in self.seen.kinds else self.named.get(name, "")
        if field not in self.seen.kinds:
            raise Refused(_("这里没有字段「%(name)s」。请改流程里的设置。", name=name))
        value = self.seen.values.get(field)
        return "" if is_missing(value) else said_value(self.fields.get(field), value)


def settled(node: FlowNode, given: Mapping[str, object], values: Values) -> dict[str, NodeValue]:
    """Return the settings of a node as its function gets them; Refused where one that is needed is missing."""
    found: dict[str, NodeValue] = {}
    for option in node.options:
        value = _settled(option, given.get(option.name), values)
        if option.required and value in ("", ()):
            raise Refused(_("自动处理「%(name)s」还没有设置完。请改流程里的设置。", name=node.name.zh))
        found[option.name] = value
    return found


def _settled(option: NodeOption, given: object, values: Values) -> NodeValue:
    readers: Mapping[str, Callable[[], NodeValue]] = {
        "yes": lambda: given is True or (given is None and option.default is True),
        "number": lambda: given if isinstance(given, int) and not isinstance(given, bool) else option.default or 0,
        "value": lambda: values.text(_text(given, option)),
        "pairs": lambda: tuple((name, values.text(text)) for name, text in pairs_of(given)),
        "names": lambda: tuple(pairs_of(given)),
    }
    return readers[option.kind]() if option.kind in readers else _text(given, option)


def pairs_of(given: object) -> Sequence[tuple[str, str]]:
    """Return the pairs a definition holds; whatever is none is left out."""
    rows = given if isinstance(given, list | tuple) else ()
    return [
        (row[0], row[1])
        for row in rows
        if isinstance(row, list | tuple) and len(row) == 2 and all(isinstance(one, str) for one in row) and row[0]
    ]


def _text(given: object, option: NodeOption) -> str:
    return given if isinstance(given, str) and given else str(option.default)
