"""The public links of a form: make one, see what came through each, revoke one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import zxingcpp
from flask import Response, current_app, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from qtrace.accounts.access import actor, needs
from qtrace.accounts.queries import departments, names_of
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.errors import DomainError, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.forms.answers import bind
from qtrace.forms.definition import FormDefinition
from qtrace.forms.links import LinkOptions, create_link, links_of, may_be_preset, revoke_link, state_of
from qtrace.forms.models import Form, FormLink
from qtrace.forms.openness import may_be_opened
from qtrace.forms.queries import current_definition, form_of
from qtrace.forms.registry import Sent
from qtrace.forms.views import bp
from qtrace.sdk.text import Text
from qtrace.web.csrf import answer_at
from qtrace.web.filters import in_language, site_zone
from qtrace.web.htmx import go, render

USUAL = timedelta(days=30)
MODULE = 5  # pixels of a QR code's square


@bp.get("/forms/<key>/links")
@needs("config.forms")
def link_list(key: str) -> Response:
    """Show the links of a form and how often each was used."""
    return _page(_form(key))


@bp.post("/forms/<key>/links")
@needs("config.forms")
def link_create(key: str) -> Response:
    """Make a link; its address is shown in this answer and never again."""
    form = _form(key)
    definition = current_definition(key)[1]
    try:
        with write():
            _id, token = create_link(form, definition, _options(definition), by=actor().id, now=clock.now())
            answer_at(url_for("forms.link_list", key=key))
    except Refused as error:
        return _page(_form(key), error)
    return _page(_form(key), fresh=current_app.config["QTRACE_CONFIG"]["BASE_URL"].rstrip("/") + _path(token))


@bp.post("/forms/<key>/links/<int:link_id>/revocation")
@needs("config.forms")
def link_revocation_create(key: str, link_id: int) -> Response:
    """Revoke a link."""
    form = _form(key)
    if link_id not in {link.id for link in links_of(form.id)}:
        raise NotFound
    with write():
        revoke_link(link_id, by=actor().id, now=clock.now())
    return go(url_for("forms.link_list", key=key), trigger={"toast": _("链接已作废")})


def _form(key: str) -> Form:
    """Return a form that makes records; the others have no public door."""
    form = form_of(key)
    if form.built_in or not form.current_version:
        raise NotFound
    return form


def _path(token: str) -> str:
    return url_for("public_forms.show", token=token)


def _options(definition: FormDefinition) -> LinkOptions:
    sent = request.form
    names = {asked.id for asked in may_be_preset(definition).fields}
    preset = {name: texts for name, texts in sent.to_dict(flat=False).items() if name.split(".")[0] in names}
    most = sent.get("link_most", "").strip()
    return LinkOptions(
        name=sent.get("link_name", ""), company=sent.get("link_company", ""), expires_at=_end(sent.get("link_expires", "")),
        most=(as_id(most) or 0) if most else None, department_id=as_id(sent.get("link_department", "")), preset=preset,
        opened=sent.getlist("link_opened"),
    )  # fmt: skip


def _end(text: str) -> datetime | None:
    """Return the end of a day in the site's zone."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.combine(day, time(23, 59, 59), site_zone()).astimezone(UTC)


def _page(form: Form, error: DomainError | None = None, fresh: str = "") -> Response:
    now, links = clock.now(), links_of(form.id)
    drawn = bind(
        may_be_preset(current_definition(form.key)[1]), Sent(request.form.to_dict(flat=False) if error else {})
    )
    return render(
        "forms/links.html", status=422 if error else 200, form=form, links=links, fresh=fresh,
        link_states={link.id: state_of(link, form, now) for link in links}, qr=_qr(fresh) if fresh else "",
        names=names_of({link.created_by for link in links if link.created_by is not None}), departments=departments(),
        openable=_openable(current_definition(form.key)[1]), opened=request.form.getlist("link_opened"),
        preset_form=drawn, kept={}, values=request.form if error else _usual(links, now), error=error,
    )  # fmt: skip


def _openable(definition: FormDefinition) -> list[tuple[str, str]]:
    """Return (path, what people call it) of the fields a link may open, a column with its table before it."""
    found = []
    for one in may_be_opened(definition):
        parts = [definition.field(one.table), one.asked] if one.table else [one.asked]
        names = [in_language(Text(part.label_zh, part.label_en)) for part in parts if part is not None]
        found.append((one.path, " › ".join(names)))
    return found


def _usual(links: Sequence[FormLink], now: datetime) -> dict[str, str]:
    """Return what a new link begins with: the last one's company, and a month."""
    day = (now + USUAL).astimezone(site_zone()).date()
    return {"link_company": links[0].company if links else "", "link_expires": day.isoformat()}


def _qr(address: str) -> Markup:
    """Return the address as a picture to be scanned."""
    drawing = zxingcpp.create_barcode(address, zxingcpp.BarcodeFormat.QRCode).to_svg(scale=MODULE)
    return Markup(drawing[drawing.index("<svg") :])  # noqa: S704 -- squares drawn from an address of ours
