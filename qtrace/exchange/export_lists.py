"""The lists that can be exported: issues, complaints, and the records of each of a company's own forms."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from qtrace.classification.controls import local_name
from qtrace.complaints.filters import Filters as ComplaintFilters
from qtrace.complaints.filters import read_filters as read_complaint_filters
from qtrace.complaints.models import Complaint
from qtrace.complaints.queries import complaint_page
from qtrace.core.db import db
from qtrace.core.money import minor_digits
from qtrace.exchange.exporting import Asking, ExportColumn, ExportView
from qtrace.exchange.writing import Value
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import Cell, controls
from qtrace.forms.slots import slots_of
from qtrace.issues import queries as issues
from qtrace.issues.listing import STATUS_NAMES, list_filters
from qtrace.issues.stages import stage_names
from qtrace.records.asking import read_asked
from qtrace.records.fields import STATES, list_fields
from qtrace.records.models import Record
from qtrace.records.pages import told_notes
from qtrace.records.queries import record_forms, record_page

PAGE = 1000
NOTES = "_notes"  # no field can be called so


def export_lists() -> list[ExportView]:
    """Return the lists of this package's knowledge."""
    forms = [RecordExport(form, version.id) for form, version in record_forms()]
    return [IssueExport(), ComplaintExport(), *forms]


class IssueExport:
    """The list of issues."""

    name, permission = "issues", "issue.read"

    @property
    def label(self) -> str:
        """Return what staff call the list."""
        return _("质量问题")

    def columns(self) -> Sequence[ExportColumn]:
        """Return the columns of the list."""
        return [ExportColumn(name, label) for name, label in (
            ("number", _("编号")), ("title", _("标题")), ("status", _("状态")), ("stage", _("阶段")), ("type", _("类型")),
            ("severity", _("严重程度")), ("party", _("责任方")), ("shop", _("店铺")), ("sku", _("商品")), ("lot", _("批次")),
            ("owner", _("负责人")), ("complaints", _("客诉数")), ("opened_at", _("登记时间")), ("due_at", _("期限")),
            ("closed_at", _("关闭时间")),
        )]  # fmt: skip

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:  # noqa: ARG002 - nothing is masked
        """Yield the issues, newest first."""
        zone = _zone()
        filters, after = list_filters(MultiDict(asking.args)), ""
        reader = issues.Reader(asking.user, asking.now, zone)
        terms = {
            row_id: local_name(term) for row_id, term in issues.terms("type", "severity", "responsible_party").items()
        }
        stages = stage_names()
        while True:
            page = issues.issue_page(filters, reader, after=after, size=PAGE)
            for row in page.rows:
                stage = stages.get(row.stage)
                yield {
                    "number": row.number, "title": row.title, "status": str(STATUS_NAMES.get(row.status, row.status)),
                    "stage": row.stage if stage is None else str(stage), "type": terms.get(row.type_id or 0),
                    "severity": terms.get(row.severity_id or 0), "party": terms.get(row.responsible_party_id or 0),
                    "shop": row.shop, "sku": row.sku, "lot": row.lot, "owner": row.owner,
                    "complaints": row.complaint_count, "opened_at": _clock(row.opened_at, zone),
                    "due_at": _clock(row.due_at, zone), "closed_at": _clock(row.closed_at, zone),
                }  # fmt: skip
            if not page.next:
                return
            after = page.next


class ComplaintExport:
    """The list of complaints."""

    name, permission = "complaints", "complaint.read"

    @property
    def label(self) -> str:
        """Return what staff call the list."""
        return _("客诉")

    def columns(self) -> Sequence[ExportColumn]:
        """Return the columns of the list."""
        return [ExportColumn(name, label) for name, label in (
            ("number", _("编号")), ("occurred_at", _("发生时间")), ("status", _("状态")), ("type", _("类型")),
            ("severity", _("严重程度")), ("party", _("责任方")), ("shop", _("店铺")), ("order", _("订单号")),
            ("sku", _("商品")), ("lot", _("批次")), ("supplier", _("供应商")), ("stars", _("评分")), ("amount", _("金额")),
            ("currency", _("币种")), ("raw_reason", _("买家原因")), ("text", _("内容")), ("platform_due_at", _("平台时限")),
        )]  # fmt: skip

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:  # noqa: ARG002 - nothing is masked
        """Yield the complaints, newest first."""
        zone, after = _zone(), ""
        filters = read_complaint_filters(asking.args)
        filters = filters if filters.pairs() else ComplaintFilters(status="open")
        while True:
            page = complaint_page(filters, asking.user, zone, after=after, size=PAGE)
            for row in page.rows:
                yield _complaint(row, zone)
                if row in db.session:  # else it is a copy without what is hidden from the reader
                    db.session.expunge(row)
            if not page.next:
                return
            after = page.next


class RecordExport:
    """The records of one form; controls that hold something sensitive are masked."""

    permission = "record.read"

    def __init__(self, form: Form, version_id: int) -> None:
        self.form_id, self.form_key = form.id, form.key
        self.name = f"records:{form.key}"
        self.label = form.name_en if _is_english() else form.name_zh
        self.definition: FormDefinition = stored_definition(form.key, version_id)

    def columns(self) -> Sequence[ExportColumn]:
        """Return the record's own columns and one per field that holds something."""
        known = controls()
        own = [
            ExportColumn("number", _("编号")),
            ExportColumn("state", _("状态")),
            ExportColumn("created_at", _("填写时间")),
        ]
        fields = [
            ExportColumn(one.id, one.label_en if _is_english() else one.label_zh, known[one.control].sensitive)
            for one in self.definition.fields
            if not known[one.control].layout
        ]
        return [*own, *fields, ExportColumn(NOTES, _("提醒和原因"))]

    def rows(self, asking: Asking, *, unmasked: bool) -> Iterator[Mapping[str, Value]]:
        """Yield the records in the order of the list."""
        fields = list_fields(self.definition, slots_of(self.form_id), english=_is_english())
        asked, after, zone = read_asked(asking.args, fields), "", _zone()
        while True:
            page = record_page(self.form_id, asked, fields, asking.user, after=after, size=PAGE)
            for row in page.rows:
                yield self._row(row, zone, unmasked=unmasked)
                db.session.expunge(row)
            if not page.next:
                return
            after = page.next

    def _row(self, row: Record, zone: ZoneInfo, *, unmasked: bool) -> dict[str, Value]:
        known = controls()
        own = {one.id: one for one in stored_definition(self.form_key, row.form_version_id).all_fields}
        found: dict[str, Value] = {
            "number": row.number, "state": str(STATES.get(row.state, row.state)), "created_at": _clock(row.created_at, zone),
        }  # fmt: skip
        if row.notes:
            told = told_notes(self.definition, row.notes)
            found[NOTES] = "\n".join(f"{label}: {text}" if label else text for label, text in told)
        for field_id, value in row.answers.items():
            asked = own.get(field_id)
            if asked is None or value is None:
                continue
            control = known[asked.control]
            if control.sensitive:
                found[field_id] = control.revealed(asked, value) if unmasked else control.masked(asked, value)
            else:
                found[field_id] = _plain(control.to_cell(asked, value), zone)
        return found


def _complaint(row: Complaint, zone: ZoneInfo) -> dict[str, Value]:
    terms = {"type": row.type, "severity": row.severity, "party": row.responsible_party}
    named = {name: None if term is None else local_name(term) for name, term in terms.items()}
    return named | {
        "number": row.number, "occurred_at": _clock(row.occurred_at, zone),
        "status": str(STATUS_NAMES.get(row.status, row.status)), "shop": row.shop.name if row.shop else None,
        "order": row.order.external_id if row.order else None, "sku": (row.sku.name or row.sku.external_id) if row.sku else None,
        "lot": row.lot.external_id if row.lot else None, "supplier": row.supplier.name if row.supplier else None,
        "stars": row.stars, "amount": row.amount_minor / 10 ** minor_digits(row.currency) if row.amount_minor else None,
        "currency": row.currency, "raw_reason": row.raw_reason, "text": row.text,
        "platform_due_at": _clock(row.platform_due_at, zone),
    }  # fmt: skip


def _plain(cell: Cell, zone: ZoneInfo) -> Value:
    return _clock(cell, zone) if isinstance(cell, datetime) else cell


def _clock(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return a moment as the clock of the site shows it."""
    return None if moment is None else moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _zone() -> ZoneInfo:
    return ZoneInfo(current_app.config["QTRACE_TZ"])


def _is_english() -> bool:
    return str(get_locale() or "zh").startswith("en")
