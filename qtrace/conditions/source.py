"""Errors in something typed that say where: the line, the column and the line itself with a mark under the place."""

from collections.abc import Callable, Mapping
from unicodedata import east_asian_width

from qtrace.core.errors import Refused

# A longer line is shown only around the place.
SHOWN = 30


Gettext = Callable[[str], str]


class Word(str):
    """A word of ours among the values of a message, which is translated with it."""

    __slots__ = ()


def filled(message: str, values: Mapping[str, object], gettext: Gettext = str) -> str:
    """Return the message with its values, both in the reader's language; a value may be what says it in one."""
    return gettext(message) % {name: _said(value, gettext) for name, value in values.items()}


def _said(value: object, gettext: Gettext) -> object:
    match value:
        case Word():
            return gettext(value)
        case tuple():
            return "、".join(str(_said(item, gettext)) for item in value)
        case _:
            return value(gettext) if callable(value) else value


class SourceError(Refused):
    """What was typed cannot be read or worked out; `at` counts the characters before the place."""

    def __init__(self, message: str, source: str, at: int, **values: object) -> None:
        super().__init__(filled(message, values), "")
        self.template = message
        self.values = values
        self.source = source
        self.at = min(max(at, 0), len(source))

    @property
    def line(self) -> int:
        """Return the number of the line, from 1."""
        return self.source.count("\n", 0, self.at) + 1

    @property
    def column(self) -> int:
        """Return the number of the character in its line, from 1."""
        return self.at - self._line_start + 1

    @property
    def pointed(self) -> str:
        """Return the line with a caret under the place, both cut to what fits."""
        end = self.source.find("\n", self.at)
        line = self.source[self._line_start : end if end >= 0 else None]
        place = self.column - 1
        first = max(0, place - SHOWN // 2)
        before = line[first:place]
        return f"{line[first : first + SHOWN]}\n{''.join(map(_blank, before))}^"

    @property
    def _line_start(self) -> int:
        return self.source.rfind("\n", 0, self.at) + 1

    def translated(self, gettext: Gettext) -> str:
        """Return the message in the reader's language."""
        return filled(self.template, self.values, gettext)


def _blank(character: str) -> str:
    """Return a blank as wide as the character."""
    return "\N{IDEOGRAPHIC SPACE}" if east_asian_width(character) in "WF" else " "
