"""The guided tour of the demonstration: what is planted in it, and where to look."""

from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, current_app, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.access import login_needed
from qtrace.catalog.models import Sku
from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.core.models import Setting
from qtrace.issues.models import Issue
from qtrace.web.htmx import render

bp = Blueprint("tour", __name__)
SETTING = "demo"


@dataclass(frozen=True)
class Stop:
    """One stop: what to see, why it is there, and its address."""

    title: str
    text: str
    url: str
    action: str


@bp.get("/tour")
@login_needed
def show() -> Response:
    """Show the stops of the tour; only the demonstration has one."""
    row = db.session.get(Setting, SETTING)
    if row is None:
        raise NotFound(_("只有演示公司才有导览。用 make demo 安装。"))
    return render("setup/tour.html", stops=_stops(row.value), people=row.value.get("people", []))


def is_demo() -> bool:
    """Say whether this site is the demonstration; asked once per process, since a running site never becomes one."""
    known: dict[str, bool] = current_app.extensions.setdefault("qtrace_demo", {})
    if SETTING not in known:
        known[SETTING] = db.session.get(Setting, SETTING) is not None
    return known[SETTING]


def _stops(planted: dict[str, str]) -> list[Stop]:
    worst, solved = _issue_of(planted.get("bad_sku", ""), "open"), _issue_of(planted.get("solved_sku", ""), "closed")
    line = quote(planted.get("line", ""))
    return [
        Stop(
            _("一点办结"), _("差评、退款和晚到都变成了客诉,分类已建议好。点一下「退款」或「回复」就办结。"),
            url_for("complaints.index"), _("看客诉"),
        ),
        Stop(
            _("自动立案的漏液问题"), _("同一商品 30 天内 3 起同类客诉就自动立案,新的会并进来。看它的定责、5 个为什么和措施。"),
            url_for("issues.show", number=worst) if worst else url_for("issues.index"), _("打开质量问题"),
        ),
        Stop(
            _("从批次追到供应商,再追到每位买家"), _("坏批次 %(lot)s 的投诉率远高于同商品的其他批次。", lot=planted.get("lot", "")),
            f"/trace/lot/{quote(planted.get('lot', ''))}", _("追溯批次"),
        ),
        Stop(
            _("粗心的快递线路"), _("%(line)s 破损和晚到都多,别的线路没有。", line=planted.get("line", "")),
            url_for("complaints.index") + f"?status=all&courier_line={line}", _("看这条线路的客诉"),
        ),
        Stop(
            _("写错的详情页"), _("有一款针织开衫颜色和尺码与页面不符,责任在运营而不在供应商。"),
            url_for("issues.index") + f"?status=all&sku={_sku_id(planted.get('listing_sku', ''))}", _("看相关问题"),
        ),
        Stop(
            _("已经解决、有数据证明的问题"), _("整改生效前后的投诉率放在一起比较,才算结案。"),
            url_for("issues.show", number=solved) if solved else url_for("issues.index") + "?status=closed", _("看结案"),
        ),
        Stop(
            _("四个数与问题排行"), _("解决时长、重复发生率、满意度、质量损失,每个数都能点开那些记录。"),
            url_for("reports.board"), _("打开看板"),
        ),
        Stop(
            _("打印报告"), _("一份 PDF,中文字体已嵌入,可直接发给供应商。"),
            url_for("printing.report", number=solved or worst) if solved or worst else url_for("issues.index"), _("看报告"),
        ),
    ]  # fmt: skip


def _issue_of(code: str, status: str) -> str | None:
    statement = (
        select(Issue.number)
        .join(Sku, Sku.id == Issue.sku_id)
        .where(Sku.external_id == code, Issue.status == status)
        .order_by(Issue.complaint_count.desc(), Issue.id)
        .limit(1)
    )
    return db.session.scalar(statement)


def _sku_id(code: str) -> int:
    return db.session.scalar(select(Sku.id).where(Sku.external_id == code).limit(1)) or 0
