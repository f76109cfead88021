"""Pages of imports: upload a file, say what its columns hold, watch the run, fetch refused rows."""

from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, current_app, request, send_file, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog.queries import shop_by_key, shops
from qtrace.core import clock, files
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError, NotFound
from qtrace.core.models import StoredFileRow
from qtrace.exchange.choosing import choose, choose_by_columns, is_remembered
from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import detect_kind
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import PAGE, detail_of, newest_runs, run_by_id, saved_mappings
from qtrace.exchange.reading import read_table
from qtrace.exchange.service import DRAFT, keep_file, open_draft, open_run, queue_run, repeat_for_real, settle_draft
from qtrace.exchange.webforms import MappingForm, UploadForm, chosen_columns, suggested_fields
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

SAMPLES = 3

bp = Blueprint("imports", __name__, url_prefix="/imports")


@bp.get("")
@needs("import.run")
def index() -> Response:
    """List the runs, newest first, and offer the upload form."""
    before = request.args.get("before", type=int)
    return _index(_upload_form(), before=before)


@bp.post("")
@needs("import.run")
@limited("import")
def create() -> Response:
    """Take a file in: start its run, or ask what its columns hold."""
    form = _upload_form()
    upload = request.files.get("file")
    if not form.validate() or upload is None or not upload.filename:
        return _index(form, status=422, error=_("请选择一个文件。") if not form.errors else _("请检查所选的项目。"))
    stored = files.store(cast(BinaryIO, upload.stream), display_name=upload.filename, data_dir=_data_dir())
    try:
        run_id, ready = _take_in(stored, form)
    except DomainError as error:
        files.discard(stored.id, data_dir=_data_dir())
        return _index(form, status=422, error=error.message)
    return go(url_for("imports.show" if ready else "imports.mapping", run_id=run_id))


@bp.get("/<int:run_id>")
@needs("import.run")
def show(run_id: int) -> Response:
    """Show a run; its piece asks again every second while it is under way."""
    run = run_by_id(run_id)
    if run.state == DRAFT:
        return go(url_for("imports.mapping", run_id=run_id))
    return render("exchange/show.html", "exchange/_run.html", run=run, detail=detail_of(run), kinds=KINDS)


@bp.get("/<int:run_id>/mapping")
@needs("import.run")
def mapping(run_id: int) -> Response:
    """Show every column of the file with the field it seems to hold."""
    run = _draft(run_id)
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else run.kind or "orders"
    form = MappingForm(data={"kind": kind})
    form.offer()
    return _mapping_page(run, form, suggested_fields(kind, detail_of(run).headers))


@bp.post("/<int:run_id>/mapping")
@needs("import.run")
def mapping_create(run_id: int) -> Response:
    """Take the mapping of a draft and start its run."""
    run = _draft(run_id)
    headers = detail_of(run).headers
    form = MappingForm(request.form)
    form.offer()
    fields = [request.form.get(f"col-{place}", "") for place in range(len(headers))]
    if not form.validate():
        return _mapping_page(run, form, fields, status=422, error=_("请检查数据类别和名字。"))
    definition = {"kind": form.kind.data, "columns": chosen_columns(request.form, headers)}
    try:
        chosen = choose_by_columns(definition, headers, shop_id=run.shop_id, name=form.save_as.data or "")
    except DomainError as error:
        return _mapping_page(run, form, fields, status=422, error=error.message)
    with write():
        settle_draft(run_id, chosen, save_as=(form.save_as.data or "").strip(), now=clock.now())
        answer_at(url_for("imports.show", run_id=run_id))
    return go(url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/real-run")
@needs("import.run")
@limited("import")
def real_run_create(run_id: int) -> Response:
    """Import for real what a dry run has checked."""
    user_id = actor().id
    with write():
        new_id = repeat_for_real(run_id, by=user_id, now=clock.now())
        answer_at(url_for("imports.show", run_id=new_id))
    return go(url_for("imports.show", run_id=new_id))


@bp.get("/<int:run_id>/refused")
@needs("import.run")
@limited("export")
def refused(run_id: int) -> Response:
    """Give the refused rows back as a file with the reasons."""
    run = run_by_id(run_id)
    stored = db.session.get(StoredFileRow, run.refused_file_id) if run.refused_file_id else None
    if stored is None:
        raise NotFound
    path = files.open_path(stored.id, data_dir=_data_dir())
    return send_file(path, as_attachment=True, download_name=stored.name, mimetype="application/octet-stream")


def _upload_form() -> UploadForm:
    form = UploadForm(data={"dry_run": True}) if request.method == "GET" else UploadForm(request.form)
    form.offer(mappings=[row.name for row in saved_mappings()], shops=shops())
    return form


def _index(form: UploadForm, *, before: int | None = None, status: int = 200, error: str = "") -> Response:
    runs = newest_runs(before=before)
    older = url_for("imports.index", before=runs[-1].id) if len(runs) == PAGE else ""
    return render("exchange/index.html", status=status, runs=runs, older=older, form=form, error=error, kinds=KINDS)


def _take_in(stored: files.StoredFile, form: UploadForm) -> tuple[int, bool]:
    """Write the run down; say whether it is on its way or still needs its mapping."""
    path = files.open_path(stored.id, data_dir=_data_dir())
    kind, name, shop_key = form.kind.data or None, form.mapping.data or None, form.shop.data or None
    with read_table(path, name=stored.name) as table:
        headers = table.headers
        first = [[str(cell or "") for cell in row.cells] for row in islice(table.rows, SAMPLES)]
    chosen = None
    if name or is_remembered(headers, kind):
        chosen = choose(path, name=stored.name, kind=kind, mapping=name, shop_key=shop_key)
    shop = shop_by_key(shop_key) if shop_key else None
    shop_id, user_id, now = (shop.id if shop else None), actor().id, clock.now()
    with write():
        keep_file(stored, by=user_id, now=now)
        if chosen:
            run_id = open_run(
                chosen, file_name=stored.name, file_id=stored.id, dry_run=form.dry_run.data, by=user_id, now=now
            )
            queue_run(run_id, now=now)
        else:
            run_id = open_draft(
                file_name=stored.name, file_id=stored.id, headers=headers, first=first,
                kind=kind or detect_kind(headers) or "", shop_id=shop_id, dry_run=form.dry_run.data, by=user_id, now=now,
            )  # fmt: skip
        answer_at(url_for("imports.show", run_id=run_id))
    return run_id, chosen is not None


def _draft(run_id: int) -> ImportRun:
    run = run_by_id(run_id)
    if run.state != DRAFT:
        raise NotFound(_("这个文件已经开始导入了,请看导入记录。"))
    return run


def _mapping_page(
    run: ImportRun, form: MappingForm, fields: list[str], *, status: int = 200, error: str = ""
) -> Response:
    detail = detail_of(run)
    kind = KINDS.get(form.kind.data or "", KINDS["orders"])
    columns: list[dict[str, Any]] = [
        {
            "place": place,
            "header": header,
            "field": fields[place],
            "samples": [row[place] for row in detail.first if place < len(row)],
        }
        for place, header in enumerate(detail.headers)
    ]
    return render("exchange/mapping.html", status=status, run=run, form=form, kind=kind, columns=columns, error=error)


def _data_dir() -> Path:
    folder: Path = current_app.config["QTRACE_DATA_DIR"]
    return folder
