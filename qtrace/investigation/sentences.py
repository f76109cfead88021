"""The investigation's events as sentences of the issue's timeline."""

from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.core.models import EventRow
from qtrace.issues.timeline import Names, register_sentence


def register(app: Flask) -> None:
    """Add a sentence for each event of this package."""
    for name, sentence in SENTENCES.items():
        register_sentence(app, name, sentence)


def _text(row: EventRow, key: str) -> str:
    value: Any = row.body.get(key, "")
    return str(value)


def responsibility_decided(row: EventRow, _names: Names) -> str:
    """Say who is responsible."""
    parts = [f"{share['name']} {share['percent']}%" for share in row.body.get("shares", [])]
    return _("定责:%(parts)s", parts="、".join(parts))


def why_added(row: EventRow, _names: Names) -> str:
    """Say what was asked."""
    return _("追问:%(text)s", text=_text(row, "statement"))


def why_changed(row: EventRow, _names: Names) -> str:
    """Say that an answer was judged or changed."""
    root = row.body.get("is_root", {})
    if isinstance(root, dict) and root.get("new"):
        return _("标出了根因")
    return _("更新了一条原因的证据或结论")


def why_removed(row: EventRow, _names: Names) -> str:
    """Say what was removed."""
    return _("删除了原因:%(text)s", text=_text(row, "statement"))


def action_planned(row: EventRow, _names: Names) -> str:
    """Say what was planned."""
    return _("安排措施:%(text)s(%(owner)s)", text=_text(row, "text"), owner=_text(row, "owner"))


def action_done(row: EventRow, _names: Names) -> str:
    """Say what was done."""
    return _("完成措施:%(text)s", text=_text(row, "text"))


def action_cancelled(row: EventRow, _names: Names) -> str:
    """Say what was cancelled."""
    return _("取消措施:%(text)s", text=_text(row, "text"))


def effect_checked(row: EventRow, _names: Names) -> str:
    """Say how the effect was judged, and what the program found by itself."""
    if row.actor_id is None:
        words = {
            "improved": _("系统按数据判断:有改善"), "no_change": _("系统按数据判断:看不出变化"),
            "worse": _("系统按数据判断:变差"), "too_little_data": _("系统按数据判断:数据不足,继续等"),
        }  # fmt: skip
        return words[_text(row, "verdict")]
    return _("看效果:确认成立") if row.body.get("accepted") else _("看效果:没有通过")


def cost_added(row: EventRow, _names: Names) -> str:
    """Say what it cost."""
    return _("登记成本 %(amount)s 元", amount=f"{row.body.get('amount_minor', 0) / 100:.2f}")


def complaints_joined(row: EventRow, _names: Names) -> str:
    """Say how many complaints came in."""
    return ngettext("并入 %(num)s 起客诉", "并入 %(num)s 起客诉", int(row.body.get("count", 0)))


SENTENCES = {
    "responsibility_decided": responsibility_decided,
    "why_added": why_added,
    "why_changed": why_changed,
    "why_removed": why_removed,
    "action_planned": action_planned,
    "action_done": action_done,
    "action_cancelled": action_cancelled,
    "effect_checked": effect_checked,
    "cost_added": cost_added,
    "complaints_joined": complaints_joined,
}
