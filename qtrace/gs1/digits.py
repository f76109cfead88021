"""Check digits of GS1: articles (EAN-8, UPC-A, EAN-13, ITF-14), boxes (SSCC) and places (GLN)."""

from flask_babel import gettext as _

ARTICLE_LENGTHS = (8, 12, 13, 14)
SSCC_LENGTH = 18
OWN_USE = ("2", "02", "04")
# Application identifiers whose value ends with a check digit, and how long the value is.
CHECKED = {
    "00": 18, "01": 14, "02": 14, "03": 14, "402": 17, "410": 13, "411": 13, "412": 13, "413": 13, "414": 13,
    "415": 13, "416": 13, "417": 13, "8006": 18,
}  # fmt: skip


def check_digit(body: str) -> str:
    """Return the digit that ends a number which begins with these digits: weights 3 and 1 from the right, modulo 10."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return str((10 - total % 10) % 10)


def is_checked(number: str, lengths: tuple[int, ...] = ARTICLE_LENGTHS) -> bool:
    """Say whether this is a number of one of these lengths with the right check digit."""
    return len(number) in lengths and is_digits(number) and check_digit(number[:-1]) == number[-1]


def fault_of(number: str, lengths: tuple[int, ...] = ARTICLE_LENGTHS) -> str:
    """Return what is wrong with a number and what would be right; empty when nothing is."""
    if not is_digits(number):
        return _("「%(text)s」应当只有数字。", text=number[:40])
    if len(number) not in lengths:
        wanted = "、".join(map(str, lengths))
        return _("「%(text)s」是 %(n)d 位,应当是 %(wanted)s 位。", text=number[:40], n=len(number), wanted=wanted)
    right = check_digit(number[:-1])
    if right == number[-1]:
        return ""
    return _(
        "「%(text)s」的校验位不对:最后一位应当是 %(right)s。请核对每一位数字,或重新扫描。", text=number, right=right
    )


def fault_in(found: dict[str, str]) -> str:
    """Return what is wrong with the first number of a label that fails its check digit; empty when none does."""
    for key, value in found.items():
        if key in CHECKED and (fault := fault_of(value, (CHECKED[key],))):
            return f"({key}) {fault}"
    return ""


def is_own_use(gtin: str) -> bool:
    """Say whether a GTIN-14 is of the numbers a shop gives for itself; other companies use the same ones."""
    return gtin[1:].startswith(OWN_USE)


def is_digits(text: str) -> bool:
    """Say whether the text is digits 0–9 and nothing else; other scripts have digits of their own."""
    return text.isascii() and text.isdigit()
