"""Controls that hold numbers and codes by which things are known."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
import unicodedata
from collections.abc import Mapping
from typing import ClassVar

import zxingcpp
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.core.errors import Refused
from qtrace.core.numbering import next_number
from qtrace.forms.controls.text import PLACEHOLDER, Line
from qtrace.forms.registry import (
    MAX_TEXT,
    Control,
    FieldDefinition,
    Names,
    Opening,
    Option,
    OptionChoice,
    Samples,
    Saving,
    Sent,
    Storage,
    Value,
    cell_text,
    refuse_long,
)

MAX_CODE = 120
MAX_QR = 600
PREFIX = re.compile(r"[A-Z][A-Z0-9]{0,7}", re.ASCII)
NUMBER = re.compile(r"[A-Z][A-Z0-9]{0,7}-\d{4}-\d{3,8}", re.ASCII)
CODE = re.compile(r"[\w.\-/#+:()* ]+")

SIDE = re.compile(r'<svg width="(\d+)"')
PATHS = re.compile(r'<path d="([^"]+)"')

ONCE = Option("unique", bool, label_zh="不能重复", label_en="Only once", default=True)


class CodeLine(Line):
    """A code that is scanned, pasted or typed."""

    family = "identity"
    code = True
    inputmode: ClassVar[str] = "text"

    def longest(self, field: FieldDefinition) -> int:
        """Return how long a code may be."""
        return MAX_CODE

    def after(self, field: FieldDefinition) -> str:
        """Return nothing: codes have no unit."""
        return ""

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a code as a scanner under a Chinese input method sends it, and texts that are none."""
        right = ["SN2411-00871", "\uff33\uff2e2411"]
        return Samples(
            [Sent({field.id: [t]}) for t in right], [Sent({field.id: [t]}) for t in ("没有、丢了", "A" * 121)]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the code in half-width characters; refuse what no label carries."""
        text = refuse_long(half_width(sent.first(field.id)), MAX_CODE)
        if text and not CODE.fullmatch(text):
            raise Refused(_("「%(text)s」不像编号。请检查后重新填写。", text=text[:40]))
        return text or None


class Scan(Line):
    """A code that is scanned, pasted or typed; with `fills` the page looks it up and fills the rest."""

    key, name_zh, name_en = "scan", "扫码", "Scan"
    family = "identity"
    basic = True
    options = (
        Option("fills", bool, label_zh="自动带出订单信息", label_en="Fill in from the order", default=False,
               help_zh="只在登记质量问题的表单里有效。", help_en="Works on the form of issues only.", advanced=True),
        PLACEHOLDER,
    )  # fmt: skip

    @property
    def template(self) -> str:
        """Return the box with its camera."""
        return "forms/controls/scan.html"

    def samples(self, field: FieldDefinition) -> Samples:
        """Return codes as scanners send them, and one no code can hold."""
        right = ["6901234567892", "\uff16\uff19\uff10", "https://id.example.com/01/06901234567892"]
        return Samples([Sent({field.id: [t]}) for t in right], [Sent({field.id: ["1" * (MAX_TEXT + 1)]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the code in half-width characters: wedge scanners under a Chinese input method send full-width ones."""
        return refuse_long(half_width(sent.first(field.id)), MAX_TEXT) or None


class SerialNo(CodeLine):
    """The number of one single piece; it stands once in all records of the form."""

    key, name_zh, name_en = "serial_no", "序列号", "Serial number"
    icon = "barcode"
    options = (ONCE, PLACEHOLDER)

    def unique_with(self, field: FieldDefinition) -> tuple[str, ...] | None:
        """Return the whole form, unless the field allows repeats."""
        return () if field.flag("unique", default=True) else None


class ExternalRef(CodeLine):
    """A number another system gave: a platform's ticket, an ERP voucher; it stands once per channel."""

    key, name_zh, name_en = "external_ref", "外部编号", "External number"
    icon = "external-link"
    options = (
        ONCE,
        Option("channel", str, label_zh="在哪个字段内唯一", label_en="Unique within the field", names=Names.FIELD,
               help_zh="填店铺字段的编号:同一家店里不能重复。", help_en="The id of the shop's field: once per shop."),
        PLACEHOLDER,
    )  # fmt: skip

    def unique_with(self, field: FieldDefinition) -> tuple[str, ...] | None:
        """Return the channel's field, if there is one."""
        if not field.flag("unique", default=True):
            return None
        return (field.text("channel"),) if field.text("channel") else ()


class AutoNumber(Control):
    """A number like IQC-2611-0001, given without gaps while the record is saved."""

    key, name_zh, name_en = "autonumber", "自动编号", "Automatic number"
    family = "identity"
    storage = Storage.TEXT
    icon = "hash"
    assigned = True
    options = (
        Option("prefix", str, required=True, label_zh="前缀", label_en="Prefix", help_zh="1 到 8 个大写字母或数字,以字母开头。",
               help_en="1 to 8 capitals or digits, a letter first. Fields with one prefix share one row of numbers."),
        Option("width", int, label_zh="几位数", label_en="Digits", default=4, least=3, most=8, advanced=True),
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return a prefix to be changed."""
        return {"prefix": "N"}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a number an older system's sheet may bring, and texts that are none."""
        wrong = ["0001", "n-2611-0001", "N-2611-"]
        return Samples([Sent({field.id: ["N-2611-0001"]})], [Sent({field.id: [text]}) for text in wrong])

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the prefix can begin a number."""
        problems = super().check_options(options)
        if problems or PREFIX.fullmatch(str(options.get("prefix"))):
            return problems
        return [_("前缀是 1 到 8 个大写字母或数字,以字母开头。")]

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Return nothing: the number is not known before saving."""
        return {}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return a number that was given before; only imports bring one, a page's is never read."""
        text = half_width(sent.first(field.id))
        if text and not NUMBER.fullmatch(text):
            raise Refused(_("「%(text)s」不是编号。编号由系统生成,请留空。", text=text[:40]))
        return text or None

    def at_save(self, field: FieldDefinition, value: Value, saving: Saving) -> Value:
        """Return the number there is, or the next one."""
        if value is not None:
            return value
        return next_number(field.text("prefix", "N"), saving.now, zone=saving.zone, width=field.number("width", 4))

    def unique_with(self, field: FieldDefinition) -> tuple[str, ...] | None:
        """Return the whole form."""
        return ()


class QrLabel(Control):
    """A QR code with the record's address or another field's value, to be printed and stuck on."""

    key, name_zh, name_en = "qr_label", "二维码标签", "QR label"
    family = "identity"
    storage = Storage.TEXT
    icon = "qr-code"
    assigned = True
    wide = True
    options = (
        Option("content", str, label_zh="内容", label_en="Content", default="address",
               choices=(OptionChoice("address", "记录的网址", "The record's address"),
                        OptionChoice("field", "另一个字段的值", "Another field's value"))),
        Option("field", str, label_zh="哪个字段", label_en="Which field", names=Names.FIELD, help_zh="内容选“另一个字段的值”时填。",
               help_en="For the content \"another field's value\"."),
    )  # fmt: skip

    def samples(self, field: FieldDefinition) -> Samples:
        """Return an address, and a text no label has room for."""
        return Samples(
            [Sent({field.id: ["https://q.example.com/records/R-2611-0001"]})], [Sent({field.id: ["1" * (MAX_QR + 1)]})]
        )

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Return nothing: the code is made of the saved record."""
        return {}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the text of a code; only imports bring one."""
        return refuse_long(sent.first(field.id), MAX_QR) or None

    def at_save(self, field: FieldDefinition, value: Value, saving: Saving) -> Value:
        """Return the record's address, or what the chosen field holds now."""
        if field.text("content", "address") == "address":
            return saving.address or value
        held = saving.values.get(field.text("field"))
        return cell_text(held)[:MAX_QR] if isinstance(held, str | int) and not isinstance(held, bool) else value

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the code as a drawing with its text below."""
        if not isinstance(value, str):
            return escape("—")
        return Markup('<figure class="qr">{}<figcaption class="small soft wrap-any">{}</figcaption></figure>').format(
            qr_svg(value, title=_("二维码")), value
        )

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the code as a drawing."""
        return self.to_html(field, value)


def half_width(text: str) -> str:
    """Return a scanned text in half-width characters, without the marks that can't be seen."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(char for char in plain if unicodedata.category(char) not in ("Cc", "Cf")).strip()


def qr_svg(text: str, *, title: str = "") -> Markup:
    """Return a QR code of a text as an SVG that prints sharply at any size."""
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode)
    drawing = str(zxingcpp.write_barcode_to_svg(barcode))
    side = SIDE.findall(drawing)[0]
    dots = Markup("").join(Markup('<path d="{}"/>').format(path) for path in PATHS.findall(drawing))
    return Markup(
        '<svg class="qr-code" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">'
        '<rect width="{0}" height="{0}" fill="#fff"/><g fill="#000">{2}</g></svg>'
    ).format(side, title, dots)
