"""Pages of quality standards, and the piece that shows one while an article is inspected."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from qtrace.accounts.access import actor, needs
from qtrace.catalog import standards_queries as queries
from qtrace.catalog.models import StandardVersion
from qtrace.catalog.queries import shops, skus_by_code
from qtrace.catalog.standards import Content, Scope, add_standard, add_version, limits_from, switch_standard
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import DomainError, Refused
from qtrace.core.files import StoredFile
from qtrace.core.ids import as_id
from qtrace.web.csrf import answer_at
from qtrace.web.filters import site_zone
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited
from qtrace.web.photos import notes_of, photos_sent, send_stored

bp = Blueprint("standards", __name__, url_prefix="/standards")
EMPTY_ROWS = 3


@bp.get("")
@needs("catalog.read")
def index() -> Response:
    """List the standards with the version in force."""
    words, retired = request.args.get("q", "").strip()[:100], request.args.get("retired") == "1"
    rows = queries.listed(_today(), words=words, retired=retired)
    return render("standards/index.html", rows=rows, q=words, retired=retired, most=queries.MOST_LISTED)


@bp.get("/new")
@needs("config.forms")
def new() -> Response:
    """Show the form of a new standard; `?sku=` names the article."""
    return _new_page()


@bp.post("")
@needs("config.forms")
def create() -> Response:
    """Add a standard with its first version."""
    photos, problem = photos_sent(actor().id)
    try:
        if problem:
            raise Refused(problem, field="photos")
        content = _content(photos)
        with write():
            standard_id = add_standard(request.form.get("name", ""), _scope(), content, by=actor().id, now=clock.now())
            url = url_for("standards.show", standard_id=standard_id)
            answer_at(url)
    except Refused as error:
        return _new_page(error, photos)
    return go(url, trigger={"toast": _("已添加")})


@bp.get("/<int:standard_id>")
@needs("catalog.read")
def show(standard_id: int) -> Response:
    """Show a standard with all its versions."""
    found = queries.shown(standard_id, _today())
    return render("standards/show.html", found=found, versions=queries.versions(standard_id), today=_today())


@bp.get("/<int:standard_id>/versions/new")
@needs("config.forms")
def version_new(standard_id: int) -> Response:
    """Show the form of a new version, filled with the newest one."""
    return _version_page(standard_id)


@bp.post("/<int:standard_id>/versions")
@needs("config.forms")
def version_create(standard_id: int) -> Response:
    """Publish a new version."""
    photos, problem = photos_sent(actor().id)
    url = url_for("standards.show", standard_id=standard_id)
    try:
        if problem:
            raise Refused(problem, field="photos")
        content = _content(photos)
        with write():
            seen = as_id(request.form.get("seen"))
            number = add_version(standard_id, content, by=actor().id, now=clock.now(), seen=seen)
            answer_at(url)
    except Refused as error:
        return _version_page(standard_id, error, photos)
    return go(url, trigger={"toast": _("已发布第 %(n)d 版", n=number)})


@bp.post("/<int:standard_id>/activity")
@needs("config.forms")
def activity_update(standard_id: int) -> Response:
    """Retire a standard or bring it back."""
    active = request.form.get("active") == "1"
    with write():
        switch_standard(standard_id, active=active, by=actor().id, now=clock.now())
    url = url_for("standards.show", standard_id=standard_id)
    return go(url, trigger={"toast": _("已启用") if active else _("已停用;已有记录保持不变")})


@bp.get("/<int:standard_id>/photos/<file_id>")
@needs("catalog.read")
@limited("file")
def photo_show(standard_id: int, file_id: str) -> Response:
    """Send a photo of a standard."""
    return send_stored(queries.photo(standard_id, file_id))


@bp.get("/piece")
@needs("catalog.read")
@limited("search")
def piece_show() -> Response:
    """Show what is demanded of the article a form names; `field` says which value of the address names it."""
    code = request.args.get(request.args.get("field", "sku"), "").strip()[:200]
    shop_id = as_id(request.args.get(request.args.get("shop_field", "shop"), ""))
    on = _day(request.args.get("on", "")) or _today()
    found = skus_by_code(code, limit=2) if code else ()
    version = queries.standard_for(found[0].id, shop_id, on) if len(found) == 1 else None
    standard = queries.shown(version.standard_id, on) if version else None
    return render(
        "standards/piece.html", "standards/_piece.html", code=code, sku=found[0] if len(found) == 1 else None,
        version=version, found=standard,
    )  # fmt: skip


def _today() -> date:
    return clock.now().astimezone(site_zone()).date()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _scope() -> Scope:
    code = request.form.get("sku", "").strip()
    found = skus_by_code(code, limit=2) if code else ()
    if code and len(found) != 1:
        if not found:
            raise Refused(_("没有找到「%(code)s」。请检查编号,或清空后提交。", code=code[:60]), field="sku")
        raise Refused(_("「%(code)s」对应多条记录。请填写更具体的编号。", code=code[:60]), field="sku")
    return Scope(
        sku_id=found[0].id if found else None, category_id=as_id(request.form.get("category", "")),
        shop_id=as_id(request.form.get("shop", "")),
    )  # fmt: skip


def _content(photos: Sequence[StoredFile]) -> Content:
    sent = request.form
    day = _day(sent.get("effective_on", ""))
    if day is None:
        raise Refused(_("请填写生效日。"), field="effective_on")
    parts = {part: sent.getlist(f"limit_{part}") for part in ("low", "high", "unit")}
    limits = limits_from(sent.getlist("limit_name"), parts)
    return Content(
        effective_on=day, text=sent.get("text", ""), limits=limits, kept=sent.getlist("photo"), photos=photos
    )


def _new_page(error: DomainError | None = None, photos: Sequence[StoredFile] = ()) -> Response:
    return render(
        "standards/new.html", status=422 if error else 200, shops=shops(), categories=queries.categories(),
        **_entries(None, error, photos),
    )  # fmt: skip


def _version_page(standard_id: int, error: DomainError | None = None, photos: Sequence[StoredFile] = ()) -> Response:
    last = queries.versions(standard_id)
    found = queries.shown(standard_id, _today())
    return render(
        "standards/version.html", status=422 if error else 200, found=found, last=last[0] if last else None,
        **_entries(last[0] if last else None, error, photos),
    )  # fmt: skip


def _entries(last: StandardVersion | None, error: DomainError | None, photos: Sequence[StoredFile]) -> dict[str, Any]:
    """Return what the inputs hold: what was sent, else the newest version."""
    sent = request.form
    rows: list[dict[str, str]] = list(last.limits) if last else []
    if error:
        parts = {part: sent.getlist(f"limit_{part}") for part in ("low", "high", "unit")}
        limits = limits_from(sent.getlist("limit_name"), parts)
        rows = [{"name": one.name, "low": one.low, "high": one.high, "unit": one.unit} for one in limits]
    blank = [{"name": "", "low": "", "high": "", "unit": ""}] * EMPTY_ROWS
    return {
        "values": {**request.args.to_dict(), **sent.to_dict()},
        "text": sent.get("text", last.text if last else ""),
        "effective_on": sent.get("effective_on", _today().isoformat()),
        "limits": [*rows, *blank],
        "held": last.photos if last else [],
        "kept": set(sent.getlist("photo")) if error else set(last.photos if last else ()),
        "notes": notes_of(photos, user_id=actor().id),
        "error": error.message if error else "",
        "wrong": (error.field or "") if error else "",
    }
