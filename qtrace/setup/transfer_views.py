"""The page that takes the configuration out as one file and brings one in after a preview."""

import io

from flask import Blueprint, Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.configuration import sections
from qtrace.core.db import write
from qtrace.core.errors import Conflict, DomainError, Forbidden, Refused
from qtrace.core.files import discard, open_path, store
from qtrace.setup.configuration import (
    MAX_BYTES,
    Plan,
    apply_configuration,
    export_configuration,
    preview_configuration,
    read_text,
    write_text,
)
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited
from qtrace.web.photos import seal, unseal

bp = Blueprint("transfer", __name__, url_prefix="/config/transfer")
FILE_NAME = "qtrace-configuration.json"


@bp.get("")
@needs("config.forms")
def show() -> Response:
    """Show how the configuration is taken out and brought in."""
    _rules_too()
    return _page()


@bp.get("/file")
@needs("config.forms")
@limited("export")
def file_show() -> Response:
    """Send the configuration as one file."""
    _rules_too()
    response = Response(write_text(export_configuration()), mimetype="application/json")
    response.headers.set("Content-Disposition", "attachment", filename=FILE_NAME)
    return response


@bp.post("/preview")
@needs("config.forms")
@limited("import")
def preview_create() -> Response:
    """Show what a file would do; nothing is changed."""
    _rules_too()
    upload = request.files.get("file")
    try:
        if upload is None or not upload.filename:
            raise Refused(_("请选择配置文件。"))
        content = upload.stream.read(MAX_BYTES + 1)
        plan = preview_configuration(read_text(content), by=actor().id, now=clock.now())
    except Refused as error:
        return _page(error)
    stored = store(
        io.BytesIO(content), display_name=upload.filename, data_dir=current_app.config["QTRACE_DATA_DIR"],
        max_bytes=MAX_BYTES,
    )  # fmt: skip
    return _preview(plan, seal(stored, key=str(current_app.secret_key), user_id=actor().id), stored.name)


@bp.post("")
@needs("config.forms")
@limited("import")
def create() -> Response:
    """Import the file that was looked at."""
    _rules_too()
    key, data_dir = str(current_app.secret_key), current_app.config["QTRACE_DATA_DIR"]
    kept = unseal([request.form.get("note", "")], key=key, user_id=actor().id)
    try:
        if not kept:
            raise Refused(_("预览已过期。请重新选择文件。"))
        data = read_text(open_path(kept[0].id, data_dir=data_dir).read_bytes())
        with write():
            done = apply_configuration(data, by=actor().id, now=clock.now(), seen=request.form.get("digest", ""))
            answer_at(url_for("transfer.show"))
    except Conflict as conflict:
        plan = preview_configuration(data, by=actor().id, now=clock.now())
        return _preview(plan, request.form["note"], kept[0].name, conflict)
    except Refused as error:
        return _page(error)
    discard(kept[0].id, data_dir=data_dir)
    counts = {"new": len(done.of("new")), "changed": len(done.of("changed"))}
    return go(url_for("transfer.show"), trigger={"toast": _("已导入:新增 %(new)d 项,改动 %(changed)d 项", **counts)})


def _rules_too() -> None:
    """The file holds rules and taxonomies as well as forms."""
    if not actor().can("config.rules"):
        raise Forbidden


def _page(error: DomainError | None = None) -> Response:
    return render(
        "setup/transfer.html", status=error.status if error else 200, error=error.message if error else "",
        sections=sections().values(), most=MAX_BYTES // 1024 // 1024,
    )  # fmt: skip


def _preview(plan: Plan, note: str, name: str, error: DomainError | None = None) -> Response:
    return render(
        "setup/transfer_preview.html", status=error.status if error else 200, plan=plan, note=note, name=name,
        labels={one.name: one.label for one in sections().values()}, error=error.message if error else "",
    )  # fmt: skip
