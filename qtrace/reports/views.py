"""The board's page: figures put into words, each with its definition and the address of its records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.catalog.queries import shops
from qtrace.complaints.filters import Filters as ComplaintFilters
from qtrace.core import clock
from qtrace.core.ids import as_id
from qtrace.issues.filters import Filters as IssueFilters
from qtrace.reports.board import MIN_UNITS, Board, StageRow, build_board
from qtrace.reports.metrics import Change, Summary, change
from qtrace.reports.periods import CUSTOM, KEYS, Period, read_period
from qtrace.reports.queries import LOW_STARS, Scope
from qtrace.web.filters import localised, show_money, show_percent, show_span, site_zone
from qtrace.web.htmx import go, render

bp = Blueprint("reports", __name__, url_prefix="/boards")
# an address of more ids than this is too long for some servers
IDS_PER_LINK = 300


@dataclass(frozen=True)
class Card:
    """One figure: its words, whether it got worse (up) or better (down), what it means, and links to its records."""

    label: str
    value: str
    detail: str
    trend: str
    url: str
    definition: str
    facts: list[tuple[str, str]]
    links: list[tuple[str, str]]


@bp.get("")
@needs("board.read")
def index() -> Response:
    """Lead to the board."""
    return go(url_for("reports.board"))


@bp.get("/quality")
@needs("board.read")
def board() -> Response:
    """Show the quality board of a period."""
    now, zone = clock.now(), site_zone()
    period, shop_id = read_period(request.args, now, zone), as_id(request.args.get("shop", ""))
    found = build_board(Scope(actor(), period, now, shop_id))
    return render(
        "reports/board.html",
        board=found,
        cards=[_times_card(found), _recurrence_card(found), _score_card(found), _cost_card(found)],
        tabs=[(_period_name(key), _board(key, shop_id), None, key == period.key) for key in KEYS],
        shops=_shop_links(period, shop_id),
        custom=period.key == CUSTOM,
        pareto=_pareto_chart(found),
        untyped=[row.bar for row in found.types if row.term is None],
        trend=_trend_chart(found),
        stages=[_stage_bar(found, row) for row in found.stages],
        ranks=[
            (_("商品"), [(row, _complaints(found, sku=str(row.id))) for row in found.skus]),
            (_("供应商"), [(row, _complaints(found, supplier=str(row.id))) for row in found.suppliers]),
        ],
        all_url=_complaints(found),
        min_units=MIN_UNITS,
    )


def _times_card(found: Board) -> Card:
    now, before = found.times
    period = found.period
    url = _issues(found, status="closed", closed_from=period.first.isoformat(), closed_to=period.last.isoformat())
    moved = change(now.calendar.median, before.calendar.median)
    return Card(
        label=_("解决时长(中位)"),
        value=_minutes(now.calendar.median),
        detail=_join(_ratio_text(moved), _("P90 %(span)s", span=_minutes(now.calendar.p90)), _n(now.calendar.n))
        if now.calendar.n
        else _("本期没有关闭的问题"),
        trend=_trend(moved, good="down"),
        url=url,
        definition=_(
            "本期关闭的问题从开启到关闭的时间。工作时间按公司日历扣除夜间、周末和节假日。P90:九成问题不超过这个时间。"
        ),
        facts=[
            (_("自然时间"), _summary(now.calendar)),
            (_("工作时间"), _summary(now.business)),
            (_("上期自然时间"), _summary(before.calendar)),
        ],
        links=[(ngettext("本期关闭的 %(num)s 个问题", "本期关闭的 %(num)s 个问题", now.calendar.n), url)],
    )


def _recurrence_card(found: Board) -> Card:
    now, before = found.recurrence
    moved = change(now.rate, before.rate)
    failed = _id_links(now.numerator_ids, _("复发的问题"))
    return Card(
        label=_("重复问题发生率"),
        value=show_percent(now.rate),
        detail=_join(
            _points_text(moved),
            ngettext("%(n)d / %(num)d 个", "%(n)d / %(num)d 个", len(now.denominator_ids), n=len(now.numerator_ids)),
        ),
        trend=_trend(moved, good="down"),
        url=failed[0][1] if failed else "",
        definition=_(
            "分母:纠正措施在本期生效、效果已确认的问题。分子:其中生效后 90 天内又出现的问题,即又新开了商品与原因"
            "(未核实时用分类)相同的问题;又出现几次都只算一个,所以不会超过 100%。批次在生效前生产的不算又出现。"
            "未满 90 天的也计入,之后可能上升。"
        ),
        facts=[(_("上期"), show_percent(before.rate))],
        links=failed
        + _id_links(now.repeat_ids, _("又新开的问题"))
        + _id_links(now.denominator_ids, _("措施已生效的问题")),
    )


def _score_card(found: Board) -> Card:
    now, before = found.score
    moved = change(now.mean, before.mean)
    url = _complaints(found, source="review", stars_max=str(LOW_STARS))
    return Card(
        label=_("客户满意度(5 分)"),
        value="—" if now.mean is None else f"{now.mean:.2f}",
        detail=_join(_difference_text(moved), _("4–5 星 %(share)s", share=show_percent(now.top_box_rate)), _n(now.n))
        if now.n
        else _("本期没有评价"),
        trend=_trend(moved, good="up"),
        url=url,
        definition=_("本期全部评价的平均星级,以及 4 星和 5 星所占比例。点开看到的是其中 1–2 星并已成为客诉的评价。"),
        facts=[
            (
                _("上期"),
                "—" if before.mean is None else _("%(mean)s · n = %(n)d", mean=f"{before.mean:.2f}", n=before.n),
            )
        ],
        links=[(_("1–2 星客诉 %(n)d 起", n=found.low_stars), url)],
    )


def _cost_card(found: Board) -> Card:
    url = _complaints(found, source="after_sale")
    links = [(_("售后客诉 %(n)d 起", n=found.after_sales), url)]
    definition = _("成为客诉的售后退款与运费,加上问题上登记的费用,除以同期下单的实付金额。只算销售额最大的币种。")
    label = _("质量损失占销售额")
    if found.cost is None:
        return Card(label, "—", _("本期没有销售额"), "", url, definition, [], links)
    now, before = found.cost
    value = float(now.ratio.value) if now.ratio else None
    old = float(before.ratio.value) if before.ratio else None
    moved = change(value, old)
    money = show_money(now.total_minor, now.currency)
    facts = [
        (_("币种"), now.currency),
        (_("退款与运费"), show_money(now.refund_minor, now.currency)),
        (_("登记的费用"), show_money(now.booked_minor, now.currency)),
        (_("销售额"), show_money(now.sales_minor, now.currency)),
        (_("上期"), show_percent(old, 2)),
    ]
    detail = _join(_points_text(moved), money)
    return Card(label, show_percent(value, 2), detail, _trend(moved, good="down"), url, definition, facts, links)


def _pareto_chart(found: Board) -> dict[str, Any]:
    rows = found.types
    urls = [_complaints(found, type=row.term.code) if row.term else "" for row in rows]
    return {
        "type": "pareto",
        "labels": [localised(row.term) if row.term else _("未分类") for row in rows],
        "series": [
            {"label": _("件数"), "values": [row.bar.count for row in rows]},
            {"label": _("累计占比"), "values": [round(100 * row.bar.cumulative, 1) for row in rows], "color": "c2"},
        ],
        "lines": [{"label": "80%", "value": 80}],
        "urls": urls,
    }


def _trend_chart(found: Board) -> dict[str, Any]:
    months = found.months
    return {
        "type": "line",
        "labels": [row.month.key for row in months],
        "series": [
            {"label": _("客诉"), "values": [row.complaints for row in months]},
            {"label": _("每千单"), "values": [row.per_thousand for row in months], "dashed": True},
        ],
        "urls": [_complaints(found, row.month) for row in months],
    }


def _stage_bar(found: Board, row: StageRow) -> dict[str, Any]:
    url = _issues(found, status="open", stage=row.key)
    late = _issues(found, status="open", stage=row.key, overdue="1")
    return {"label": row.label, "value": row.open, "url": url, "late": row.overdue, "late_url": late}


def _complaints(found: Board, period: Period | None = None, **filters: str) -> str:
    """Return the address of the board's complaints that also match these filters."""
    span = period or found.period
    days = {"from_": span.first.isoformat(), "to": span.last.isoformat()}
    wanted = ComplaintFilters(status="all", shop=_shop(found.shop_id), **days, **filters)
    return f"{url_for('complaints.index')}?{wanted.query()}"


def _issues(found: Board, **filters: str) -> str:
    """Return the address of the board's issues that also match these filters."""
    return f"{url_for('issues.index')}?{IssueFilters(shop=_shop(found.shop_id), **filters).query()}"


def _board(key: str, shop_id: int | None) -> str:
    return url_for("reports.board", period=key, shop=shop_id)


def _shop_links(period: Period, shop_id: int | None) -> list[tuple[str, str, None, bool]]:
    """Return the choice of shops for the same days; empty where there is nothing to choose."""
    found = [(None, _("全部")), *((row.id, row.name) for row in shops())]
    days = {"from": period.first, "to": period.last} if period.key == CUSTOM else {"period": period.key}
    links = [(name, url_for("reports.board", **days, shop=id_), None, id_ == shop_id) for id_, name in found]
    return links if len(found) > 2 else []


def _shop(shop_id: int | None) -> str:
    return "" if shop_id is None else str(shop_id)


def _id_links(ids: Sequence[int], label: str) -> list[tuple[str, str]]:
    """Return links that together open exactly these issues."""
    parts = [ids[at : at + IDS_PER_LINK] for at in range(0, len(ids), IDS_PER_LINK)]
    return [
        (
            _("%(what)s %(n)d 个", what=label, n=len(part)),
            f"{url_for('issues.index')}?{IssueFilters(ids=','.join(map(str, part))).query()}",
        )
        for part in parts
    ]


def _period_name(key: str) -> str:
    names = {"month": _("本月"), "last_month": _("上月"), "90d": _("近 90 天"), "12m": _("近 12 个月")}
    return names[key]


def _minutes(value: float | None) -> str:
    return show_span(None if value is None else value * 60)


def _summary(found: Summary) -> str:
    return _(
        "中位 %(median)s · 平均 %(mean)s · P90 %(p90)s · n = %(n)d",
        median=_minutes(found.median), mean=_minutes(found.mean), p90=_minutes(found.p90), n=found.n,
    )  # fmt: skip


def _n(count: int) -> str:
    return f"n = {count:,}"


def _join(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _arrow(moved: Change) -> str:
    return {"up": "↑", "down": "↓", "flat": "→"}[moved.direction]


def _trend(moved: Change | None, *, good: str) -> str:
    """Return the class of a change: down for better, up for worse."""
    if moved is None or moved.direction == "flat":
        return ""
    return "down" if moved.direction == good else "up"


def _ratio_text(moved: Change | None) -> str:
    if moved is None or moved.ratio is None:
        return ""
    return f"{_arrow(moved)} {show_percent(abs(moved.ratio), 0)}"


def _points_text(moved: Change | None) -> str:
    return _("%(arrow)s %(n)s 点", arrow=_arrow(moved), n=f"{abs(moved.difference) * 100:.1f}") if moved else ""


def _difference_text(moved: Change | None) -> str:
    return f"{_arrow(moved)} {abs(moved.difference):.2f}" if moved else ""
