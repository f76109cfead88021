"""Labels of lots and boxes: what stands on one, how large it is, and the page or PDF of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from flask import current_app, render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _
from markupsafe import Markup

from qtrace.forms.controls.identity import qr_svg
from qtrace.gs1.dates import digits_of
from qtrace.gs1.digits import SSCC_LENGTH, is_checked
from qtrace.gs1.elements import link
from qtrace.orders.models import Lot
from qtrace.printing.pdf import html_to_pdf
from qtrace.trace.models import Carton

MOST = 200


@dataclass(frozen=True)
class Size:
    """A label's measures in millimetres and how many stand on one A4 sheet."""

    key: str
    label: LazyString
    width: int
    height: int
    on_sheet: int


SIZES = {
    one.key: one for one in (Size("60x40", _("60 × 40 mm"), 60, 40, 21), Size("100x50", _("100 × 50 mm"), 100, 50, 10))
}
SHEETS = {"roll": _("标签纸,一张一枚"), "a4": _("A4 纸,一页多枚")}


@dataclass(frozen=True)
class Label:
    """What one label says; `code` is what its QR code holds."""

    name: str
    sku: str
    lot: str
    made_on: date | None
    expires_on: date | None
    quantity: int
    carton: str
    code: str

    @property
    def drawing(self) -> Markup:
        """Return the QR code as SVG."""
        return qr_svg(self.code, title=self.code)


def lot_label(lot: Lot, *, site: str, quantity: int = 0) -> Label:
    """Return the label of a lot: a GS1 Digital Link of this site where the article has a GTIN, else the lot's page."""
    return _label(lot, lot_code(lot, site=site), quantity=quantity)


def carton_label(carton: Carton, lot: Lot, *, site: str) -> Label:
    """Return the label of a box of the lot."""
    number = carton.number
    sscc = is_checked(number, (SSCC_LENGTH,))
    code = link({"00": number}, site=site) if sscc else f"{site}/cartons/{quote(number, safe='')}"
    return _label(lot, code, quantity=carton.quantity, carton=number)


def lot_code(lot: Lot, *, site: str) -> str:
    """Return what the QR code of a lot holds."""
    barcode = lot.sku.barcode if lot.sku else ""
    if not is_checked(barcode) or len(lot.external_id) > 20 or not lot.external_id.isascii():
        return f"{site}/trace/lot/{quote(lot.external_id, safe='/')}"
    told = {"01": barcode.zfill(14), "10": lot.external_id}
    return link(told | ({"17": digits_of(lot.expires_on)} if lot.expires_on else {}), site=site)


def page_of_labels(labels: Sequence[Label], size: Size, *, sheet: str, **shown: object) -> str:
    """Return the labels as a page: one label a page, or as many as an A4 sheet takes."""
    each = size.on_sheet if sheet == "a4" else 1
    pages = [labels[at : at + each] for at in range(0, len(labels), each)]
    return render_template("printing/labels.html", pages=pages, size=size, sheet=sheet, **shown)


def labels_pdf(labels: Sequence[Label], size: Size, *, sheet: str) -> bytes:
    """Return the labels as PDF; a label sheet has the label's measures."""
    css = (Path(current_app.static_folder or "") / "css" / "labels.css").read_text(encoding="utf-8")
    paper = "A4" if sheet == "a4" else f"{size.width}mm {size.height}mm"
    html = page_of_labels(labels, size, sheet=sheet, toolbar=False, stylesheet="", title=labels[0].lot)
    return html_to_pdf(html, assets={}, css=f"{css}\n@page {{ size: {paper}; margin: 0; }}")


def _label(lot: Lot, code: str, *, quantity: int, carton: str = "") -> Label:
    name, sku = (lot.sku.label, lot.sku.external_id) if lot.sku else ("", "")
    return Label(name, sku, lot.external_id, lot.made_on, lot.expires_on, quantity, carton, code)
