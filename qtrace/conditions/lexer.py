"""Cut what experts type, a formula or a condition, into tokens; Chinese punctuation means what the Latin one means."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from qtrace.conditions.source import SourceError

# More than the largest condition there can be has.
MAX_TOKENS = 10_000


class Sort(Enum):
    """What a token is."""

    NUMBER = "number"
    TEXT = "text"
    NAME = "name"
    FIELD = "field"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its sort, what it says without quotes or braces, and the span it fills in the source."""

    sort: Sort
    said: str
    at: int
    end: int

    def is_sign(self, *signs: str) -> bool:
        """Say whether the token is one of the signs."""
        return self.sort is Sort.SIGN and self.said in signs


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


SAME_SIGN: Mapping[str, str] = {
    "（": "(", "）": ")", "，": ",", "、": ",", "＋": "+", "－": "-", "×": "*", "＊": "*", "÷": "/", "／": "/", "％": "%",
    "＾": "^", "＆": "&", "＝": "=", "==": "=", "＜": "<", "＞": ">", "≤": "<=", "≥": ">=", "≠": "<>", "!=": "<>",
}  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<number>[0-9０-９]+(?:[.．][0-9０-９]+)?)
    |(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*)*)
    |(?P<text>"(?:[^"]|"")*"|“[^”]*”)
    |(?P<field>[{｛][^{}｛｝]*[}｝])
    |(?P<sign><=|>=|<>|!=|==|[-+*/%^&=<>(),（），、＋－×＊÷／％＾＆＝＜＞≤≥≠])""",
    re.VERBOSE,
)
_LATIN = str.maketrans("０１２３４５６７８９．", "0123456789.")
_LONE = re.compile("[\0\ud800-\udfff]")
# What a token that cannot be read was probably meant to be.
_UNCLOSED: Mapping[str, str] = {
    '"': _("文字少了结尾的引号"),
    "“": _("文字少了结尾的引号 ”"),
    "{": _("字段名少了结尾的 }"),
    "｛": _("字段名少了结尾的 }"),
    "'": _('文字请用双引号 "…"'),
    "‘": _('文字请用双引号 "…"'),
    "。": _("小数点请用英文的 ."),
    "；": _("请用逗号分隔"),
    ";": _("请用逗号分隔"),
    "！": _("「不等于」请写 <>"),
    "!": _("「不等于」请写 <>"),
}


def tokens_of(source: str, longest: int) -> list[Token]:
    """Return the tokens with an END after them, or raise SourceError at the first character that cannot be read."""
    if len(source) > longest:
        raise SourceError(_("最多 %(limit)s 个字符"), source, longest, limit=longest)
    bad = _LONE.search(source)
    if bad:
        raise SourceError(_("含有不能使用的字符,请删去"), source, bad.start())
    found = list(islice(_tokens(source), MAX_TOKENS + 1))
    if len(found) > MAX_TOKENS:
        raise SourceError(_("太长了:最多 %(limit)s 个词和符号"), source, found[-1].at, limit=MAX_TOKENS)
    return [*found, Token(Sort.END, "", len(source), len(source))]


def _tokens(source: str) -> Iterator[Token]:
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            template = _UNCLOSED.get(source[at], _("这里的字符「%(character)s」不认识,请删去或放进引号"))
            raise SourceError(template, source, at, character=source[at])
        sort, said = str(found.lastgroup), found.group()
        if sort != "blank":
            yield Token(Sort(sort), _meaning(sort, said), at, found.end())
        at = found.end()


def _meaning(sort: str, said: str) -> str:
    if sort == "sign":
        return SAME_SIGN.get(said, said)
    if sort == "number":
        return said.translate(_LATIN)
    if sort == "field":
        return said[1:-1].strip()
    if sort == "text":
        return said[1:-1].replace('""', '"') if said[0] == '"' else said[1:-1]
    return said
