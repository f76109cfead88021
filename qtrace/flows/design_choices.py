"""What the designer of flows offers to choose from: ways to find people, the company's people, fields, flows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.accounts.permissions import PERMISSIONS
from qtrace.accounts.queries import departments, people, roles
from qtrace.conditions.describe import describe, plain
from qtrace.conditions.tree import ConditionError, Scalar, parse
from qtrace.flows import wording
from qtrace.flows.company import DUTIES
from qtrace.flows.condition_fields import FieldGroup, labels_of, setup_of
from qtrace.flows.definition import ASKING, Definition, Node, Tree
from qtrace.flows.naming import flow_name, wording_now
from qtrace.flows.papers import APPROVAL, papers
from qtrace.flows.properties import LEVELS
from qtrace.flows.queries import all_flows
from qtrace.flows.wording import Wording
from qtrace.web.filters import localised

WAYS: Final[Mapping[str, Any]] = {
    "role": _l("一个角色"), "user": _l("指定的人"), "head": _l("部门负责人"), "department": _l("一个部门的人"),
    "initiator": _l("发起人自己"), "initiator_choice": _l("由发起人选"), "previous_choice": _l("由上一步的人选"),
    "nth_head": _l("发起人的第几级上级"), "head_chain": _l("发起人的上级,逐级到第几级"), "user_field": _l("表单里填的人"),
    "department_field_head": _l("表单里所填部门的负责人"), "sku_owner": _l("商品负责人"), "shop_owner": _l("店铺负责人"),
    "responsible_contact": _l("责任方联系人"), "supplier_contact": _l("供应商联系人"), "expression": _l("按算式找人"),
    "current": _l("当时操作的人"), "department_head": _l("部门负责人(旧)"),
}  # fmt: skip
BY_COMPANY: Final = frozenset({
    "role", "user", "head", "department", "initiator", "initiator_choice", "previous_choice", "nth_head", "head_chain",
})  # fmt: skip
TABLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "modes": {
        "any": _l("任一人就行"), "all": _l("全部都要"), "ratio": _l("达到一定比例"), "weighted": _l("按权重达到一定比例"),
        "random": _l("随机抽一人"), "claim": _l("谁先领取谁办"),
    },
    "nobody": dict(wording.NOBODY) | {"named": _l("交给指定的人")}, "self_approval": wording.SELF_APPROVAL,
    "repeated": wording.REPEATED, "reject_to": wording.REJECT_TO, "after_return": wording.AFTER_RETURN,
    "overdue": wording.OVERDUE, "withdrawal": wording.WITHDRAWAL, "rights": wording.RIGHTS, "gates": wording.GATES,
    "buttons": wording.BUTTONS, "kinds": wording.KINDS,
}  # fmt: skip
MOST_FIELDS = 120  # more than these are not listed with a right each: a flow of one form shows that form's own

Choice = tuple[str, str]


@dataclass(frozen=True)
class Choices:
    """Everything a panel lets choose from, as (value, label)."""

    ways: Sequence[Choice]
    people: Sequence[Choice]
    roles: Sequence[Choice]
    departments: Sequence[Choice]
    person_fields: Sequence[Choice]
    department_fields: Sequence[Choice]
    fields: Sequence[Choice]
    flows: Sequence[Choice]
    permissions: Sequence[Choice]
    targets: Sequence[Choice]  # the nodes a case may come back to
    papers: Sequence[Choice]

    def values(self, kind: str) -> Sequence[Choice] | None:
        """Return what a way to find people is chosen from; None where it needs nothing."""
        return {
            "user": self.people, "role": self.roles, "department": self.departments, "head": self.departments,
            "department_head": self.departments, "user_field": self.person_fields,
            "department_field_head": self.department_fields,
        }.get(kind)  # fmt: skip

    def has_level(self, kind: str) -> bool:
        """Say whether a way counts heads upwards."""
        return kind in LEVELS


def tables() -> dict[str, dict[str, str]]:
    """Return every fixed list of a panel as {value: words}."""
    return {
        name: {value: _(text) if isinstance(text, str) else str(text) for value, text in rows.items()}
        for name, rows in TABLES.items()
    }


def choices_for(definition: Definition, node: Node, groups: Sequence[FieldGroup], words: Wording) -> Choices:
    """Return what the panel of a node offers."""
    tree = Tree(definition)
    labels = labels_of(groups)
    used = {who.kind for who in node.who}
    known = BY_COMPANY | {"user_field", "department_field_head", "expression", *DUTIES}
    fields = list(labels.items())
    return Choices(
        ways=[(key, str(label)) for key, label in WAYS.items() if key in known or key in used],
        people=[(one.username, one.name) for one in people(active_only=True)],
        roles=[(one.key, localised(one)) for one in roles()],
        departments=[(str(one.id), one.name) for one in departments()],
        person_fields=[(one, labels.get(one, one)) for group in groups for one in group.people],
        department_fields=[(one, labels.get(one, one)) for group in groups for one in group.departments],
        fields=fields if len(fields) <= MOST_FIELDS else [(one, labels.get(one, one)) for one in node.fields],
        papers=[(key, str(paper.label)) for key, paper in papers().items() if key != APPROVAL],
        flows=[(flow.key, flow_name(flow.shown.definition)) for flow in all_flows() if flow.key != definition.key],
        permissions=[(key, str(label)) for key, label in PERMISSIONS.items()],
        targets=[
            (one.id, words.called(one)) for one in tree.walk()
            if one.id in tree.nodes and node.id in tree.nodes and tree.leads_back(node.id, one.id) and one.kind in ASKING
        ],
    )  # fmt: skip


def words_of(groups: Sequence[FieldGroup]) -> Wording:
    """Return the words of this reader, with the fields of what goes through the flow by what people call them."""
    words, labels = wording_now(), labels_of(groups)
    flows = {flow.key: flow_name(flow.shown.definition) for flow in all_flows()}
    choices = {one.id: dict(one.choices) for group in groups for one in group.fields if one.choices}

    def show(field: str, value: Scalar) -> str:
        return choices.get(field, {}).get(str(value), plain(field, value)).strip()

    def said(condition: Any) -> str:
        setup = setup_of(groups, condition, "c")
        try:
            return describe(parse(condition, setup.kinds), setup.labels, _, show)
        except ConditionError as error:
            return _(error.template) % error.values

    # the same few words stand on hundreds of cards
    return replace(words, gettext=cache(_), names=replace(words.names, fields=labels, flows=flows, condition=said))
