"""Controls that hold words."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
import unicodedata
from typing import ClassVar
from urllib.parse import urlsplit

import nh3
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.core.errors import Refused
from qtrace.forms.registry import (
    MASK,
    MAX_TEXT,
    Cell,
    Control,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
    refuse_long,
)

MAX_LINE = 200
MAX_LINES = 20_000
MAX_EMAIL = 254
MAX_LABEL = 63
DOTS = 4
RICH_TAGS = {"p", "br", "strong", "b", "em", "i", "u", "s", "h3", "h4", "ul", "ol", "li", "blockquote", "a"}
PLAIN_TAGS = re.compile(r"</?(?!p>|br>|br />)[a-z][^>]*>")
EMPTY = re.compile(r"<(p|h3|h4|li|ul|ol|b|strong|em|i|u|s)>\s*</\1>")  # what editors leave behind
ANY_TAG = re.compile(r"<[a-zA-Z/!][^>]*>")
EMAIL = re.compile(r"[^@\s,;<>()\"]+@([^@\s,;<>()\"]+)")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.ASCII)
MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
SERVICE = re.compile(r"[48]00\d{7}|1\d{4,5}|9\d{4}", re.ASCII)
LANDLINE = re.compile(r"0\d{9,11}", re.ASCII)
ABROAD = re.compile(r"\+\d{7,15}", re.ASCII)
EXTENSION = re.compile(r"(?:转|ext\.?|x|#)\s*(\d{1,6})$", re.IGNORECASE)

LENGTH = Option(
    "max_length", int, label_zh="最多字数", label_en="Most characters", default=MAX_LINE, least=1, most=MAX_TEXT
)
LONG_LENGTH = Option(
    "max_length", int, label_zh="最多字数", label_en="Most characters", default=MAX_LINES, least=1, most=MAX_LINES
)
PLACEHOLDER = Option(
    "placeholder", str, label_zh="示例", label_en="Example", help_zh="浅色显示在空的输入框里。",
    help_en="Shown pale in the empty box.", advanced=True,
)  # fmt: skip


class Line(Control):
    """A control that is one typed line; a subclass says which keyboard a phone shows."""

    storage = Storage.TEXT
    input_type: ClassVar[str] = "text"
    inputmode: ClassVar[str] = "text"
    autocomplete: ClassVar[str] = "off"
    enterkey: ClassVar[str] = "next"
    code: ClassVar[bool] = False  # a scanner may fill it, and no phone may correct its spelling

    @property
    def template(self) -> str:
        """Return the piece all lines share."""
        return "forms/controls/line.html"

    def longest(self, field: FieldDefinition) -> int:
        """Return how many characters the input takes."""
        return field.number("max_length", MAX_LINE)

    def before(self, field: FieldDefinition) -> str:
        """Return what stands before the input, like a currency's sign."""
        return ""

    def after(self, field: FieldDefinition) -> str:
        """Return what stands behind the input, like a unit."""
        return field.text("unit")


class Text(Line):
    """One line of text."""

    key, name_zh, name_en = "text", "单行文字", "Text"
    basic = True
    icon = "edit"
    options = (LENGTH, PLACEHOLDER)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a line, and one that is too long."""
        return Samples([Sent({field.id: ["瓶盖漏液"]})], [Sent({field.id: ["长" * (MAX_LINE + 1)]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the line without control characters."""
        return refuse_long(one_line(sent.first(field.id)), self.longest(field)) or None


class Textarea(Control):
    """Several lines of text."""

    key, name_zh, name_en = "textarea", "多行文字", "Long text"
    storage = Storage.TEXT
    basic = True
    wide = True
    options = (
        LONG_LENGTH,
        Option("rows", int, label_zh="显示行数", label_en="Lines shown", default=4, least=2, most=20, advanced=True),
        PLACEHOLDER,
    )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return two lines, and a text that is too long."""
        return Samples(
            [Sent({field.id: ["到货 24 箱\n其中 2 箱外箱破损"]})], [Sent({field.id: ["长" * (MAX_LINES + 1)]})]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the text with plain line ends."""
        text = sent.first(field.id).replace("\r\n", "\n").replace("\x00", "")
        return refuse_long(text, field.number("max_length", MAX_LINES)) or None

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the text with its lines."""
        if not isinstance(value, str):
            return escape("—")
        return Markup('<div class="pre wrap-any">%s</div>') % value


class RichText(Control):
    """Text with headings, lists, bold and links; kept as the few harmless tags there are."""

    key, name_zh, name_en = "richtext", "富文本", "Rich text"
    storage = Storage.TEXT
    wide = True
    icon = "book"
    options = (LONG_LENGTH,)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return formatted and plain text, and one that is too long."""
        rich = "<h3>判定</h3><ul><li>漏液 <strong>拒收</strong></li></ul>"
        valid = [Sent({field.id: [rich]}), Sent({field.id: ["一行\n另一行 <5 mm"]})]
        return Samples(valid, [Sent({field.id: ["长" * (MAX_LINES + 1)]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return clean markup; a text without any tag becomes paragraphs."""
        text = sent.first(field.id).replace("\r\n", "\n").replace("\x00", "")
        cleaned = clean_html(text) if ANY_TAG.search(text) else paragraphs(text)
        return refuse_long(cleaned, field.number("max_length", MAX_LINES)) if plain_text(cleaned) else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return plain paragraphs as the text they are, so that they can be edited without scripts; else the markup."""
        if not isinstance(value, str):
            return {}
        return {field.id: [value if PLAIN_TAGS.search(value) else plain_text(value)]}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the words alone."""
        return plain_text(value) if isinstance(value, str) else "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the formatted text, cleaned once more: what an import or an older version wrote is trusted no more."""
        if not isinstance(value, str):
            return escape("—")
        return Markup('<div class="prose rich wrap-any">{}</div>').format(Markup(clean_html(value)))  # noqa: S704 -- nh3 cleaned it

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the formatted text."""
        return self.to_html(field, value)

    def editable(self, typed: str) -> str:
        """Return what was typed as clean markup for the editor."""
        return clean_html(typed) if ANY_TAG.search(typed) else paragraphs(typed)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return what a browser would send."""
        return next(iter(self.send(field, value).get(field.id, ())), None)


class Email(Line):
    """An e-mail address."""

    key, name_zh, name_en = "email", "邮箱", "E-mail"
    icon = "mail"
    input_type, inputmode, autocomplete = "email", "email", "email"
    options = (PLACEHOLDER,)

    def longest(self, field: FieldDefinition) -> int:
        """Return what the standard allows."""
        return MAX_EMAIL

    def samples(self, field: FieldDefinition) -> Samples:
        """Return an address, and texts that are none."""
        wrong = ["chenmin.example.com", "a@b@c.cn", "a@-x.cn", "a b@c.cn"]
        return Samples([Sent({field.id: ["Chen.Min@Example.COM"]})], [Sent({field.id: [text]}) for text in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the address with its domain in small letters."""
        text = unicodedata.normalize("NFKC", one_line(sent.first(field.id)))
        if not text:
            return None
        found = EMAIL.fullmatch(text)
        domain = found[1].lower() if found else ""
        if len(text) > MAX_EMAIL or "." not in domain or not _is_host(domain):
            raise Refused(_("「%(text)s」不是邮箱地址。请写成 name@example.com。", text=text[:60]))
        return f"{text.rpartition('@')[0]}@{domain}"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return a link that writes to it."""
        shown = self.show(field, value)
        return escape(shown) if value is None else Markup('<a href="mailto:{0}">{0}</a>').format(shown)


class Phone(Line):
    """A telephone number: mobile, land line with extension, 400, or one abroad with its +."""

    key, name_zh, name_en = "phone", "电话", "Phone"
    icon = "phone"
    input_type, inputmode, autocomplete = "tel", "tel", "tel"

    def longest(self, field: FieldDefinition) -> int:
        """Return room for spaces and an extension."""
        return 40

    def samples(self, field: FieldDefinition) -> Samples:
        """Return numbers as people write them, and ones that lack digits."""
        right = ["138 0013 8000", "(0571)8888-1234 转 802", "400-820-0000", "+49 30 901820"]
        wrong = ["1380013800", "问小陈", "+12", "0571"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the digits, with + for abroad and - before an extension."""
        text = unicodedata.normalize("NFKC", one_line(sent.first(field.id)))
        if not text:
            return None
        extension = EXTENSION.search(text) or re.search(r"(?<=\d{7})-(\d{1,6})$", text)
        main = text[: extension.start()] if extension else text
        digits = re.sub(r"[\s().\-–—·/]", "", main).removeprefix("+86")
        digits = re.sub(r"^0086", "", digits)
        if not any(kind.fullmatch(digits) for kind in (MOBILE, SERVICE, LANDLINE, ABROAD)):
            raise Refused(_("「%(text)s」不是电话号码。手机 11 位;座机加区号;国外号码以 + 开头。", text=text[:40]))
        return digits + (f"-{extension[1]}" if extension else "")

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the number in groups that can be read out."""
        if not isinstance(value, str):
            return "—"
        main, dash, extension = value.partition("-")
        return (f"{main[:3]} {main[3:7]} {main[7:]}" if MOBILE.fullmatch(main) else main) + dash + extension

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return a link that calls it."""
        if not isinstance(value, str):
            return escape("—")
        return Markup('<a href="tel:{}">{}</a>').format(value.replace("-", ","), self.show(field, value))


class Url(Line):
    """A web address."""

    key, name_zh, name_en = "url", "网址", "Web address"
    icon = "link"
    input_type, inputmode, autocomplete = "text", "url", "off"  # type=url would refuse an address without https://

    def longest(self, field: FieldDefinition) -> int:
        """Return what browsers and mails carry."""
        return MAX_TEXT

    def samples(self, field: FieldDefinition) -> Samples:
        """Return addresses, and texts that would run something or lead nowhere."""
        right = ["https://item.example.com/1?id=2", "example.com/a"]
        wrong = ["javascript:alert(1)", "ftp://example.com", "https://", "没有网址", "https://user:pw@example.com/"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the address; only http and https lead anywhere, and one without a scheme gets https."""
        text = refuse_long(one_line(sent.first(field.id)), MAX_TEXT)
        if not text:
            return None
        address = text if "://" in text or (text.partition(":")[0].isalpha() and ":" in text) else f"https://{text}"
        if not is_web_address(address):
            raise Refused(_("「%(text)s」不是网址。请写成 https://example.com。", text=text[:60]))
        return address

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return a link that tells the other site nothing."""
        if not isinstance(value, str) or not is_web_address(value):
            return escape(self.show(field, value))
        return Markup(
            '<a class="wrap-any" href="{0}" rel="noopener noreferrer nofollow" target="_blank">{0}</a>'
        ).format(value)


class MaskedText(Line):
    """A line others read masked: an identity number, a buyer's account; to see it whole needs a reason."""

    key, name_zh, name_en = "masked_text", "隐藏文字", "Masked text"
    icon = "eye-off"
    sensitive = True
    options = (
        LENGTH,
        Option("keep_start", int, label_zh="开头显示几位", label_en="Shown at the start", default=3, least=0, most=20),
        Option("keep_end", int, label_zh="末尾显示几位", label_en="Shown at the end", default=4, least=0, most=20),
    )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return an account, and one that already is a mask."""
        return Samples([Sent({field.id: ["buyer_20261122"]})], [Sent({field.id: [f"buy{MASK * 4}1122"]})])

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the line; refuse a mask, so that a masked sheet never overwrites what is kept."""
        return refuse_mask(refuse_long(one_line(sent.first(field.id)), self.longest(field))) or None

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the mask."""
        return self.masked(field, value)

    def masked(self, field: FieldDefinition, value: Value) -> str:
        """Return the ends, and dots that tell nothing of the length between them."""
        if not isinstance(value, str):
            return "—"
        return mask(value, field.number("keep_start", 3), field.number("keep_end", 4))

    def revealed(self, field: FieldDefinition, value: Value) -> str:
        """Return the whole line."""
        return value if isinstance(value, str) else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the whole line; an export without the right to it asks for `masked` instead."""
        return value if isinstance(value, str) else None


def one_line(text: str) -> str:
    """Return the text without line ends and other control characters."""
    return "".join(char for char in text if unicodedata.category(char) != "Cc")


def mask(text: str, start: int, end: int) -> str:
    """Return the ends of a text; at most half of it is ever shown."""
    if start + end > len(text) // 2:
        start, end = min(start, len(text) // 4), min(end, len(text) // 4)
    return text[:start] + MASK * DOTS + (text[-end:] if end else "")


def refuse_mask(text: str) -> str:
    """Return the text; refuse one that was masked."""
    if MASK * DOTS in text:
        raise Refused(_("这里是隐藏后的文字,不能保存。请填写完整内容,或留空不改。"))
    return text


def is_web_address(address: str) -> bool:
    """Say whether this is an http(s) address with a host and without a password."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _port = parts.port
    except ValueError:
        return False
    named = parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc
    return named and ("." in host or ":" in host) and not re.search(r"[\s<>\"\\]", address) and _is_host(host)


def clean_html(text: str) -> str:
    """Return the markup with nothing left that could run, load or disguise."""
    cleaned = nh3.clean(
        text, tags=RICH_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow", strip_comments=True,
    )  # fmt: skip
    return EMPTY.sub("", cleaned).strip()


def paragraphs(text: str) -> str:
    """Return plain text as markup: blank lines part paragraphs, line ends stay."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]
    return clean_html(
        "".join(f"<p>{'<br>'.join(str(escape(line)) for line in part.split(chr(10)))}</p>" for part in parts)
    )


def plain_text(markup: str) -> str:
    """Return the words of clean markup, a line per block."""
    spaced = re.sub(r"<br ?/?>", "\n", re.sub(r"</p>\s*<p>", "\n\n", markup))
    spaced = re.sub(r"<li>", "\n- ", re.sub(r"</(h3|h4|blockquote|ul|ol)>", "\n", spaced))
    bare = nh3.clean(spaced, tags=set(), clean_content_tags=set())
    return re.sub(r"\n{3,}", "\n\n", Markup(bare).unescape()).strip()  # noqa: S704 -- it becomes text, not markup


def _is_host(host: str) -> bool:
    try:
        labels = host.encode("idna").decode().lower().split(".") if ":" not in host else []
    except UnicodeError:
        return False
    return all(len(label) <= MAX_LABEL and LABEL.fullmatch(label) for label in labels)
