"""Kinds that look at words: length, pattern, format, check digit."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import re2

from qtrace.gs1.digits import SSCC_LENGTH, is_checked
from qtrace.rules.checksums import is_credit_code, is_identity_number
from qtrace.rules.kinds.saying import LISTS, TEXTS, fault, plain
from qtrace.sdk.rules import Fault, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

MAX_PATTERN = 500
MAX_PROGRAM = 1 << 20  # bytes of a compiled pattern; re2 answers in linear time within them
EMAIL = re.compile(r"[^\s@,;]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
MOBILE = re.compile(r"(\+?86[- ]?)?1[3-9]\d{9}")
PHONE = re.compile(r"(\+?86[- ]?)?(1[3-9]\d{9}|(0\d{2,3}[- ]?)?\d{7,8}([-转]\d{1,6})?|[48]00[- ]?\d{3}[- ]?\d{4})")
URL = re.compile(r"https?://[^\s/?#]+\.[^\s/?#]+[^\s]*", re.IGNORECASE)
ORDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,39}")
WAYBILL = re.compile(r"[A-Za-z]{0,4}\d{8,22}[A-Za-z]{0,4}")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,59}")
POSTCODE = re.compile(r"\d{6}")
PLATE = re.compile(r"[\u4e00-\u9fa5][A-Z][A-Z0-9]{5,6}")


def _whole(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


# What each format is called, an example, and how it is told.
FORMATS: Mapping[str, tuple[Text, str, Callable[[str], bool]]] = {
    "email": (Text("邮箱", "E-mail"), "quality@example.com", _whole(EMAIL)),
    "mobile": (Text("手机号", "Mobile number"), "13800138000", _whole(MOBILE)),
    "phone": (Text("电话(手机或座机)", "Phone number"), "010-88886666", _whole(PHONE)),
    "url": (Text("网址", "Web address"), "https://example.com/item", _whole(URL)),
    "order": (Text("订单号", "Order number"), "6919000045123", _whole(ORDER)),
    "waybill": (Text("运单号", "Waybill"), "SF1234567890123", _whole(WAYBILL)),
    "code": (Text("编码(字母、数字、-_./)", "Code (letters, digits, -_./)"), "ROSE-30", _whole(CODE)),
    "postcode": (Text("邮编", "Postcode"), "310000", _whole(POSTCODE)),
    "identity": (Text("身份证号", "Identity number"), "11010519491231002X", is_identity_number),
    "plate": (Text("车牌号", "Licence plate"), "浙A12345", _whole(PLATE)),
    "digits": (Text("只有数字", "Digits only"), "20261122", lambda text: text.isascii() and text.isdigit()),
    "chinese": (Text("只有汉字", "Chinese characters only"), "玫瑰精华液", lambda text: all("\u4e00" <= c <= "\u9fff" for c in text)),
}  # fmt: skip
CHECKSUMS: Mapping[str, tuple[Text, str, Callable[[str], bool]]] = {
    "ean13": (Text("EAN-13 商品条码", "EAN-13"), "6901234567892", lambda text: is_checked(text, (13,))),
    "gtin": (Text("GTIN(8、12、13、14 位)", "GTIN (8, 12, 13 or 14 digits)"), "06901234567892", is_checked),
    "sscc": (Text("SSCC 箱码(18 位)", "SSCC (18 digits)"), "106141412345678908", lambda text: is_checked(text, (SSCC_LENGTH,))),
    "credit": (Text("统一社会信用代码", "Unified social credit code"), "91330106MA2H00001E", is_credit_code),
    "identity": (Text("身份证号", "Identity number"), "11010519491231002X", is_identity_number),
}  # fmt: skip


@lru_cache(maxsize=500)
def compiled(pattern: str) -> re2._Regexp:
    """Return the pattern ready to use; raises re2.error for one that can't be read or is too large."""
    options = re2.Options()
    options.max_mem = MAX_PROGRAM
    options.log_errors = False
    return re2.compile(pattern, options)


def length(case: RuleCase) -> Sequence[Fault]:
    """Find a text with too few or too many characters, or a list with too few or too many entries."""
    size = len(case.value) if isinstance(case.value, str | tuple) else 0
    least, most = case.number("min"), case.number("max")
    is_text = isinstance(case.value, str)
    if least is not None and size < least:
        zh = (
            "「%(zh)s」至少 %(n)s 个字,现在 %(size)d 个。请补充。"
            if is_text
            else "「%(zh)s」至少选 %(n)s 项,现在 %(size)d 项。"
        )
        en = "“%(en)s” needs at least %(n)s %(of)s, now %(size)d. Please add some."
        return fault(
            zh, en, zh=case.label.zh, en=case.label.en, n=least, size=size, of="characters" if is_text else "entries"
        )
    if most is not None and size > most:
        zh = (
            "「%(zh)s」最多 %(n)s 个字,现在 %(size)d 个。请缩短。"
            if is_text
            else "「%(zh)s」最多选 %(n)s 项,现在 %(size)d 项。"
        )
        en = "“%(en)s” takes at most %(n)s %(of)s, now %(size)d. Please shorten it."
        return fault(
            zh, en, zh=case.label.zh, en=case.label.en, n=most, size=size, of="characters" if is_text else "entries"
        )
    return ()


def regex(case: RuleCase) -> Sequence[Fault]:
    """Find a text that does not look as the pattern says; the whole text is compared."""
    matched = compiled(case.text("pattern")).fullmatch(str(case.value)) is not None
    if matched is not case.is_set("forbidden"):
        return ()
    hint = case.text("example")
    return fault(
        "「%(zh)s」的写法不对:%(value)s。请照要求的格式填写%(zh_hint)s。",
        "“%(en)s” is not written as it should be: %(value)s. Please follow the format%(en_hint)s.",
        zh=case.label.zh, en=case.label.en, value=plain(case.value), zh_hint=f",例如 {hint}" if hint else "",
        en_hint=f", for example {hint}" if hint else "",
    )  # fmt: skip


def known_format(case: RuleCase) -> Sequence[Fault]:
    """Find a text that is no e-mail address, phone number and so on."""
    name, example, fits = FORMATS[case.text("format")]
    if fits(str(case.value)):
        return ()
    return fault(
        "「%(value)s」不是正确的%(zh)s。请核对,例如 %(example)s。",
        "“%(value)s” is no valid %(en)s. Please check it; an example: %(example)s.",
        value=plain(case.value), zh=name.zh, en=name.en.lower(), example=example,
    )  # fmt: skip


def checksum(case: RuleCase) -> Sequence[Fault]:
    """Find a number whose check digit does not fit: it was mistyped or misread."""
    name, example, fits = CHECKSUMS[case.text("code")]
    if fits(str(case.value)):
        return ()
    return fault(
        "「%(value)s」不是正确的%(zh)s:位数或校验位对不上。请重新扫码或核对,例如 %(example)s。",
        "“%(value)s” is no valid %(en)s: its length or check digit is wrong. Please scan it again; an example: %(example)s.",
        value=plain(case.value), zh=name.zh, en=name.en, example=example,
    )  # fmt: skip


KINDS = (
    RuleKind(
        key="length", name=Text("长度", "Length"), family="text", fits=TEXTS | LISTS, judge=length, needs=("min", "max"),
        hint=Text("最少、最多几个字,或最少、最多选几项。", "How many characters or entries at least and at most."),
        options=(
            RuleOption(name="min", kind="whole", label=Text("最少", "At least"), least=0, most=100_000),
            RuleOption(name="max", kind="whole", label=Text("最多", "At most"), least=0, most=100_000),
        ), words="字数 个数 characters",
    ),
    RuleKind(
        key="regex", name=Text("符合写法(正则)", "Pattern"), family="text", fits=TEXTS, judge=regex,
        hint=Text("用正则表达式规定写法,整段文字都要符合。", "The whole text must match a regular expression."),
        options=(
            RuleOption(
                name="pattern", kind="pattern", label=Text("正则表达式", "Regular expression"), required=True,
                hint=Text("例如 B\\d{4}-\\d{2};不支持回看和反向引用。", "For example B\\d{4}-\\d{2}; no look-around or back references."),
            ),
            RuleOption(name="example", label=Text("正确的例子", "A good example"), hint=Text("写进提示里", "Shown in the message")),
            RuleOption(name="forbidden", kind="yes", label=Text("符合的反而不行", "Refuse what matches instead")),
        ), words="正则 规则表达式 regex format 批号",
    ),
    RuleKind(
        key="format", name=Text("常用格式", "Common format"), family="text", fits=TEXTS, judge=known_format,
        hint=Text("邮箱、手机号、网址、订单号、运单号、身份证号……", "E-mail, phone, web address, order number, waybill, identity number …"),
        options=(
            RuleOption(
                name="format", kind="choice", label=Text("格式", "Format"), required=True,
                choices=tuple((key, row[0]) for key, row in FORMATS.items()),
            ),
        ), words="邮箱 手机 电话 网址 身份证 订单号 email phone url",
    ),
    RuleKind(
        key="checksum", name=Text("校验位", "Check digit"), family="text", fits=TEXTS, judge=checksum,
        hint=Text("EAN-13、GTIN、SSCC、统一社会信用代码、身份证:输错一位也能发现。", "EAN-13, GTIN, SSCC, credit code, identity number: one wrong digit is noticed."),
        options=(
            RuleOption(
                name="code", kind="choice", label=Text("哪种编码", "Which code"), required=True,
                choices=tuple((key, row[0]) for key, row in CHECKSUMS.items()),
            ),
        ), words="条码 信用代码 ean gs1 gtin sscc barcode",
    ),
)  # fmt: skip
