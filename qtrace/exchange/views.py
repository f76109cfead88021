"""Pages of imports: upload a file, watch its run, steer it, fetch refused rows, take it back."""

from pathlib import Path
from typing import BinaryIO, cast

from flask import Blueprint, Response, current_app, request, send_file, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog.queries import shop_by_key, shops
from qtrace.core import clock, files
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.core.models import StoredFileRow
from qtrace.exchange.choosing import choose, choose_as_before, is_remembered
from qtrace.exchange.looking import first_look
from qtrace.exchange.mapping import detect_kind
from qtrace.exchange.models import ImportRun
from qtrace.exchange.queries import PAGE, RunDetail, detail_of, newest_runs, run_by_id, run_of_refused, saved_mappings
from qtrace.exchange.reading import read_table
from qtrace.exchange.reasons import read_reasons
from qtrace.exchange.returned import headers_digest, returned_columns
from qtrace.exchange.service import (
    DRAFT,
    cancel,
    go_on,
    keep_file,
    open_draft,
    open_run,
    pause,
    queue_run,
    repeat_for_real,
    repeat_with_words,
)
from qtrace.exchange.targets import ISSUES, kind_labels, kinds
from qtrace.exchange.template_file import filled_template
from qtrace.exchange.undoing import can_undo, undo_import
from qtrace.exchange.webforms import UploadForm
from qtrace.exchange.words import sent_words, unknown_words
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

bp = Blueprint("imports", __name__, url_prefix="/imports")


@bp.get("")
@needs("import.run")
def index() -> Response:
    """List the runs, newest first, and offer the upload form."""
    before = as_id(request.args.get("before"))
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
    detail = detail_of(run)
    return render(
        "exchange/show.html", "exchange/_run.html", run=run, detail=detail, labels=kind_labels(),
        reasons=read_reasons(detail.reasons), words=unknown_words(run, detail), can_undo=can_undo(run),
        undone=_undone(run) if detail.undone else "",
    )  # fmt: skip


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


@bp.post("/<int:run_id>/words")
@needs("import.run")
@limited("import")
def words_create(run_id: int) -> Response:
    """Say what unknown words mean, each once, and read the rows again that had them."""
    run = run_by_id(run_id)
    meant = sent_words(request.form, unknown_words(run, detail_of(run)))
    if not any(meant.values()):
        raise Refused(_("请至少为一个说法选择它的意思。"))
    user_id = actor().id
    with write():
        new_id = repeat_with_words(run_id, meant, by=user_id, now=clock.now())
        answer_at(url_for("imports.show", run_id=new_id))
    return go(url_for("imports.show", run_id=new_id))


@bp.post("/<int:run_id>/pause")
@needs("import.run")
def pause_create(run_id: int) -> Response:
    """Stop the run after the rows it is at."""
    with write():
        pause(run_id)
    return go(url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/continuation")
@needs("import.run")
def continuation_create(run_id: int) -> Response:
    """Let a paused run go on."""
    with write():
        go_on(run_id, now=clock.now())
    return go(url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/cancellation")
@needs("import.run")
def cancellation_create(run_id: int) -> Response:
    """Stop the run for good; what is stored stays."""
    draft = run_by_id(run_id).state == DRAFT
    with write():
        cancel(run_id, now=clock.now())
    return go(url_for("imports.index") if draft else url_for("imports.show", run_id=run_id))


@bp.post("/<int:run_id>/undo")
@needs("import.run")
@limited("import")
def undo_create(run_id: int) -> Response:
    """Take the whole import back as far as nobody has touched its rows."""
    user_id = actor().id
    with write():
        undo_import(run_id, by=user_id, now=clock.now())
    return go(url_for("imports.show", run_id=run_id), trigger={"toast": _undone(run_by_id(run_id))})


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


def _undone(run: ImportRun) -> str:
    """Say what an undo did: issues are ended, everything else is deleted."""
    done = detail_of(run).undone
    counts = {name: done[name] for name in ("removed", "restored", "kept")}
    if run.kind == ISSUES:
        return _("已撤销:终止 %(removed)s 个质量问题(编号还查得到),保留 %(kept)s 个。", **counts)
    return _("已撤销:删除 %(removed)s 条,恢复 %(restored)s 条,保留 %(kept)s 条。", **counts)


def _upload_form() -> UploadForm:
    form = UploadForm(data={"dry_run": True}) if request.method == "GET" else UploadForm(request.form)
    form.offer(mappings=[row.name for row in saved_mappings()], shops=shops())
    return form


def _index(form: UploadForm, *, before: int | None = None, status: int = 200, error: str = "") -> Response:
    runs = newest_runs(before=before)
    older = url_for("imports.index", before=runs[-1].id) if len(runs) == PAGE else ""
    return render(
        "exchange/index.html", status=status, runs=runs, older=older, form=form, error=error, labels=kind_labels()
    )


def _take_in(stored: files.StoredFile, form: UploadForm) -> tuple[int, bool]:
    """Write the run down; say whether it is on its way or still needs its mapping."""
    path = files.open_path(stored.id, data_dir=_data_dir())
    kind, name, shop_key = form.kind.data or None, form.mapping.data or None, form.shop.data or None
    with read_table(path, name=stored.name) as table:
        detail = first_look(table)
    parent = run_of_refused(headers_digest(detail.headers)) if returned_columns(detail.headers) and not name else None
    chosen = None
    if parent:
        chosen = choose_as_before(parent, detail.headers)
    elif name or is_remembered(detail.headers, kind, stored.name) or is_template(detail, kind):
        chosen = choose(path, name=stored.name, kind=kind, mapping=name, shop_key=shop_key)
    shop = shop_by_key(shop_key) if shop_key else None
    shop_id, user_id, now = (shop.id if shop else None), actor().id, clock.now()
    with write():
        keep_file(stored, by=user_id, now=now)
        if chosen:
            run_id = open_run(
                chosen, file_name=stored.name, file_id=stored.id, dry_run=form.dry_run.data, by=user_id, now=now,
                parent_id=parent.id if parent else None,
            )  # fmt: skip
            queue_run(run_id, now=now)
        else:
            run_id = open_draft(
                file_name=stored.name, file_id=stored.id, detail=detail, shop_id=shop_id,
                kind=kind or detect_kind(detail.headers) or "", dry_run=form.dry_run.data, by=user_id, now=now,
            )  # fmt: skip
        answer_at(url_for("imports.show", run_id=run_id))
    return run_id, chosen is not None


def is_template(detail: RunDetail, kind: str | None) -> bool:
    """Say whether a file was made from one of our templates."""
    made_here = filled_template(detail.sheet, detail.headers, kinds().values())
    return made_here is not None and kind in (None, made_here["kind"])


def _data_dir() -> Path:
    folder: Path = current_app.config["QTRACE_DATA_DIR"]
    return folder
