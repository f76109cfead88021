"""The drop page: files that wait, presets by which they are read, and a door for who has no access to the folder."""

from typing import BinaryIO, cast

from flask import Response, current_app, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import needs
from qtrace.catalog.queries import shops
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import DomainError
from qtrace.exchange.dropping import presets_for_drop, put, waiting_files
from qtrace.exchange.models import ImportMapping
from qtrace.exchange.queries import saved_mappings
from qtrace.exchange.service import set_preset
from qtrace.exchange.targets import kind_labels
from qtrace.exchange.views import bp
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited


@bp.get("/drop")
@needs("import.run")
def drop() -> Response:
    """Show what waits in the folder and the presets."""
    return _page()


@bp.post("/drop")
@needs("import.run")
@limited("import")
def drop_create() -> Response:
    """Put a file into the folder; the preset its name fits takes it from there."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _page(status=422, error=_("请选择一个文件。"))
    data_dir = current_app.config["QTRACE_DATA_DIR"]
    try:
        name = put(cast(BinaryIO, upload.stream), upload.filename, data_dir, presets_for_drop(), now=clock.now())
    except DomainError as error:
        return _page(status=422, error=error.message)
    return go(url_for("imports.drop"), trigger={"toast": _("已放入:%(name)s。一分钟内开始导入。", name=name)})


@bp.post("/drop/presets/<int:mapping_id>")
@needs("import.run")
def preset_update(mapping_id: int) -> Response:
    """Say for which file names a saved mapping is meant, and whether it reads dropped files."""
    existing(ImportMapping, mapping_id)
    try:
        with write():
            set_preset(
                mapping_id, pattern=request.form.get("pattern", ""), shop_key=request.form.get("shop", ""),
                dropped=bool(request.form.get("dropped")),
            )  # fmt: skip
    except DomainError as error:
        return _page(status=422, error=error.message)
    return go(url_for("imports.drop"), trigger={"toast": _("已保存")})


def _page(*, status: int = 200, error: str = "") -> Response:
    waiting = waiting_files(current_app.config["QTRACE_DATA_DIR"], presets_for_drop(), now=clock.now())
    return render(
        "exchange/drop.html", status=status, error=error, waiting=waiting, mappings=saved_mappings(), shops=shops(),
        labels=kind_labels(),
    )  # fmt: skip
