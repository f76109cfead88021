"""The kinds of notices: what each is called, the sentence it says, and whether it passes quiet hours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

Facts = Mapping[str, Any]
CLOCKS = "qtrace_notice_clocks"
TEST = "test"
ASKED = "question_asked"
TO_DO = frozenset(
    {"task_opened", "task_pooled", "task_transferred", "task_urged", ASKED}
)  # told as long as it is to do


@dataclass(frozen=True)
class Kind:
    """One kind of notice; `say` tells its sentence in the reader's language, empty where the title is enough."""

    label: LazyString
    hint: LazyString
    say: Callable[[Facts], str] = lambda _facts: ""
    icon: str = "bell"
    urgent: bool = False
    offered: bool = True  # in the table of preferences


def _clock(facts: Facts) -> str:
    names: Mapping[str, LazyString] = current_app.extensions.get(CLOCKS, {})
    kind, offset = str(facts.get("clock", "")), int(facts.get("offset", 0))
    name = str(names.get(kind, kind))
    if offset < 0:
        return _("「%(clock)s」快到期", clock=name)
    if facts.get("level", 0):
        return _("「%(clock)s」超时,升级到您这里", clock=name)
    return _("「%(clock)s」已到期", clock=name) if offset == 0 else _("「%(clock)s」仍然超时", clock=name)


def _standing(facts: Facts) -> str:
    return _("%(deputy)s 代办 %(person)s 的待办", deputy=facts.get("deputy", ""), person=facts.get("person", ""))


def _stood(facts: Facts) -> str:
    return _("%(deputy)s 不再代办 %(person)s 的待办", deputy=facts.get("deputy", ""), person=facts.get("person", ""))


def _reminded(facts: Facts) -> str:
    return _("已超时,这是第 %(n)s 次提醒", n=facts.get("times", 1))


KINDS: Mapping[str, Kind] = {
    "task_opened": Kind(_l("新待办"), _l("有事分到我名下"), icon="list-todo"),
    "task_pooled": Kind(_l("可领取"), _l("我的角色或小组有可以领取的待办"), icon="users"),
    "task_transferred": Kind(_l("转交"), _l("别人把待办转交给我"), icon="corner-down-right"),
    "task_urged": Kind(_l("催办"), _l("发起人催我办"), icon="zap"),
    "task_copied": Kind(_l("抄送"), _l("流程抄送给我"), icon="copy"),
    "flow_reminded": Kind(_l("超时提醒"), _l("我的待办超时了"), _reminded, "clock"),
    "flow_escalated": Kind(
        _l("超时升级"), _l("下属的待办超时,升级到我"), lambda _facts: _("超时没有办,升级到您这里"), "alert-triangle", urgent=True
    ),
    "clock_alarm": Kind(_l("时限"), _l("处理时限快到、已到或升级,平台时限也在内"), _clock, "clock", urgent=True),
    "flow_closed": Kind(_l("流程办结"), _l("我发起的流程办结"), lambda _facts: _("您发起的流程已办结"), "check-circle"),
    "flow_terminated": Kind(_l("流程终止"), _l("我发起的流程被终止"), lambda _facts: _("您发起的流程被终止"), "ban"),
    ASKED: Kind(_l("征询"), _l("有人在流程里问我"), icon="help-circle"),
    "question_answered": Kind(_l("答复"), _l("我问的问题有了答复"), icon="message-square"),
    "comment_mentioned": Kind(_l("提到我"), _l("有人在评论、处理意见或征询里 @ 我"), icon="message-alert"),
    "stand_in_set": Kind(_l("代理开始"), _l("我请人代理,或我代理别人"), _standing, "users"),
    "stand_in_ended": Kind(_l("代理结束"), _l("代理到期或提前结束"), _stood, "users"),
    "tasks_handed_over": Kind(
        _l("全部交接"), _l("有人把待办全部交给我"), lambda facts: _("共 %(n)s 件", n=facts.get("count", 0)), "send"
    ),
    TEST: Kind(_l("测试"), _l("试一试能不能收到"), icon="send", offered=False),
}  # fmt: skip

OFFERED = {key: kind for key, kind in KINDS.items() if kind.offered}


def name_clocks(app: Flask, names: Mapping[str, LazyString]) -> None:
    """Let notices of clocks call each clock by its name."""
    app.extensions.setdefault(CLOCKS, {}).update(names)


def kind_of(key: str) -> Kind:
    """Return a kind; one a plugin or an older program wrote is shown plainly."""
    return KINDS.get(key, KINDS[TEST])


def sentence(key: str, facts: Facts) -> str:
    """Return what a notice of this kind says besides its title; to a deputy also whose it is."""
    said = kind_of(key).say(facts)
    if "behind" not in facts:
        return said
    return " · ".join(part for part in (_("代 %(name)s 办理", name=facts["behind"]), said) if part)
