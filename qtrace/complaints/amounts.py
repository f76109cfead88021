"""The amount a complaint is about, as a colleague types it."""

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.core.money import minor_digits, to_decimal, to_minor

USUAL = "CNY"
TOO_MUCH = 10**10


def typed_amount(text: str, currency: str = USUAL) -> int:
    """Return a typed amount in minor units of the currency, 0 for nothing; refused where it is no amount."""
    if not text.strip():
        return 0
    value = to_decimal(text.strip().removeprefix("¥").removesuffix("元"))
    if value is None or not 0 < value < TOO_MUCH:
        raise Refused(_("请填写大于 0 的金额,例如 128.50。"), field="amount")
    minor = to_minor(value, currency)
    if minor != value.scaleb(minor_digits(currency)):
        raise Refused(_("金额最多两位小数。"), field="amount")
    return minor
