"""A simulation as its page tells it: at each stop who is asked and why, which branch is taken, what may be decided."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from qtrace.accounts.queries import names_of
from qtrace.flows.condition_fields import Seen
from qtrace.flows.definition import JUDGING, WAITING, Node, Tree
from qtrace.flows.drawing import ICONS, tone_of
from qtrace.flows.simulating import AGREE, LATE, REJECT, Asked, Jumped, Simulation, Stop
from qtrace.flows.telling import values_asked
from qtrace.flows.wording import OVERDUE, Wording

UrlOf = Callable[[str], str]


@dataclass(frozen=True)
class Choice:
    """One thing that may be decided at a stop, and where the way goes on then."""

    label: str
    url: str
    chosen: bool


@dataclass(frozen=True)
class WayTold:
    """One branch: when it is taken, what the case has there, and whether it is."""

    name: str
    condition: str
    values: Sequence[tuple[str, str]]
    holds: bool | None
    taken: bool


@dataclass(frozen=True)
class StopTold:
    """One stop in words."""

    name: str
    kind: str
    icon: str
    tone: str
    due: str
    found: Sequence[tuple[str, str]]
    asked: str
    jumped: Sequence[str]
    ways: Sequence[WayTold]
    copied: str
    choices: Sequence[Choice]
    again: bool


def told(
    simulation: Simulation, tree: Tree, words: Wording, seen: Seen, url_of: UrlOf
) -> list[StopTold]:  # fmt: skip
    """Return the stops of a simulation in words; `url_of` leads to the same simulation on another path."""
    people = names_of(_everybody(simulation))
    return [_stop(stop, tree.nodes[stop.node], words, people, seen, url_of, tree) for stop in simulation.stops]


def _stop(
    stop: Stop, node: Node, words: Wording, people: Mapping[int, str], seen: Seen, url_of: UrlOf, tree: Tree
) -> StopTold:
    return StopTold(
        words.called(node), words.kind(node), ICONS[node.kind], tone_of(node), _due(node, words),
        [(words.person(one.who), _named(one.users, people) or _("没有找到人")) for one in stop.found],
        _asked(stop.asked, node, words, people), [_jumped(one, stop, words, people) for one in stop.jumped],
        _ways(stop, node, words, seen, tree), _named(stop.copied, people),
        [
            Choice(_label(letter, node), url_of(stop.path + letter), stop.choice == letter) for letter in stop.choices
        ], stop.again,
    )  # fmt: skip


def _due(node: Node, words: Wording) -> str:
    if node.kind in WAITING:
        return words.options(node)
    return words.span(node.due_minutes) if node.due_minutes else ""


def _asked(asked: Sequence[Asked], node: Node, words: Wording, people: Mapping[int, str]) -> str:
    if not asked:
        return ""
    pools = [one for one in asked if one.user is None]
    if pools:
        return _("%(names)s 中的一人领取", names=_named(pools[0].pool, people))
    names = "、".join(
        _("%(name)s(之前已同意)", name=people.get(one.user or 0, "—")) if one.before else people.get(one.user or 0, "—")
        for one in asked
    )
    many = words.signing(node) if len(asked) > 1 else ""
    return _("%(who)s,%(many)s", who=names, many=many) if many else names


def _jumped(jumped: Jumped, stop: Stop, words: Wording, people: Mapping[int, str]) -> str:
    """Return which policy put things so."""
    to = _named(stop.told.get(jumped, ()), people) or "—"
    sentences = {
        "nobody_pass": _("找不到人:按设置直接通过。"), "nobody_reject": _("找不到人:按设置驳回。"),
        "nobody_named": _("找不到人:交给 %(to)s。", to=to), "nobody_admin": _("找不到人:交给流程管理员 %(to)s。", to=to),
        "to_choose": _("真正走的时候要由人来选,这里没有人可选。"),
        "self_skip": _("发起人不审自己的:跳过。"), "self_head": _("发起人不审自己的:改由上级 %(to)s。", to=to),
        "repeated": _("之前同意过,不再问一次。"), "drawn": _("随机抽一人,这里用第一位。"),
        "reminded": _("到期后提醒 %(n)d 次。", n=stop.reminders), "escalated": _("还没办:告诉上级 %(to)s,继续等。", to=to),
        "transferred": _("还没办:转给上级 %(to)s。", to=to),
        "late_pass": _("还没办:%(then)s。", then=words.say(OVERDUE["pass"])),
        "late_reject": _("还没办:%(then)s。", then=words.say(OVERDUE["reject"])),
        "unmoved": _("这一步还没有结果。"),
    }  # fmt: skip
    return sentences[jumped]


def _ways(stop: Stop, node: Node, words: Wording, seen: Seen, tree: Tree) -> list[WayTold]:
    key = tree.definition.key
    branches = {one.id: one for one in node.branches}
    return [
        WayTold(
            words.called(branches[one.branch]),
            "" if node.kind == "parallel" else words.condition(branches[one.branch]),
            values_asked(key, branches[one.branch].condition, seen) if branches[one.branch].condition else (),
            one.holds, one.taken,
        )
        for one in stop.taken
    ]  # fmt: skip


def _label(letter: str, node: Node) -> str:
    if node.kind in WAITING:
        return _("等到了") if letter == AGREE else _("没等到")
    if node.kind in JUDGING:
        return {AGREE: _("同意"), REJECT: _("驳回"), LATE: _("超时")}[letter]
    return {AGREE: _("办完"), REJECT: _("退回"), LATE: _("超时")}[letter]


def _named(users: Iterable[int], people: Mapping[int, str]) -> str:
    return "、".join(people.get(user, "—") for user in dict.fromkeys(users))


def _everybody(simulation: Simulation) -> set[int]:
    found: set[int] = set()
    for stop in simulation.stops:
        found |= {user for one in stop.found for user in one.users} | set(stop.copied)
        found |= {user for users in stop.told.values() for user in users}
        found |= {user for one in stop.asked for user in (one.pool if one.user is None else (one.user,))}
    return found
