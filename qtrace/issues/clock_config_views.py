"""The page of the clocks: how long each may take, when it rings and for whom, what cases may wait for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from qtrace.accounts.access import actor, needs
from qtrace.calendars.clock_service import read_steps, reschedule
from qtrace.calendars.clock_settings import Reason, read_reasons, save_reasons, save_steps
from qtrace.calendars.clocks import Step
from qtrace.classification.models import Term
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import Refused
from qtrace.issues.clock_history import KINDS
from qtrace.issues.clock_policy import UNKNOWN, Policy, read_policy, save_policy
from qtrace.issues.clock_preview import Preview, preview_targets
from qtrace.issues.clock_sync import recount_open
from qtrace.issues.clocks import NAMES
from qtrace.web.csrf import answer_at
from qtrace.web.filters import localised
from qtrace.web.htmx import go, render

bp = Blueprint("clock_pages", __name__, url_prefix="/config/clocks")
PAGE = "clocks/index.html"
MOST_ROWS = 60
LEVELS = {0: _l("负责人"), 1: _l("部门负责人"), 2: _l("上级部门负责人"), 3: _l("流程管理员")}
WHEN = {"before": _l("到期前"), "at": _l("到期时"), "after": _l("超时后")}
MEANING = {
    "acknowledge": _l("从登记到有人领取、处理或回复"),
    "contain": _l("从登记到临时措施完成;没有临时措施时到定责为止"),
    "decide": _l("从登记到定责完成"),
    "root_cause": _l("停留在「查原因」的时间"),
    "implement": _l("停留在「整改」的时间"),
    "verify": _l("停留在「看效果」的时间"),
    "close": _l("从登记到结案,重新打开后接着算"),
}


@dataclass(frozen=True)
class StepLine:
    """A reminder as the page shows it."""

    key: str
    when: str
    minutes: int
    level: int


@bp.get("")
@needs("config.flows")
def index() -> Response:
    """Show targets, reminders and reasons."""
    return _page()


@bp.post("/targets")
@needs("config.flows")
def targets_update() -> Response:
    """Store other targets; the open cases follow."""
    with write():
        changed = save_policy(_typed_policy(), by=actor().id, now=clock.now(), follow=recount_open)
        answer_at(url_for("clock_pages.index"))
    return _back(_("已保存;未结问题的时限会在一分钟内更新") if changed else _("没有改动"))


@bp.post("/targets/preview")
@needs("config.flows")
def targets_preview() -> Response:
    """Show what other targets would change; writes nothing."""
    policy = _typed_policy()
    return _page("clocks/_preview.html", policy=policy, preview=preview_targets(policy, clock.now()))


@bp.post("/steps")
@needs("config.flows")
def steps_update() -> Response:
    """Store when clocks ring and for whom."""
    with write():
        changed = save_steps(_typed_steps(), by=actor().id, now=clock.now())
        if changed:
            reschedule(now=clock.now())
        answer_at(url_for("clock_pages.index", _anchor="steps"))
    return _back(_("已保存") if changed else _("没有改动"), "steps")


@bp.post("/reasons")
@needs("config.flows")
def reasons_update() -> Response:
    """Store what cases may wait for."""
    with write():
        changed = save_reasons(_typed_reasons(), by=actor().id, now=clock.now())
        answer_at(url_for("clock_pages.index", _anchor="reasons"))
    return _back(_("已保存") if changed else _("没有改动"), "reasons")


def _page(piece: str | None = None, *, policy: Policy | None = None, preview: Preview | None = None) -> Response:
    severities = [(UNKNOWN, _("未定级")), *((term.code, localised(term)) for term in _severities())]
    return render(
        PAGE, piece, kinds=[(kind, NAMES[kind], MEANING[kind]) for kind in KINDS], names=NAMES,
        severities=severities, policy=policy or read_policy(), preview=preview, steps=_step_lines(),
        reasons=read_reasons(all_of_them=True), levels=LEVELS, whens=WHEN, hours=_hours,
    )  # fmt: skip


def _back(told: str, anchor: str | None = None) -> Response:
    return go(url_for("clock_pages.index", _anchor=anchor), trigger={"toast": told})


def _severities() -> Sequence[Term]:
    return db.session.scalars(
        select(Term).where(Term.kind == "severity", Term.active).order_by(Term.position, Term.id)
    ).all()


def _typed_policy() -> Policy:
    form = request.form
    minutes: dict[tuple[str, str], int] = dict(read_policy().minutes)  # also of severities that are not shown now
    for kind in KINDS:
        for code in [UNKNOWN, *(term.code for term in _severities())]:
            minutes[kind, code] = _minutes(form.get(f"hours-{kind}-{code}", ""))
    return Policy(minutes, frozenset(kind for kind in KINDS if form.get(f"around-{kind}") == "1"))


def _minutes(hours: str) -> int:
    try:
        typed = Decimal(hours.strip()) * 60
    except InvalidOperation as error:
        raise Refused(_("时限请填写小时数,例如 4 或 0.5。"), field="targets") from error
    if not typed.is_finite() or abs(typed) > 10**7:
        raise Refused(_("时限请填写小时数,例如 4 或 0.5。"), field="targets")
    return round(typed)


def _hours(minutes: int) -> str:
    return f"{Decimal(minutes) / 60:.2f}".rstrip("0").rstrip(".")


def _step_lines() -> list[StepLine]:
    return [
        StepLine(
            step.key, "before" if step.offset < 0 else "after" if step.offset else "at", abs(step.offset), step.level
        )
        for step in read_steps()
    ]


def _typed_steps() -> list[Step]:
    known = {step.key for step in read_steps()}
    steps = []
    for row in _typed_rows("step", ("key", "when", "minutes", "level", "drop")):
        if row["drop"] or not row["when"]:
            continue
        when, minutes = row["when"], _whole(row["minutes"] or "0")
        offset = {"before": -minutes, "at": 0, "after": minutes}.get(when)
        if offset is None or (when != "at" and minutes <= 0):
            raise Refused(_("到期前和超时后的提醒要填写大于 0 的分钟数。"), field="steps")
        steps.append(Step(row["key"] if row["key"] in known else "", offset, _whole(row["level"] or "0")))
    return steps


def _typed_reasons() -> list[Reason]:
    return [
        Reason(_whole(row["id"]) if row["id"] else None, row["name"], row["stops"] == "1", row["active"] == "1")
        for row in _typed_rows("reason", ("id", "name", "stops", "active", "drop")) if not row["drop"]
    ]  # fmt: skip


def _typed_rows(prefix: str, names: Sequence[str]) -> list[Mapping[str, str]]:
    form: Mapping[str, Any] = request.form
    count = sum(1 for key in form if key.startswith(f"{prefix}-row-"))
    if count > MOST_ROWS:
        raise Refused(_("一次最多保存 %(most)d 行。", most=MOST_ROWS), field=prefix)
    return [{name: form.get(f"{prefix}-{name}-{place}", "") for name in names} for place in range(count)]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise Refused(_("请填写整数。"), field="number") from error
