"""A flow in words: who gets a node, how many must agree, when it is due and what happens where nobody planned for it.

Pure: whoever shows it brings the names of people and roles and the reader's language.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from qtrace.flows.definition import ASKING, JUDGING, WAITING, Branch, Definition, Node, Policies, Tree, Who

_ = str  # marks messages for extraction; they are translated where they are shown

HOUR: Final = 60
WORKDAY: Final = 8 * HOUR  # a working day has eight hours, as in the shipped flows

KINDS: Final[Mapping[str, str]] = {
    "start": _("发起"), "fill": _("填写"), "handle": _("办理"), "approve": _("审批"), "countersign": _("会签"),
    "verify": _("看效果"), "cc": _("抄送"), "branch": _("条件分支"), "parallel": _("并行分支"),
    "inclusive": _("包容分支"), "timer": _("等待"), "auto": _("自动处理"), "subflow": _("子流程"), "end": _("结束"),
}  # fmt: skip
PEOPLE: Final[Mapping[str, str]] = {
    "head": _("发起人的部门负责人"), "department_head": _("发起人的部门负责人"), "initiator": _("发起人"),
    "initiator_choice": _("发起人选的人"), "previous_choice": _("上一步选的人"), "responsible_contact": _("责任方联系人"),
    "sku_owner": _("商品负责人"), "supplier_contact": _("供应商联系人"), "shop_owner": _("店铺负责人"),
    "current": _("当时操作的人"),
}  # fmt: skip
NAMED_PEOPLE: Final[Mapping[str, str]] = {
    "head": _("%(name)s负责人"), "department_head": _("%(name)s负责人"), "department": _("%(name)s的人"),
    "user_field": _("「%(name)s」里填的人"), "department_field_head": _("「%(name)s」里部门的负责人"),
    "expression": _("「%(name)s」算出的人"), "user": "%(name)s", "role": "%(name)s",
}  # fmt: skip
MODES: Final[Mapping[str, str]] = {
    "any": _("任一人"), "all": _("全部"), "ratio": _("至少 %(percent)d%%"), "weighted": _("按权重至少 %(percent)d%%"),
    "random": _("随机一人"), "claim": _("一人领取"),
}  # fmt: skip
NOBODY: Final[Mapping[str, str]] = {
    "pass": _("直接通过"), "reject": _("驳回"), "named": _("交给%(name)s"), "admin": _("交给流程管理员"),
}  # fmt: skip
SELF_APPROVAL: Final[Mapping[str, str]] = {
    "self": _("可以自己审自己的"), "skip": _("跳过发起人自己"), "head": _("改由发起人的上级"),
}  # fmt: skip
REPEATED: Final[Mapping[str, str]] = {
    "none": _("每次都要审"), "once": _("同意过一次就不再问"), "consecutive": _("连着的两步只问一次"),
}  # fmt: skip
REJECT_TO: Final[Mapping[str, str]] = {
    "initiator": _("回到发起人"), "previous": _("回到上一步"), "chosen": _("回到审批人选的一步"),
    "terminate": _("结束流程"), "parent": _("结束,并告诉上级流程"),
}  # fmt: skip
AFTER_RETURN: Final[Mapping[str, str]] = {"again": _("从头再走一遍"), "straight": _("直接回到退回的一步")}
OVERDUE: Final[Mapping[str, str]] = {
    "escalate": _("告诉上级"), "transfer": _("转给上级"), "pass": _("自动通过"), "reject": _("自动驳回"),
}  # fmt: skip
WITHDRAWAL: Final[Mapping[str, str]] = {
    "any": _("结束前都可以撤回"), "untouched": _("没人处理过才能撤回"), "never": _("不能撤回"),
}  # fmt: skip
GATES: Final[Mapping[str, str]] = {
    "responsibility_decided": _("责任方已确定"), "root_cause_found": _("根本原因已查明"),
    "actions_done": _("整改措施已完成"), "effect_verified": _("效果已验证"),
}  # fmt: skip
RIGHTS: Final[Mapping[str, str]] = {"write": _("可填"), "read": _("只读"), "hidden": _("隐藏")}
SIGNATURES: Final[Mapping[int, str]] = {1: _("输入密码"), 2: _("首次输两遍密码")}
OPTIONS: Final[Mapping[str, str]] = {
    "minutes": _("等多久"), "working": _("只算工作时间"), "action": _("做什么"), "flow": _("哪个流程"),
    "timeout_minutes": _("最多等"), "outcome": _("结果"), "fail_to": _("不通过时回到"),
    "wait_days": _("至少等几天"), "wait_units": _("至少看多少件"),
}  # fmt: skip
OUTCOMES: Final[Mapping[str, str]] = {"rejected": _("驳回"), "closed": _("结案")}
BUTTONS: Final[Mapping[str, str]] = {
    "transfer": _("转交"), "delegate": _("委托"), "add": _("加签"), "return": _("退回"), "ask": _("问一下"),
    "terminate": _("终止"),
}  # fmt: skip
LABELS: Final[Mapping[str, str]] = {
    "name": _("名称"), "kind": _("种类"), "who": _("由谁"), "signing": _("几个人"), "due": _("时限"),
    "overdue": _("超时"), "nobody": _("找不到人"), "self_approval": _("发起人是自己"), "repeated": _("重复的人"),
    "reject_to": _("驳回后"), "after_return": _("退回重交后"), "demands": _("必须有"), "helpers": _("协助部门"),
    "gates": _("离开的条件"), "fields": _("字段权限"), "buttons": _("按钮"), "notice": _("通知文字"),
    "print_template": _("打印模板"), "permission": _("需要的权限"), "options": _("设置"), "condition": _("条件"),
}  # fmt: skip
ALONE: Final = frozenset({"initiator", "user", "head", "department_head", "nth_head", "current"})  # one person at most


def plainly(condition: Any) -> str:
    """Write a condition nobody has words for."""
    return str(condition)


@dataclass(frozen=True)
class Names:
    """What things are called: roles, people, departments and fields by what a definition writes; conditions as sentences."""

    roles: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)
    flows: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    papers: Mapping[str, str] = field(default_factory=dict)
    condition: Callable[[Any], str] = plainly


@dataclass(frozen=True)
class Wording:
    """The words of one reader; `gettext` translates, `english` chooses between the two names things have."""

    names: Names = Names()
    gettext: Callable[[str], str] = str
    english: bool = False

    def of(self, definition: Definition) -> "Wording":
        """Return the same words, which also know what the nodes of this flow are called."""
        nodes = {node.id: self.called(node) for node in Tree(definition).walk()}
        return replace(self, names=replace(self.names, nodes=nodes))

    def called(self, thing: Node | Branch | Definition) -> str:
        """Return the name in the reader's language."""
        return (thing.name_en if self.english else thing.name_zh) or thing.name_zh or thing.name_en

    def kind(self, node: Node) -> str:
        """Return what this kind of node is called."""
        return self.say(KINDS[node.kind])

    def line(self, node: Node) -> str:
        """Return the node in one short line: who, how many, when it is due."""
        if node.kind in ASKING:
            parts = [self.asked(node), self.span(node.due_minutes) if node.due_minutes else ""]
            return " · ".join(part for part in parts if part)
        if node.kind == "cc":
            return self.who(node)
        if node.kind in WAITING:
            return self.options(node)
        if node.kind == "end":
            return self.say(OUTCOMES["rejected" if node.options.get("outcome") == "rejected" else "closed"])
        says = {"branch": _("只走一条"), "parallel": _("%(n)d 条同时走"), "inclusive": _("符合条件的都走")}
        return self.say(says[node.kind], n=len(node.branches))

    def asked(self, node: Node) -> str:
        """Return who is asked and how many of them must agree."""
        many = self.signing(node)
        return self.say(_("%(who)s %(many)s"), who=self.who(node), many=many) if many else self.who(node)

    def who(self, node: Node) -> str:
        """Return everybody the node names."""
        if not node.who and node.kind == "start":
            return self.say(PEOPLE["initiator"])
        return self.joined(self.person(one) for one in node.who)

    def person(self, who: Who) -> str:
        """Return one way to find people in words."""
        if who.kind in ("nth_head", "head_chain"):
            return self._heads(who)
        words = NAMED_PEOPLE.get(who.kind) if who.value else None
        return self.say(words, name=self._named(who)) if words else self.known(PEOPLE, who.kind)

    def signing(self, node: Node) -> str:
        """Return how many must agree and in which order; empty where only one person can be meant."""
        if node.kind not in ASKING or (len(node.who) <= 1 and all(one.kind in ALONE for one in node.who)):
            return ""
        signing = node.signing
        if signing.order == "sequential" and signing.mode not in ("random", "claim"):
            return self.say(_("依次,%(many)s"), many=self.say(MODES[signing.mode], percent=signing.percent))
        return self.say(MODES[signing.mode], percent=signing.percent)

    def span(self, minutes: int, *, working: bool = True) -> str:
        """Return a length of time; working time in days of eight hours."""
        day = WORKDAY if working else 24 * HOUR
        amount, words = (
            (minutes / day, _("%(n)s 个工作日") if working else _("%(n)s 个自然日"))
            if minutes % day == 0 or minutes >= 5 * day
            else (minutes / HOUR, _("%(n)s 工作小时") if working else _("%(n)s 个小时"))
            if minutes >= HOUR
            else (minutes, _("%(n)s 工作分钟") if working else _("%(n)s 分钟"))
        )
        return self.say(words, n=f"{round(amount, 1):g}")

    def properties(self, node: Node) -> dict[str, str]:
        """Return everything a node says of itself, by the name of the property, in the order people ask for it."""
        found = {"name": self.called(node), "kind": self.kind(node)}
        if node.kind in ASKING or node.kind == "cc":
            found["who"] = self.who(node)
        if node.kind in ASKING:
            found |= {"signing": self.signing(node), "due": self.span(node.due_minutes) if node.due_minutes else ""}
            found |= self.policies(node)
            found |= {"demands": self.demands(node), "helpers": self.helpers(node)}
        found |= {
            "gates": self.joined(self.known(GATES, gate) for gate in node.gates),
            "fields": self.joined(
                f"{self.names.fields.get(name, name)}({self.known(RIGHTS, right)})"
                for name, right in node.fields.items()
            ),
            "buttons": self.buttons(node), "notice": node.notice, "print_template": self.names.papers.get(node.print_template, node.print_template),
            "permission": self.names.permissions.get(node.permission, node.permission), "options": self.options(node),
        }  # fmt: skip
        return {name: words for name, words in found.items() if words}

    def unusual(self, node: Node) -> list[tuple[str, str]]:
        """Return (label, words) of what differs from a plain node: what a reader has to be told besides the line."""
        plain = self.policies(Node(node.id, node.kind, "", "", policies=Policies()))
        told = {"name", "kind", "who", "signing", "due", "permission"} | (
            {"options"} if node.kind not in ASKING else set()
        )
        found = self.properties(node)
        return [
            (self.say(LABELS[name]), words)
            for name, words in found.items()
            if name not in told and plain.get(name) != words
        ]

    def policies(self, node: Node) -> dict[str, str]:
        """Return what happens where nobody planned for it, by policy."""
        policies = node.policies
        found = {
            "overdue": self.say(
                _("提醒 %(n)d 次后%(then)s"), n=policies.reminders, then=self.say(OVERDUE[policies.overdue])
            ) if policies.reminders else self.say(OVERDUE[policies.overdue]),
            "nobody": self.say(
                NOBODY[policies.nobody], name=self.names.people.get(policies.nobody_user, policies.nobody_user)
            ),
        }  # fmt: skip
        if node.kind in JUDGING:
            found |= {
                "self_approval": self.say(SELF_APPROVAL[policies.self_approval]),
                "repeated": self.say(REPEATED[policies.repeated]), "reject_to": self.say(REJECT_TO[policies.reject_to]),
            }  # fmt: skip
        return found | {"after_return": self.say(AFTER_RETURN[policies.after_return])}

    def demands(self, node: Node) -> str:
        """Return what a decision must carry."""
        demands = node.demands
        found = [_("意见")] if demands.opinion else []
        found += [_("手写签名")] if demands.signature else []
        found += [SIGNATURES[demands.level]] if demands.level in SIGNATURES else []
        return self.joined(self.say(one) for one in found)

    def helpers(self, node: Node) -> str:
        """Return who helps and until when."""
        return self.joined(
            f"{self.names.departments.get(one.department, one.department)}({self.span(one.due_minutes)})"
            for one in node.helpers
        )

    def buttons(self, node: Node) -> str:
        """Return what else may be done at the node; empty where everything may."""
        if not node.buttons:
            return ""
        return self.joined(self.say(BUTTONS[one]) for one in node.buttons if one in BUTTONS) or self.say(_("只能办理"))

    def options(self, node: Node) -> str:
        """Return what a timer, an automatic step, a subflow or an end is set to."""
        options, found = node.options, []
        if node.kind == "timer" and isinstance(options.get("minutes"), int):
            working = bool(options.get("working", True))
            return self.say(_("等 %(span)s"), span=self.span(options["minutes"], working=working))
        if "action" in options:
            found.append(self.names.actions.get(str(options["action"]), str(options["action"])))
            found += self._settings(options.get("with"))
        if "flow" in options:
            found.append(self.names.flows.get(str(options["flow"]), str(options["flow"])))
        if isinstance(options.get("timeout_minutes"), int):
            found.append(self.say(_("最多等 %(span)s"), span=self.span(options["timeout_minutes"], working=False)))
        known = {"action", "with", "flow", "timeout_minutes"}
        for name, value in options.items():
            if name not in known:
                shown = self.names.nodes.get(str(value)) or self.known(OUTCOMES, value)
                found.append(f"{self.say(OPTIONS[name])} {shown}" if name in OPTIONS else f"{name} {shown}")
        return self.joined(found)

    def _settings(self, given: object) -> list[str]:
        """Return what an automatic node is set to: its texts, and its pairs as `field = value`."""
        found = []
        for value in given.values() if isinstance(given, Mapping) else ():
            rows = value if isinstance(value, list | tuple) else ()
            found += [
                f"{self.names.fields.get(str(row[0]), str(row[0]))} = {row[1]}"
                for row in rows if isinstance(row, list | tuple) and len(row) == 2
            ]  # fmt: skip
            if isinstance(value, str) and value:
                found.append(self.names.papers.get(value, value))
        return found

    def condition(self, branch: Branch) -> str:
        """Return when a branch is taken."""
        return self.say(_("其他情况")) if branch.condition is None else self.names.condition(branch.condition)

    def joined(self, parts: Iterable[str]) -> str:
        """Return the parts behind one another."""
        found = [part for part in parts if part]
        whole = found[0] if found else ""
        for part in found[1:]:
            whole = self.say(_("%(left)s、%(right)s"), left=whole, right=part)
        return whole

    def say(self, message: str, **values: object) -> str:
        """Return a message in the reader's language, filled in."""
        told = self.gettext(message)
        return told % values if values else told

    def known(self, words: Mapping[str, str], key: object) -> str:
        """Return what a key is called, the key itself where nobody gave it a name."""
        found = words.get(str(key))
        return str(key) if found is None else self.say(found)

    def _heads(self, who: Who) -> str:
        if who.kind == "head_chain":
            return self.say(_("发起人的上级,逐级到第 %(n)d 级"), n=who.level)
        return self.say(_("发起人的第 %(n)d 级上级"), n=who.level)

    def _named(self, who: Who) -> str:
        tables: Mapping[str, Mapping[str, str]] = {
            "user": self.names.people, "role": self.names.roles, "department": self.names.departments,
            "head": self.names.departments, "department_head": self.names.departments,
        }  # fmt: skip
        return tables.get(who.kind, self.names.fields).get(who.value, who.value)
