"""The nodes of a formula, the functions it can call, and its error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from qtrace.conditions.formula_values import OUT_OF_RANGE, CallError, Kind, Type, Value
from qtrace.conditions.source import Gettext, SourceError


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


REST = _("否则")


class FormulaError(SourceError):
    """A formula that cannot be read, or cannot be worked out for these values; says where."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a formula may know besides the record: the time, and two questions to whoever runs it.

    `workdays` counts the working days from the first date up to and without the second, negative when it lies before.
    `lookup` finds a value by the name of a list and a key; either may raise CallError with a message for the reader.
    """

    now: datetime
    zone: tzinfo = UTC
    workdays: Callable[[date, date], int] | None = None
    lookup: Callable[[str, Value], object] | None = None

    def local(self, moment: datetime) -> datetime:
        """Return a moment in the zone of the site."""
        try:
            return moment.astimezone(self.zone)
        except (OverflowError, ValueError):
            raise CallError(OUT_OF_RANGE) from None


Later = Callable[[], Value]


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument a function takes: its name, the kinds it accepts (none: all), whether a list or one value.

    With `options` a text that stands in the formula must be one of them.
    """

    name: str
    kinds: frozenset[Kind] = frozenset()
    takes_one: bool = True
    takes_list: bool = False
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Function:
    """A function formulas can call; plugins add theirs as one more of these.

    The first `required` parameters must be given, the last `repeats` may come again and again, and after those one
    more value of any kind when `has_rest`. `result` is the type, or finds it from those of the arguments (None: they
    do not fit together). Unless it `takes_empty`, an empty argument makes the result empty without a call. A `lazy`
    function is handed what works each argument out, and works out only what it needs.
    """

    name: str
    name_zh: str
    parameters: tuple[Parameter, ...]
    result: Type | Callable[[Sequence[Type]], Type | None]
    call: Callable[[Environment, Sequence[Value]], Value] | None
    help_zh: str
    help_en: str
    example: str
    required: int
    repeats: int = 0
    has_rest: bool = False
    takes_empty: bool = False
    lazy: Callable[[Sequence[Later]], Value] | None = None

    def signature(self, gettext: Gettext = str) -> str:
        """Return how the function is written, optional arguments in brackets."""
        names = [gettext(parameter.name) for parameter in self.parameters]
        names = [name if place < self.required else f"[{name}]" for place, name in enumerate(names)]
        names += ["…"] if self.repeats else []
        names += [f"[{gettext(REST)}]"] if self.has_rest else []
        return f"{self.name}({', '.join(names)})"

    def parameter(self, place: int, count: int) -> Parameter | None:
        """Return the parameter of the argument at the place when `count` are given; None when it is one too many."""
        if place < len(self.parameters):
            fixed = len(self.parameters) - self.repeats
            is_rest = self.has_rest and place == count - 1 and place >= fixed and (place - fixed) % self.repeats == 0
            return Parameter(REST) if is_rest else self.parameters[place]
        if not self.repeats:
            return None
        group = (place - len(self.parameters)) % self.repeats
        if self.has_rest and place == count - 1 and group == 0:
            return Parameter(REST)
        return self.parameters[len(self.parameters) - self.repeats + group]

    def takes(self, count: int) -> bool:
        """Say whether so many arguments are complete."""
        fixed = len(self.parameters) - self.repeats
        if count < self.required or (not self.repeats and count > fixed):
            return False
        rest = (count - fixed) % self.repeats if self.repeats else 0
        return rest == 0 or (self.has_rest and rest == 1) or count <= fixed


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that stands in the formula."""

    value: Value
    at: int


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field of the record, as it was written between `at` and `end`."""

    name: str
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`-` or `not` before one value."""

    op: str
    item: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two values; `at` is the operator's place."""

    op: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: Function
    arguments: "tuple[Node, ...]"
    at: int


Node = Literal | FieldRef | Unary | Binary | Call
