"""Statistics of a form's records: one field against one measure, as a chart, a table and a sheet."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any, cast, get_args
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.conditions.tree import Condition, FieldKind
from qtrace.core import clock
from qtrace.core.errors import NotFound
from qtrace.exchange.spool import scratch
from qtrace.exchange.writing import write_table
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.records.asking import Asked
from qtrace.records.fields import ListField, ListFields
from qtrace.records.pages import asked_of, menus_of, sentence_of
from qtrace.records.statistics import Counting, Grain, Kind, Measure, Span, Statistics, Tally, by_span, by_value
from qtrace.web.filters import localised, show_percent, site_zone
from qtrace.web.htmx import render
from qtrace.web.limits import limited

bp = Blueprint("record_reports", __name__, url_prefix="/records")

GRAINS = {"day": _l("按天"), "week": _l("按周"), "month": _l("按月")}


@dataclass(frozen=True)
class Question:
    """What is counted by what."""

    by: ListField
    grain: Grain
    measure: Measure
    of: str  # the measure as the address spells it

    @property
    def query(self) -> str:
        """Return it as the part of an address."""
        return urlencode({"by": self.by.id, "grain": self.grain, "of": self.of})


@dataclass(frozen=True)
class Row:
    """One line of the table: the group, its figure, how many records it has and where they are listed."""

    label: str
    figure: int | Decimal | None
    shown: str
    n: int
    url: str
    plain: bool = True  # a group of its own, not the rest or what has no value


@bp.get("/<form_key>/stats")
@needs("record.read")
@limited("search")
def show(form_key: str) -> Response:
    """Show the figures of the listed records by one field."""
    form, asked, fields = _asked(form_key)
    question = _question(fields)
    rows, total = _rows(form, asked, fields, question)
    here = url_for("record_reports.show", form_key=form_key)
    return render(
        "reports/records.html", form=form, asked=asked, here=here, question=question, rows=rows, total=total,
        chart=_chart(rows, question, fields), dimensions=_dimensions(fields), measures=_measures(fields), grains=GRAINS,
        timed=question.by.kind is FieldKind.DATETIME, measured=_named_measure(question, fields),
        menus=menus_of(asked, fields, staged=bool(form.flow), more=f"&{question.query}"),
        sentence=sentence_of(asked.condition, fields),
        xlsx=f"{url_for('record_reports.sheet', form_key=form_key)}?{asked.query()}&{question.query}",
    )  # fmt: skip


@bp.get("/<form_key>/stats.xlsx")
@needs("export.run")
@limited("export")
def sheet(form_key: str) -> Response:
    """Give the same table as a sheet."""
    form, asked, fields = _asked(form_key)
    question = _question(fields)
    rows, total = _rows(form, asked, fields, question)
    heads = [question.by.label, _named_measure(question, fields), _("记录数")]
    lines = [(row.label, _cell(row.figure), row.n) for row in [*rows, total]]
    with tempfile.TemporaryDirectory(dir=scratch(current_app.config["QTRACE_DATA_DIR"])) as folder:
        path = Path(folder) / "statistics.xlsx"
        write_table(path, localised(form), heads, lines)
        content = path.read_bytes()  # a few hundred lines at most
    name = f"{localised(form)}-{clock.now():%Y%m%d}.xlsx"
    answer = send_file(BytesIO(content), as_attachment=True, download_name=name, mimetype="application/octet-stream")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _asked(form_key: str) -> tuple[Form, Asked, ListFields]:
    form, version = current_form(form_key)
    if form.built_in:
        raise NotFound
    asked, fields = asked_of(form, stored_definition(form.key, version.id))
    return form, asked, fields


def _question(fields: ListFields) -> Question:
    """Read what the address asks; what it does not name is the first choice of the form, counted."""
    dimensions, measures = _dimensions(fields), dict(_measures(fields))
    by = next((one for one in dimensions if one.id == request.args.get("by")), dimensions[0])
    grain = request.args.get("grain", "month")
    of = request.args.get("of", "count")
    of = of if of in measures else "count"
    kind, _colon, name = of.partition(":")
    measure = Measure(cast(Kind, kind), fields.by_id.get(name))
    return Question(by, cast(Grain, grain if grain in get_args(Grain) else "month"), measure, of)


def _dimensions(fields: ListFields) -> list[ListField]:
    """Return what can be counted by: the form's own fields first, then what every record has."""
    named = [one for one in fields.by_id.values() if one.id not in ("number", "title", "changed_at")]
    return [one for one in named if one.groupable or (one.kind is FieldKind.DATETIME and not one.sensitive)]


def _measures(fields: ListFields) -> list[tuple[str, str]]:
    found = [("count", _("记录数"))]
    for one in fields.own:
        if one.kind is FieldKind.NUMBER:
            found += [
                (f"sum:{one.id}", _("%(name)s 合计", name=one.label)),
                (f"avg:{one.id}", _("%(name)s 平均", name=one.label)),
            ]
        if one.kind is FieldKind.BOOL:
            found.append((f"rate:{one.id}", _("%(name)s 为“是”的占比", name=one.label)))
    return found


def _named_measure(question: Question, fields: ListFields) -> str:
    return dict(_measures(fields))[question.of]


def _rows(form: Form, asked: Asked, fields: ListFields, question: Question) -> tuple[list[Row], Row]:
    counting = Counting(form.id, asked, fields, actor(), question.measure)
    timed = question.by.kind is FieldKind.DATETIME
    found = by_span(counting, question.by, question.grain, site_zone()) if timed else by_value(counting, question.by)

    def row(label: str, tally: Tally, condition: Condition | None, *, plain: bool = False) -> Row:
        wanted = asked.and_also(condition) if condition is not None else asked
        url = f"{url_for('records.list_show', form_key=form.key)}?{wanted.query(group='')}" if wanted.readable else ""
        figure = tally.figure(question.measure)
        return Row(label, figure, _shown(figure, question.measure), tally.n, url, plain)

    words = {} if timed else question.by.say([group.value for group in found.groups])
    rows = [
        row(
            _span_name(one.value, question.grain) if timed else words.get(one.value, "—"),
            one.tally,
            one.condition,
            plain=True,
        )
        for one in found.groups
    ]
    rows = _with_rest(rows, found, row, timed=timed)
    return rows, row(_("合计"), found.total, None)


def _with_rest(rows: list[Row], found: Statistics, row: Any, *, timed: bool) -> list[Row]:
    """Return the rows with the rest where it belongs: before the first span, behind the last value."""
    if found.rest and timed:
        text = ngettext("更早的 %(num)s 段", "更早的 %(num)s 段", found.rest.groups)
        rows = [row(text, found.rest.tally, found.rest.condition), *rows]
    elif found.rest:
        text = ngettext("其余 %(num)s 种", "其余 %(num)s 种", found.rest.groups)
        rows = [*rows, row(text, found.rest.tally, found.rest.condition)]
    if found.missing:
        rows = [*rows, row(_("未填"), found.missing.tally, found.missing.condition)]
    return rows


def _span_name(span: Span, grain: Grain) -> str:
    if grain == "month":
        return f"{span.first:%Y-%m}"
    return _("%(day)s 起一周", day=f"{span.first:%Y-%m-%d}") if grain == "week" else f"{span.first:%Y-%m-%d}"


def _shown(figure: int | Decimal | None, measure: Measure) -> str:
    if figure is None:
        return "—"
    if isinstance(figure, int):
        return f"{figure:,}"
    if measure.kind == "rate":
        return show_percent(float(figure))
    rounded = figure.quantize(Decimal("0.01")) if measure.kind == "avg" else figure
    return f"{rounded.normalize():,f}"


def _cell(figure: int | Decimal | None) -> int | Decimal | None:
    return round(figure, 6) if isinstance(figure, Decimal) else figure


def _chart(rows: Sequence[Row], question: Question, fields: ListFields) -> dict[str, Any]:
    share, timed = question.measure.kind == "rate", question.by.kind is FieldKind.DATETIME
    rows = [row for row in rows if row.plain or not timed]  # a line joins days, not days with what has none
    return {
        "type": "line" if timed else "bar",
        "labels": [row.label for row in rows],
        "series": [
            {
                "label": _named_measure(question, fields),
                "values": [None if row.figure is None else float(row.figure) * (100 if share else 1) for row in rows],
            }
        ],
        "urls": [row.url for row in rows],
        "unit": "%" if share else "",
    }
