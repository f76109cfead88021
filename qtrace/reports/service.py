"""The board as plain data, for the command line and for whoever reads figures by machine."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from qtrace.accounts.models import User
from qtrace.core.errors import NotFound
from qtrace.reports.board import Board, Cost, MonthRow, RankRow, build_board
from qtrace.reports.metrics import RecurrenceRate, Score
from qtrace.reports.periods import Period, period_of
from qtrace.reports.queries import Scope
from qtrace.web.filters import site_zone


def report_json(
    name: str, period_key: str, now: datetime, *, zone: ZoneInfo | None = None, user: User | None = None
) -> dict[str, Any]:
    """Return the named report as data that JSON can hold, of the whole site unless a person reads it; not found for an unknown name."""
    if name not in REPORTS:
        raise NotFound
    return REPORTS[name](Scope(user, period_of(period_key, now, zone or site_zone()), now))


def quality_report(scope: Scope) -> dict[str, Any]:
    """Return the quality board as data; times are minutes, money is minor units, ratios are exact decimals in text."""
    board = build_board(scope)
    now, before = board.complaints
    return {
        "report": "quality",
        "period": _period(board.period),
        "previous_period": _period(board.period.previous),
        "counted_at": scope.now.isoformat(),
        "resolution_minutes": _both(board.times, asdict),
        "recurrence": _both(board.recurrence, _recurrence),
        "satisfaction": _both(board.score, _score),
        "quality_cost": _both(board.cost, _cost) if board.cost else None,
        "complaints": {"current": now, "previous": before},
        **_tables(board),
    }


def _tables(board: Board) -> dict[str, Any]:
    return {
        "complaint_types": [
            {"type": row.term.code if row.term else None, "count": row.bar.count, "cumulative": row.bar.cumulative}
            for row in board.types
        ],
        "months": [_month(row) for row in board.months],
        "stages": [{"stage": row.key, "open": row.open, "overdue": row.overdue} for row in board.stages],
        "skus": [_rank(row) for row in board.skus],
        "suppliers": [_rank(row) for row in board.suppliers],
    }


def _both(pair: tuple[Any, Any], write: Callable[[Any], Any]) -> dict[str, Any]:
    return {"current": write(pair[0]), "previous": write(pair[1])}


def _period(period: Period) -> dict[str, Any]:
    return {"key": period.key, "first": period.first.isoformat(), "last": period.last.isoformat()}


def _recurrence(rate: RecurrenceRate) -> dict[str, Any]:
    return {
        "rate": rate.rate,
        "recurred_ids": list(rate.numerator_ids),
        "cured_ids": list(rate.denominator_ids),
        "repeat_ids": list(rate.repeat_ids),
    }


def _score(score: Score) -> dict[str, Any]:
    return asdict(score)


def _cost(cost: Cost) -> dict[str, Any]:
    return asdict(cost) | {"ratio": str(cost.ratio.value) if cost.ratio else None}


def _month(row: MonthRow) -> dict[str, Any]:
    return {
        "month": row.month.key,
        "complaints": row.complaints,
        "orders": row.orders,
        "per_thousand_orders": row.per_thousand,
    }


def _rank(row: RankRow) -> dict[str, Any]:
    return asdict(row) | {"per_thousand_units": row.per_thousand}


REPORTS: Mapping[str, Callable[[Scope], dict[str, Any]]] = {"quality": quality_report}
