"""The page of an export: which columns, which kind of file, and why, when sensitive values are wanted in full."""

import tempfile
from pathlib import Path
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request, send_file

from qtrace.accounts.access import actor, needs
from qtrace.core import clock
from qtrace.core.errors import Refused
from qtrace.exchange.exporting import UNMASK, Asking, ExportView, export_view, wanted, write_export
from qtrace.exchange.spool import scratch
from qtrace.web.htmx import render
from qtrace.web.limits import limited

bp = Blueprint("exports", __name__, url_prefix="/export")


@bp.get("/<view_name>")
@needs("export.run")
def new(view_name: str) -> Response:
    """Ask which columns of a list are wanted; the list's filters stand in the address."""
    return _page(export_view(view_name, actor()))


@bp.post("/<view_name>")
@needs("export.run")
@limited("export")
def create(view_name: str) -> Response:
    """Give the file."""
    user = actor()
    view = export_view(view_name, user)
    try:
        export = wanted(
            view, request.form.getlist("columns"), user, unmasked=bool(request.form.get("unmasked")),
            reason=request.form.get("reason", "")[:300],
        )  # fmt: skip
    except Refused as error:
        return _page(view, status=422, error=error.message)
    suffix = ".csv" if request.form.get("format") == "csv" else ".xlsx"
    now, label = clock.now(), view.label
    with tempfile.TemporaryDirectory(dir=scratch(current_app.config["QTRACE_DATA_DIR"])) as folder:
        path = Path(folder) / f"export{suffix}"
        write_export(export, Asking(user, now, request.args.to_dict()), path)
        # the open file outlives its name, so nothing is left behind whatever becomes of the answer
        file = path.open("rb")
    answer = send_file(
        file, as_attachment=True, download_name=f"{label}-{now:%Y%m%d}{suffix}", mimetype="application/octet-stream"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(view: ExportView, *, status: int = 200, error: str = "") -> Response:
    columns = view.columns()
    chosen = request.form.getlist("columns") or [one.name for one in columns]
    return render(
        "exchange/export.html", status=status, view=view, columns=columns, chosen=chosen, error=error,
        query=urlencode(list(request.args.items(multi=True))), masked=[one.label for one in columns if one.masked],
        may_unmask=actor().can(UNMASK),
    )  # fmt: skip
