"""The closed lists of inspections with the words people read."""

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from qtrace.catalog.checklist import LOOKS as RESULT_LOOKS
from qtrace.catalog.checklist import RESULTS
from qtrace.inspections.checks import item_of
from qtrace.inspections.sampling import LEVELS, NONE_ALLOWED, STANDARD, State

__all__ = ["RESULTS", "RESULT_LOOKS", "STANDARD"]

KINDS: dict[str, LazyString] = {
    "incoming": _l("来料检验"), "outgoing": _l("出货检验"), "return": _l("退货检验"), "adhoc": _l("临时抽检"),
}  # fmt: skip
CLASSES: dict[str, LazyString] = {"critical": _l("致命缺陷"), "major": _l("严重缺陷"), "minor": _l("一般缺陷")}
VERDICTS: dict[str, LazyString] = {"": _l("检验中"), "accepted": _l("合格"), "refused": _l("不合格")}
STATES: dict[str, LazyString] = {
    State.NORMAL: _l("正常检验"), State.TIGHTENED: _l("加严检验"), State.REDUCED: _l("放宽检验"),
    State.DISCONTINUED: _l("暂停检验"),
}  # fmt: skip
CONSEQUENCES: dict[str, LazyString] = {
    "stop": _l("停:建议隔离批次,立即开质量问题"), "warn": _l("警:开质量问题提醒,不隔离"),
}  # fmt: skip
DISPOSITIONS: dict[str, LazyString] = {
    "accept": _l("接收"), "reject": _l("拒收"), "concession": _l("让步接收"), "rework": _l("返工挑选"), "return": _l("退供应商"),
}  # fmt: skip
AFTER_REFUSAL = ("reject", "concession", "rework", "return")
STEPS: dict[str, LazyString] = {
    "lot": _l("检验一批"), "agree": _l("同意放宽"), "unsettle": _l("生产不再稳定"), "resume": _l("恢复检验"),
}  # fmt: skip
LOOKS = {"": "", "accepted": "ok", "refused": "bad"}
STATE_LOOKS: dict[str, str] = {
    State.NORMAL: "", State.TIGHTENED: "warn", State.REDUCED: "ok", State.DISCONTINUED: "bad",
}  # fmt: skip


def aql_words(aql: str) -> str:
    """Return an AQL as people write it."""
    return _("不允许") if aql == NONE_ALLOWED else f"AQL {aql}"


def limits_words(key: str, ac: int, re: int) -> str:
    """Return up to how many of a class are accepted: 严重缺陷 ≤2 接收、≥3 拒收."""
    return f"{CLASSES[key]} {bounds_words(ac, re)}"


def bounds_words(ac: int, re: int) -> str:
    """Return the numbers that decide: ≤2 接收、≥3 拒收."""
    return _("≤%(ac)d 接收、≥%(re)d 拒收", ac=ac, re=re) if ac else _("0 接收、≥%(re)d 拒收", re=re)


def sample_words(sample: int, quantity: int) -> str:
    """Return how many pieces to take: 抽 50 件, or every piece."""
    if sample >= quantity:
        return ngettext("全检 %(num)s 件", "全检 %(num)s 件", quantity)
    return ngettext("抽 %(num)s 件", "抽 %(num)s 件", sample)


def row_limits(row: Mapping[str, Any]) -> str:
    """Return the limits of a kept item in words."""
    return item_of(row).limits


def level_choices() -> list[tuple[str, str]]:
    """Return the inspection levels with what they are for."""
    return [(level, _("特殊 %(level)s", level=level) if level.startswith("S") else level) for level in LEVELS]
