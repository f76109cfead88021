"""Check digits of the numbers people type: 统一社会信用代码, 居民身份证."""

from datetime import date

CREDIT_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY_LETTERS = "10X98765432"


def is_credit_code(code: str) -> bool:
    """Say whether this is a 统一社会信用代码 of 18 characters with the right check letter (GB 32100)."""
    text = code.upper()
    if len(text) != 18 or any(letter not in CREDIT_LETTERS for letter in text):
        return False
    total = sum(CREDIT_LETTERS.index(letter) * weight for letter, weight in zip(text[:17], CREDIT_WEIGHTS, strict=True))
    return CREDIT_LETTERS[(31 - total % 31) % 31] == text[17]


def is_identity_number(number: str) -> bool:
    """Say whether this is a number of an 居民身份证 with a real birthday and the right check letter (GB 11643)."""
    text = number.upper()
    if len(text) != 18 or not (text.isascii() and text[:17].isdigit()):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], IDENTITY_WEIGHTS, strict=True))
    return IDENTITY_LETTERS[total % 11] == text[17]
