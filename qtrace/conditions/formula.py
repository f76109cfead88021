"""Formulas: one closed grammar, typed before it runs, exact, bounded, and without any effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from qtrace.conditions.formula_check import UNKNOWN, type_of
from qtrace.conditions.formula_functions import FUNCTIONS
from qtrace.conditions.formula_parser import read
from qtrace.conditions.formula_run import Run
from qtrace.conditions.formula_tree import Binary, Call, Environment, FieldRef, FormulaError, Function, Node, Unary
from qtrace.conditions.formula_values import KIND_NAMES, Kind, Scalar, Type
from qtrace.core.errors import Refused

NO_LABELS: Mapping[str, str] = {}


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read and checked: its source, its tree, what it gives and the types of its fields."""

    source: str
    tree: Node
    kind: Kind
    types: Mapping[str, Type]

    @property
    def fields(self) -> frozenset[str]:
        """Return every field it reads."""
        return frozenset(reference.name for reference in _references(self.tree))

    def written(self, names: Mapping[str, str]) -> str:
        """Return the source with each field in braces by the name given, its id where there is none.

        Without names it is what to keep: a label can then be changed without breaking a formula.
        """
        parts, end = [], 0
        for reference in sorted(_references(self.tree), key=lambda reference: reference.at):
            parts += [self.source[end : reference.at], "{", names.get(reference.name, reference.name), "}"]
            end = reference.end
        return "".join([*parts, self.source[end:]])


class FormulaCycle(Refused):
    """Formulas that need each other; `cycle` names them in order, the first again at the end."""

    def __init__(self, cycle: tuple[str, ...], labels: Mapping[str, str]) -> None:
        self.template = _("公式互相引用,算不出来:%(cycle)s")
        self.values = {"cycle": " → ".join(labels.get(name, name) for name in cycle)}
        super().__init__(self.template % self.values, cycle[0])
        self.cycle = cycle


def parse_formula(
    source: str,
    fields: Mapping[str, Type],
    labels: Mapping[str, str] = NO_LABELS,
    *,
    wanted: Kind | None = None,
    functions: Mapping[str, Function] = FUNCTIONS,
) -> Formula:
    """Read and check a formula; `labels` maps what people call a field to its id, `wanted` is the kind it must give.

    Raises FormulaError, which says in Chinese what to do and points at the place.
    """
    tree = read(source, fields, labels, functions)
    kind = type_of(tree, fields, source).kind
    if wanted is not None and kind is not wanted and kind not in UNKNOWN:
        raise FormulaError(
            _("这个公式的结果是%(found)s,应是%(wanted)s"),
            source, 0, found=KIND_NAMES[kind], wanted=KIND_NAMES[wanted],
        )  # fmt: skip
    read_fields = {reference.name for reference in _references(tree)}
    return Formula(source, tree, kind, {name: fields[name] for name in sorted(read_fields)})


def evaluate_formula(formula: Formula, values: Mapping[str, object], environment: Environment) -> Scalar:
    """Work the formula out for a record, or raise FormulaError; a field the record does not name is empty."""
    result = Run(formula.source, formula.types, values, environment).value(formula.tree)
    if isinstance(result, tuple):
        raise FormulaError(_("结果是一列值;请用 sum、avg、count 等合成一个"), formula.source, formula.tree.at)
    return result


def order_of(formulas: Mapping[str, Formula], labels: Mapping[str, str] = NO_LABELS) -> list[str]:
    """Return the fields in an order in which each formula finds what it reads already worked out.

    Raises FormulaCycle when there is none. `labels` maps ids to what people call the fields.
    """
    needs = {name: sorted(field for field in formula.fields if field in formulas) for name, formula in formulas.items()}
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        # The sorter names each before what needs it; people follow it the other way round.
        raise FormulaCycle(tuple(reversed(error.args[1])), labels) from None


def _references(tree: Node) -> list[FieldRef]:
    found: list[FieldRef] = []
    waiting: list[Node] = [tree]
    while waiting:
        match waiting.pop():
            case FieldRef() as reference:
                found.append(reference)
            case Unary(_op, item):
                waiting.append(item)
            case Binary(_op, left, right):
                waiting += (left, right)
            case Call(_function, arguments):
                waiting += arguments
            case _:
                pass
    return found
