"""The page on which the company edits its taxonomies."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.classification.models import KINDS, Term
from qtrace.classification.queries import terms_of
from qtrace.classification.service import add_term, merge_term, move_term, rename_term, switch_term
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import NotFound, Refused
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("taxonomies", __name__, url_prefix="/config/taxonomies")
KIND_NAMES = {
    "type": _l("问题类型"), "severity": _l("严重程度"), "responsible_party": _l("责任方"), "detection_point": _l("发现环节"),
    "disposition": _l("处置方式"), "handling": _l("处理方式"),
}  # fmt: skip


@bp.get("")
@needs("config.rules")
def index() -> Response:
    """Show one taxonomy, the types at first."""
    return _page(request.args.get("kind", "type"), term_id=request.args.get("term", type=int))


@bp.post("/<kind>")
@needs("config.rules")
def term_create(kind: str) -> Response:
    """Add a term."""
    try:
        with write():
            add_term(
                kind, request.form.get("name_zh", ""), request.form.get("name_en", ""),
                parent_id=request.form.get("parent_id", type=int), by=actor().id, now=clock.now(),
            )  # fmt: skip
            answer_at(url_for("taxonomies.index", kind=kind))
    except Refused as error:
        return _page(kind, error)
    return _back(kind, _("已添加"))


@bp.post("/terms/<int:term_id>")
@needs("config.rules")
def term_update(term_id: int) -> Response:
    """Rename a term."""
    kind = _kind_of(term_id)
    try:
        with write():
            rename_term(
                term_id,
                request.form.get("name_zh", ""),
                request.form.get("name_en", ""),
                by=actor().id,
                now=clock.now(),
            )
    except Refused as error:
        return _page(kind, error, term_id)
    return _back(kind, _("已保存"), term_id)


@bp.post("/terms/<int:term_id>/position")
@needs("config.rules")
def position_update(term_id: int) -> Response:
    """Move a term up or down."""
    kind = _kind_of(term_id)
    with write():
        move_term(term_id, up=request.form.get("up") == "1", by=actor().id, now=clock.now())
    return _back(kind, _("已保存"), term_id)


@bp.post("/terms/<int:term_id>/activity")
@needs("config.rules")
def activity_update(term_id: int) -> Response:
    """Switch a term on or off."""
    kind, active = _kind_of(term_id), request.form.get("active") == "1"
    with write():
        switch_term(term_id, active=active, by=actor().id, now=clock.now())
    return _back(kind, _("已启用") if active else _("已停用;已有记录保持不变"), term_id)


@bp.post("/terms/<int:term_id>/merger")
@needs("config.rules")
def merger_create(term_id: int) -> Response:
    """Merge a term into another."""
    kind = _kind_of(term_id)
    try:
        with write():
            moved = merge_term(term_id, request.form.get("into", type=int, default=0), by=actor().id, now=clock.now())
    except Refused as error:
        return _page(kind, error, term_id)
    return _back(kind, ngettext("已合并,%(num)s 条记录改到新的分类", "已合并,%(num)s 条记录改到新的分类", moved))


def _kind_of(term_id: int) -> str:
    term = existing(Term, term_id)
    return term.kind


def _back(kind: str, text: str, term_id: int | None = None) -> Response:
    return go(url_for("taxonomies.index", kind=kind, term=term_id), trigger={"toast": text})


def _page(kind: str, error: Refused | None = None, term_id: int | None = None) -> Response:
    if kind not in KINDS:
        raise NotFound
    terms = terms_of(kind, active_only=False)
    return render(
        "classification/taxonomies.html",
        status=422 if error else 200,
        kind=kind,
        kinds=[(label, url_for("taxonomies.index", kind=key), None, key == kind) for key, label in KIND_NAMES.items()],
        terms=terms,
        term=next((term for term in terms if term.id == term_id), None),
        error=error.message if error else "",
    )
