"""Find the type of a formula before it runs, or say at which place its kinds do not fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtrace.conditions.formula_parser import COMPARISONS
from qtrace.conditions.formula_tree import Binary, Call, FieldRef, FormulaError, Literal, Node, Parameter, Unary
from qtrace.conditions.formula_values import KIND_NAMES, CallError, Kind, Type, is_empty, kind_of
from qtrace.conditions.source import Word

NUMBER, BOOL, TEXT = Type(Kind.NUMBER), Type(Kind.BOOL), Type(Kind.TEXT)
UNKNOWN = frozenset({Kind.ANY, Kind.EMPTY})
DAYS = frozenset({Kind.DATE, Kind.DATETIME})
ORDERED = frozenset({Kind.NUMBER, Kind.DATE, Kind.DATETIME})


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def common(types: Sequence[Type]) -> Type | None:
    """Return the type all of them have, where an unknown one fits any; None when they differ."""
    known = {found for found in types if found.kind not in UNKNOWN}
    if len(known) > 1:
        return None
    return known.pop() if known else Type(Kind.ANY)


def type_of(node: Node, fields: Mapping[str, Type], source: str) -> Type:
    """Return the type of what the formula gives, or raise FormulaError where kinds do not fit."""
    found = _Checker(fields, source).type(node)
    if found.is_list:
        raise FormulaError(_("结果是一列值;请用 sum、avg、count 等合成一个"), source, node.at)
    return found


@dataclass(frozen=True, slots=True)
class _Checker:
    fields: Mapping[str, Type]
    source: str

    def type(self, node: Node) -> Type:
        match node:
            case Literal(value):
                return Type(kind_of(value))
            case FieldRef(name):
                return self.fields[name]
            case Unary(op, item, at):
                return self._single(item, BOOL if op == "not" else NUMBER, at, op)
            case Binary():
                return self._binary(node)
            case Call():
                return self._call(node)

    def _error(self, message: str, at: int, **values: object) -> FormulaError:
        return FormulaError(message, self.source, at, **values)

    def _one(self, node: Node) -> Type:
        """Return the type of a node that may not be a list."""
        found = self.type(node)
        if found.is_list:
            raise self._error(_("这里只能是一个值,不能是一列;请先用 sum、avg、count 等合成一个"), node.at)
        return found

    def _single(self, node: Node, wanted: Type, at: int, op: str) -> Type:
        found = self._one(node)
        if found.kind not in UNKNOWN and found != wanted:
            if found.kind in DAYS and op in "+-":
                raise self._error(_("日期不能直接加减;请用 date_add(日期, 天数) 或 date_diff(开始, 结束)"), at)
            raise self._error(
                _("「%(op)s」只能用于%(wanted)s,这里是%(found)s"),
                at, op=op, wanted=KIND_NAMES[wanted.kind], found=KIND_NAMES[found.kind],
            )  # fmt: skip
        return wanted

    def _binary(self, node: Binary) -> Type:
        if node.op in COMPARISONS:
            return self._comparison(node)
        if node.op == "&":
            self._one(node.left)
            self._one(node.right)
            return TEXT
        wanted = BOOL if node.op in ("and", "or") else NUMBER
        self._single(node.left, wanted, node.at, node.op)
        return self._single(node.right, wanted, node.at, node.op)

    def _comparison(self, node: Binary) -> Type:
        for side in (node.left, node.right):
            if isinstance(side, Literal) and is_empty(side.value):
                raise self._error(_("要查空值请写 isblank(…) 或 not isblank(…)"), side.at)
        types = [self._one(node.left), self._one(node.right)]
        shared = common(types)
        if shared is None:
            raise self._error(
                _("%(left)s不能与%(right)s比较"),
                node.at,
                left=KIND_NAMES[types[0].kind],
                right=KIND_NAMES[types[1].kind],
            )
        if node.op not in ("=", "<>") and shared.kind not in ORDERED | UNKNOWN:
            raise self._error(_("%(kind)s不能比大小,只能用 = 或 <>"), node.at, kind=KIND_NAMES[shared.kind])
        return BOOL

    def _call(self, call: Call) -> Type:
        types = [self.type(argument) for argument in call.arguments]
        for place, (argument, found) in enumerate(zip(call.arguments, types, strict=True)):
            parameter = call.function.parameter(place, len(types))
            # The number of arguments was checked when the formula was read.
            assert parameter is not None
            self._argument(parameter, found, argument.at, call.function.name)
            if parameter.options and isinstance(argument, Literal) and argument.value not in parameter.options:
                options = tuple(sorted(parameter.options))
                raise self._error(_("这里应是其中之一:%(options)s"), argument.at, options=options)
        return self._result(call, types)

    def _result(self, call: Call, types: Sequence[Type]) -> Type:
        result = call.function.result
        if isinstance(result, Type):
            return result
        try:
            found = result(types)
        except CallError as error:
            raise self._error(error.template, call.at, **error.values) from None
        if found is None:
            raise self._error(_("%(name)s 的几个值种类不同,应是同一种"), call.at, name=call.function.name)
        return found

    def _argument(self, parameter: Parameter, found: Type, at: int, name: str) -> None:
        if found.is_list and not parameter.takes_list:
            raise self._error(
                _("%(name)s 的「%(parameter)s」只能是一个值,不能是一列"), at, name=name, parameter=Word(parameter.name)
            )
        if not found.is_list and not parameter.takes_one:
            raise self._error(
                _("%(name)s 的「%(parameter)s」应是一列值"), at, name=name, parameter=Word(parameter.name)
            )
        if parameter.kinds and found.kind not in parameter.kinds | UNKNOWN:
            wanted = tuple(KIND_NAMES[kind] for kind in Kind if kind in parameter.kinds)
            raise self._error(
                _("%(name)s 的「%(parameter)s」应是%(wanted)s,这里是%(found)s"),
                at, name=name, parameter=Word(parameter.name), wanted=wanted, found=KIND_NAMES[found.kind],
            )  # fmt: skip
