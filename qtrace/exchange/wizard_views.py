"""Pages of the import wizard: which sheet and headers, what the columns hold."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from flask import Response, current_app, request, send_file, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import needs
from qtrace.catalog.models import Shop
from qtrace.catalog.queries import shop_by_key, shops
from qtrace.core import clock, files
from qtrace.core.db import write
from qtrace.core.errors import DomainError, NotFound, Refused
from qtrace.exchange.cells import NOTHING
from qtrace.exchange.choosing import choose_by_columns, pattern_of
from qtrace.exchange.kinds import KINDS, Kind
from qtrace.exchange.looking import first_look
from qtrace.exchange.mapping import sample_values
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import RunDetail, detail_of, run_by_id
from qtrace.exchange.reading import Table, read_table
from qtrace.exchange.service import DRAFT, read_draft_anew, settle_draft
from qtrace.exchange.targets import described, kind_labels
from qtrace.exchange.template_file import template_file
from qtrace.exchange.views import bp
from qtrace.exchange.webforms import MappingForm, SheetForm, chosen_columns, suggested_fields
from qtrace.exchange.words import Unknown, sent_words, words_ahead
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

SHOWN_CELLS = 12
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/<int:run_id>/sheet")
@needs("import.run")
@limited("import")
def sheet(run_id: int) -> Response:
    """Show the first rows of a sheet as they are, for a person to point at the headers."""
    run = _draft(run_id)
    detail = detail_of(run)
    wanted = request.args.get("sheet", "")
    wanted = wanted if wanted in detail.sheets else detail.sheet
    same = wanted == detail.sheet
    options = {"header_row": detail.header_row or 1, "header_rows": detail.header_rows} if same else {}
    with _table(run, wanted, **options) as table:
        return _sheet_page(run, table)


@bp.post("/<int:run_id>/sheet")
@needs("import.run")
@limited("import")
def sheet_create(run_id: int) -> Response:
    """Take the headers a person has pointed at."""
    run = _draft(run_id)
    form = SheetForm(request.form)
    if not form.validate():
        with _table(run, detail_of(run).sheet) as table:
            return _sheet_page(run, table, status=422, error=_("请写明表头从第几行开始。"))
    try:
        with _table(
            run, form.sheet.data or "", header_row=form.header_row.data, header_rows=int(form.header_rows.data or 1)
        ) as table:
            detail = first_look(table)
    except DomainError as error:
        with _table(run, detail_of(run).sheet) as table:
            return _sheet_page(run, table, status=422, error=error.message)
    with write():
        read_draft_anew(run_id, replace(detail, header_row=form.header_row.data or 1))
    return go(url_for("imports.mapping", run_id=run_id))


@bp.get("/<int:run_id>/mapping")
@needs("import.run")
def mapping(run_id: int) -> Response:
    """Show every column of the file with the field it seems to hold."""
    run = _draft(run_id)
    kind = _kind(request.args.get("kind", ""), run)
    form = MappingForm(data={"kind": kind.name, "empty": " ".join(NOTHING), "pattern": pattern_of(run.file_name)})
    form.offer(kind, _shops(run, kind))
    return _mapping_page(run, form, kind, suggested_fields(kind, detail_of(run).headers))


@bp.post("/<int:run_id>/mapping")
@needs("import.run")
def mapping_create(run_id: int) -> Response:
    """Take the mapping of a draft and start its run, or first show the words of the columns as they are chosen now."""
    run = _draft(run_id)
    detail = detail_of(run)
    kind = _kind(request.form.get("kind", ""), run)
    form = MappingForm(request.form)
    form.offer(kind, _shops(run, kind))
    fields = [request.form.get(f"col-{place}", "") for place in range(len(detail.headers))]
    if "look" in request.form:
        return _mapping_page(run, form, kind, fields)
    if not form.validate():
        first = next(message for messages in form.errors.values() for message in messages)
        return _mapping_page(run, form, kind, fields, status=422, error=str(first))
    definition = form.definition(detail, chosen_columns(request.form, detail.headers))
    for field, meant in sent_words(request.form, _words(detail, kind, form, fields)).items():
        definition["columns"][field]["map"] = meant
    name = (form.save_as.data or "").strip()
    try:
        chosen = choose_by_columns(definition, detail.headers, shop_id=run.shop_id or _shop_id(run, form), name=name)
    except DomainError as error:
        return _mapping_page(run, form, kind, fields, status=422, error=error.message)
    with write():
        settle_draft(run_id, chosen, save_as=name, pattern=(form.pattern.data or "").strip(), now=clock.now())
        answer_at(url_for("imports.show", run_id=run_id))
    return go(url_for("imports.show", run_id=run_id))


@bp.get("/template")
@needs("import.run")
@limited("export")
def template() -> Response:
    """Give an empty table of a kind, to be filled in and sent back."""
    kind = described(request.args.get("kind", ""))
    name = _("%(kind)s-模板", kind=kind.label)
    return send_file(BytesIO(template_file(kind)), as_attachment=True, download_name=f"{name}.xlsx", mimetype=XLSX)


def _draft(run_id: int) -> ImportRun:
    run = run_by_id(run_id)
    if run.state != DRAFT:
        raise NotFound(_("这个文件已经开始导入了,请看导入记录。"))
    return run


def _kind(asked: str, run: ImportRun) -> Kind:
    labels = kind_labels()
    return described(asked if asked in labels else run.kind if run.kind in labels else "orders")


def _shops(run: ImportRun, kind: Kind) -> Sequence[Shop]:
    """Return the shops to choose from: facts belong to one, and nobody has said yet to which."""
    found = shops() if kind.name in KINDS and run.shop_id is None else ()
    return found if len(found) > 1 else ()


def _shop_id(run: ImportRun, form: MappingForm) -> int | None:
    if len(form.shop.choices or ()) <= 1:
        return run.shop_id
    shop = shop_by_key(form.shop.data or "")
    if shop is None:
        raise Refused(_("请选择这些数据是哪个店铺的。"), field="shop")
    return shop.id


def _words(detail: RunDetail, kind: Kind, form: MappingForm, fields: list[str]) -> list[Unknown]:
    """Return the words of the chosen columns that still need a meaning, as far as the first rows have them."""
    sent = {f"col-{place}": field for place, field in enumerate(fields)}
    columns = chosen_columns(sent, detail.headers)
    zone = current_app.config["QTRACE_TZ"]
    return words_ahead(detail, kind, columns, {"empty": (form.empty.data or "").split()}, zone=zone)


def _table(run: ImportRun, wanted: str, **options: int | None) -> Table:
    path = files.open_path(run.file_id or "", data_dir=current_app.config["QTRACE_DATA_DIR"])
    return read_table(
        path, name=run.file_name, sheet=wanted or None, header_row=options.get("header_row"),
        header_rows=options.get("header_rows"), top=True,
    )  # fmt: skip


def _sheet_page(run: ImportRun, table: Table, *, status: int = 200, error: str = "") -> Response:
    rows = [(number, row[:SHOWN_CELLS]) for number, row in enumerate(table.top, 1)]
    taken = range(table.header_row, table.header_row + table.header_rows)
    return render("exchange/sheet.html", status=status, run=run, table=table, rows=rows, taken=taken, error=error)


def _mapping_page(
    run: ImportRun, form: MappingForm, kind: Kind, fields: list[str], *, status: int = 200, error: str = ""
) -> Response:
    detail = detail_of(run)
    columns = [_column(detail, kind, form, place, fields[place]) for place in range(len(detail.headers))]
    words = _words(detail, kind, form, fields)
    return render(
        "exchange/mapping.html", status=status, run=run, detail=detail, form=form, kind=kind, error=error,
        words=words, meant=sent_words(request.form, words),
        columns=[one for one in columns if one["samples"] or one["field"]], facts=kind.name in KINDS,
        blank=[one["header"] for one in columns if one["header"] and not one["samples"] and not one["field"]],
    )  # fmt: skip


def _column(detail: RunDetail, kind: Kind, form: MappingForm, place: int, name: str) -> dict[str, Any]:
    """Return a column with some of its values, and what those would be read as where that differs."""
    samples = detail.first[place] if place < len(detail.first) else []
    definition = {
        "empty": (form.empty.data or "").split(),
        "epoch": form.epoch.data or ("1904" if detail.epoch_1904 else ""),
    }
    header, zone = detail.headers[place], current_app.config["QTRACE_TZ"]
    read = sample_values(kind, name, header, samples, definition, zone=zone) if name and header else []
    pairs = [(before, after) for before, after in zip(samples, read, strict=False) if before != after]
    return {"place": place, "header": detail.headers[place], "field": name, "samples": samples, "repaired": pairs}
