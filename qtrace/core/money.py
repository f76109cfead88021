"""Money as integer minor units with its currency; no float ever holds an amount."""

import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0}
SYMBOLS = {"CNY": "¥", "USD": "US$", "EUR": "€", "BRL": "R$", "JPY": "JP¥", "GBP": "£"}


@dataclass(frozen=True)
class Money:
    """An exact amount: `minor` counts the currency's smallest unit."""

    minor: int
    currency: str = "CNY"

    @property
    def amount(self) -> Decimal:
        """Return the amount in major units, exact."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        return f"{SYMBOLS.get(self.currency, self.currency)} {self.amount:,.{digits}f}"


def minor_digits(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has."""
    return MINOR_DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str = "CNY") -> int:
    """Return the amount in minor units, halves rounded to even."""
    scaled = amount.scaleb(minor_digits(currency))
    return int(scaled.to_integral_value(rounding=ROUND_HALF_EVEN))


def to_decimal(text: str) -> Decimal | None:
    """Return a typed number, full-width digits and thousands commas allowed; None where it is none."""
    try:
        value = Decimal(unicodedata.normalize("NFKC", text).strip().replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
