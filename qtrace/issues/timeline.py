"""What happened to an issue, in sentences; upper packages register sentences for their own events."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.controls import name_now
from qtrace.classification.models import Term
from qtrace.core.db import db
from qtrace.core.events import timeline
from qtrace.core.models import EventRow
from qtrace.flows.sentences import sentence_of, users_in
from qtrace.flows.signing import deputed
from qtrace.issues.fields import FIELD_NAMES, TERM_COLUMNS
from qtrace.orders.models import Lot, Order

EXTENSION = "qtrace_issue_sentences"
MAX_VALUE = 60
# What the same transaction already says in a better sentence.
SILENT = frozenset({"task_opened", "tasks_closed", "issue_commented", "comment_mentioned"})


@dataclass(frozen=True)
class Names:
    """What the ids in the events are called."""

    people: Mapping[int, str] = field(default_factory=dict)
    terms: Mapping[int, str] = field(default_factory=dict)
    rows: Mapping[tuple[str, int], str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)

    def person(self, person_id: object) -> str:
        """Return a person's name."""
        return self.people.get(person_id, "—") if isinstance(person_id, int) else "—"

    def value(self, name: str, value: object) -> str:
        """Return a field's value as staff read it."""
        if value is None or value == "":
            return _("空")
        if isinstance(value, bool):
            return _("是") if value else _("否")
        if isinstance(value, int) and name in TERM_COLUMNS:
            return self.terms.get(value, "—")
        if isinstance(value, int) and name == "owner_id":
            return self.person(value)
        if isinstance(value, int) and (name, value) in self.rows:
            return self.rows[name, value]
        text = str(value)
        return text if len(text) <= MAX_VALUE else f"{text[:MAX_VALUE]}…"


@dataclass(frozen=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    who: str
    text: str
    reason: str = ""


Sentence = Callable[[EventRow, Names], str]


def register_sentence(app: Flask, event: str, sentence: Sentence) -> None:
    """Say how an event of another package reads on the timeline of its issue."""
    app.extensions.setdefault(EXTENSION, {})[event] = sentence


def entries(issue_id: int, stages: Mapping[str, str], *, limit: int = 100) -> list[Entry]:
    """Return the newest lines of the timeline, newest first."""
    events = timeline("issue", issue_id, limit=limit)
    names, deputies = _names(events, stages), deputed("issue", issue_id)
    return [_entry(event, names, deputies) for event in events if event.name not in SILENT]


def _entry(event: EventRow, names: Names, deputies: Mapping[tuple[datetime, int], str]) -> Entry:
    extra: Mapping[str, Sentence] = current_app.extensions.get(EXTENSION, {})
    sentence = SENTENCES.get(event.name) or extra.get(event.name)
    who = _("系统") if event.actor_id is None else names.person(event.actor_id)
    who = deputies.get((event.at, event.actor_id or 0), who)
    told = sentence_of(event, names.people) or (sentence(event, names) if sentence else event.name)
    return Entry(event.at, who, told, event.reason)


def _changed(event: EventRow, names: Names) -> str:
    # in the order of the form: the databases keep the keys of a body in different orders
    changed = [name for name in FIELD_NAMES if isinstance(event.body.get(name), dict)]
    return _("修改了 %(changes)s", changes=";".join(_change(name, event.body[name], names) for name in changed) or "—")


def _change(name: str, change: Mapping[str, object], names: Names) -> str:
    if name == "answers":
        return str(FIELD_NAMES[name])
    old, new = names.value(name, change.get("old")), names.value(name, change.get("new"))
    return _("%(field)s:%(old)s → %(new)s", field=FIELD_NAMES[name], old=old, new=new)


def _stage(event: EventRow, names: Names) -> str:
    stage = names.stages.get(str(event.body.get("node")), str(event.body.get("node")))
    if event.body.get("owner_id"):
        return _("进入「%(stage)s」,由 %(owner)s 负责", stage=stage, owner=names.person(event.body["owner_id"]))
    return _("进入「%(stage)s」,等待领取", stage=stage)


def _transferred(event: EventRow, names: Names) -> str:
    owner = event.body.get("owner")
    new = owner.get("new") if isinstance(owner, dict) else owner
    return _("把待办转交给 %(name)s", name=names.person(new))


SENTENCES: dict[str, Sentence] = {
    "issue_opened": lambda event, _names: _("按规则自动登记") if event.body.get("rule_id") else _("登记了这个问题"),
    "issue_changed": _changed,
    "issue_classified": _changed,
    "rule_warnings_accepted": lambda event, _names: _(
        "规则提醒过,说明原因后保存:%(what)s", what=";".join(str(text) for text in event.body.values())
    ),
    "issue_assigned": lambda event, names: _(
        "把负责人改为 %(name)s", name=names.person(event.body.get("owner_id", {}).get("new"))
    ),
    "issue_file_added": lambda event, _names: _("添加了文件 %(name)s", name=event.body.get("file", "")),
    "issue_file_removed": lambda event, _names: _("移除了文件 %(name)s", name=event.body.get("file", "")),
    "complaints_joined": lambda event, _names: ngettext(
        "并入 %(num)s 起客诉", "并入 %(num)s 起客诉", event.body.get("count", 0)
    ),
    "complaints_split": lambda event, _names: _(
        "把 %(n)d 起客诉拆出到新问题 %(number)s", n=event.body.get("count", 0), number=event.body.get("into", "—")
    ),
    "complaints_given_back": lambda event, _names: _(
        "移出了 %(n)d 起客诉,之后不会再自动并入", n=event.body.get("count", 0)
    ),
    "stage_entered": _stage,
    "flow_closed": lambda _event, _names: _("结案"),
    "flow_terminated": lambda _event, _names: _("终止了这个问题"),
    "flow_case_migrated": lambda event, _names: _(
        "换到流程的第 %(n)d 版,留在原来的一步", n=event.body.get("version", {}).get("new", 0)
    ),
    "flow_reopened": lambda event, names: _(
        "重新打开,回到「%(stage)s」", stage=names.stages.get(str(event.body.get("node")), "—")
    ),
    "task_urged": lambda _event, _names: _("催办"),
    "task_claimed": lambda _event, _names: _("领取了待办"),
    "task_transferred": _transferred,
    "task_helper_added": lambda event, names: _("请 %(name)s 协助", name=names.person(event.body.get("helper"))),
}


def _names(events: Sequence[EventRow], stages: Mapping[str, str]) -> Names:
    changes = [(name, value) for event in events for name, change in event.body.items() for value in _values(change)]
    people = {event.actor_id for event in events if event.actor_id is not None}
    people |= {value for name, value in changes if name in ("owner_id", "owner", "helper")}
    people |= users_in(events)
    wanted_terms = {value for name, value in changes if name in TERM_COLUMNS}
    rows: dict[tuple[str, int], str] = {}
    for name, model, column in ROWS:
        rows |= {
            (name, key): label for key, label in _labels(model, column, {v for n, v in changes if n == name}).items()
        }
    terms = db.session.scalars(select(Term).where(Term.id.in_(wanted_terms))) if wanted_terms else ()
    return Names(_labels(User, User.name, people), {term.id: name_now(term) for term in terms}, rows, stages)


ROWS: tuple[tuple[str, Any, Any], ...] = (
    ("order_id", Order, Order.external_id),
    ("sku_id", Sku, Sku.external_id),
    ("lot_id", Lot, Lot.external_id),
    ("supplier_id", Supplier, Supplier.name),
    ("shop_id", Shop, Shop.name),
)


def _values(change: object) -> Iterable[int]:
    values = change.values() if isinstance(change, dict) else (change,)
    return [value for value in values if isinstance(value, int) and not isinstance(value, bool)]


def _labels(model: Any, column: Any, ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    return {row[0]: row[1] for row in db.session.execute(select(model.id, column).where(model.id.in_(ids)))}
