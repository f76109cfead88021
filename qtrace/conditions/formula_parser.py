"""Read the closed grammar of formulas; nothing but what stands here can be written.

    or = 或, then and = 且, then not = 非, then = <> < <= > >=, then &, then + -, then * / %, then - before a value, then ^
    value = number | "text" | true false null | field | {field} | function(value, …) | ( … )

The later an operator stands in this list, the closer it binds; all bind to the left but ^, and comparisons do not chain.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qtrace.conditions.formula_tree import Binary, Call, FieldRef, FormulaError, Function, Literal, Node, Unary
from qtrace.conditions.formula_values import MAX_DECIMALS, MAX_NUMBER, Type, Value
from qtrace.conditions.lexer import Sort, Token, tokens_of
from qtrace.conditions.source import SourceError

MAX_SOURCE = 4000
MAX_NODES = 1000
MAX_DEPTH = 60
MAX_LITERAL = 2000

# Only so many names are compared with a mistyped one.
MAX_GUESSED = 300
OR = frozenset({"or", "或", "或者"})
AND = frozenset({"and", "且", "并且"})
NOT = frozenset({"not", "非", "并非"})
CONSTANTS: Mapping[str, Value] = {
    "true": True, "真": True, "是": True, "false": False, "假": False, "否": False, "null": None, "空": None,
}  # fmt: skip
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
# The higher the number, the closer an operator holds its sides together.
LEVELS: Mapping[str, int] = {
    "or": 1, "and": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4), "&": 5, "+": 6, "-": 6, "*": 7, "/": 7, "%": 7,
    "negated": 8, "^": 9,
}  # fmt: skip


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def read(source: str, fields: Mapping[str, Type], labels: Mapping[str, str], functions: Mapping[str, Function]) -> Node:
    """Return the tree of a formula, or raise FormulaError at the first place that is wrong."""
    try:
        tokens = tokens_of(source, MAX_SOURCE)
    except SourceError as error:
        raise FormulaError(error.template, source, error.at, **error.values) from None
    return _Parser(source, tokens, fields, labels, functions).formula()


@dataclass
class _Parser:
    source: str
    tokens: Sequence[Token]
    fields: Mapping[str, Type]
    labels: Mapping[str, str]
    functions: Mapping[str, Function]
    place: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)
    depths: dict[int, int] = field(default_factory=dict, init=False)

    def formula(self) -> Node:
        if self._is_end:
            raise self._error(_("请填写公式"))
        tree = self._expression(0)
        if not self._is_end:
            raise self._error(_("这里多了「%(said)s」;前面是不是少了运算符或逗号?"), said=self._next.said[:20])
        return tree

    @property
    def _next(self) -> Token:
        return self.tokens[self.place]

    @property
    def _is_end(self) -> bool:
        return self._next.sort is Sort.END

    def _take(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def _error(self, message: str, at: int | None = None, **values: object) -> FormulaError:
        return FormulaError(message, self.source, self._next.at if at is None else at, **values)

    def _is_word(self, words: frozenset[str]) -> bool:
        return self._next.sort is Sort.NAME and self._next.said.lower() in words

    def _deeper(self, level: int, at: int) -> Node:
        """Read what is nested; how deep bounds the walk here, and how deep the tree is every walk over it."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(_("公式嵌套最多 %(limit)s 层,请拆成几个字段"), at, limit=MAX_DEPTH)
        node = self._expression(level)
        self.depth -= 1
        return node

    def _made(self, node: Node, *inner: Node) -> Node:
        self.depths[id(node)] = 1 + max((self.depths[id(item)] for item in inner), default=0)
        if self.depths[id(node)] > MAX_DEPTH:
            raise self._error(_("公式嵌套最多 %(limit)s 层,请拆成几个字段"), node.at, limit=MAX_DEPTH)
        if len(self.depths) > MAX_NODES:
            raise self._error(_("公式最多 %(limit)s 项,请拆成几个字段"), node.at, limit=MAX_NODES)
        return node

    def _expression(self, level: int) -> Node:
        """Read operators that bind at least as strongly as the level."""
        left, before = self._prefixed(), ""
        while (op := self._operator()) and LEVELS[op] >= level:
            if op in COMPARISONS and before in COMPARISONS:
                raise self._error(_("比较不能连着写,请用 and 连接,例如 a < b and b < c"))
            at = self._take().at
            right = self._deeper(LEVELS[op] + (op != "^"), at)
            left, before = self._made(Binary(op, left, right, at), left, right), op
        return left

    def _operator(self) -> str:
        if self._next.sort is Sort.NAME:
            return "or" if self._is_word(OR) else "and" if self._is_word(AND) else ""
        return self._next.said if self._next.is_sign(*LEVELS) else ""

    def _prefixed(self) -> Node:
        is_not = self._is_word(NOT) and not self._is_call
        if not is_not and not self._next.is_sign("-"):
            return self._value()
        op, at = ("not" if is_not else "-"), self._take().at
        item = self._deeper(LEVELS[op if is_not else "negated"], at)
        return self._made(Unary(op, item, at), item)

    @property
    def _is_call(self) -> bool:
        return self.tokens[self.place + 1].is_sign("(") and self._next.said.lower() in self.functions

    def _value(self) -> Node:
        token = self._next
        match token.sort:
            case Sort.NUMBER:
                return self._number()
            case Sort.TEXT:
                if len(token.said) > MAX_LITERAL:
                    raise self._error(_("文字最多 %(limit)s 个字"), limit=MAX_LITERAL)
                return self._made(Literal(self._take().said, token.at))
            case Sort.FIELD:
                return self._field()
            case Sort.NAME:
                return self._name()
        if not token.is_sign("("):
            raise self._missing_value()
        self._take()
        inner = self._deeper(0, token.at)
        self._close(token)
        return inner

    def _missing_value(self) -> FormulaError:
        if self._next.sort is Sort.END:
            return self._error(_("公式到这里还没写完:缺少一个值"))
        return self._error(_("「%(sign)s」之前缺少一个值"), sign=self._next.said)

    def _close(self, opened: Token) -> None:
        if not self._next.is_sign(")"):
            raise self._error(_("缺少右括号 )(左括号在第 %(place)s 个字符)"), place=opened.at + 1)
        self._take()

    def _number(self) -> Node:
        token = self._take()
        if self._next.sort is Sort.NAME and self._next.at == token.end:
            raise self._error(_("数字后面不能直接接文字;小数写成 0.5,没有 1e5 这种写法"))
        whole, _point, decimals = token.said.partition(".")
        if len(whole) > 40 or len(decimals) > MAX_DECIMALS or Decimal(token.said) > MAX_NUMBER:
            raise self._error(_("数字太大,或小数多于 %(limit)s 位"), token.at, limit=MAX_DECIMALS)
        return self._made(Literal(Decimal(token.said), token.at))

    def _name(self) -> Node:
        token = self._next
        word = token.said.lower()
        if self.tokens[self.place + 1].is_sign("("):
            return self._call()
        if token.said in self.fields or token.said in self.labels:
            return self._field()
        if word in CONSTANTS:
            self._take()
            return self._made(Literal(CONSTANTS[word], token.at))
        if word in self.functions:
            raise self._error(_("函数后面要有括号:%(name)s(…)"), token.end, name=token.said)
        if word in OR | AND | NOT:
            raise self._error(_("「%(sign)s」之前缺少一个值"), sign=token.said)
        return self._field()

    def _field(self) -> Node:
        token = self._take()
        name = token.said if token.said in self.fields else self.labels.get(token.said, "")
        if name not in self.fields:
            raise self._unknown(
                token,
                [*self.labels, *self.fields],
                _("没有字段「%(name)s」"),
                _("没有字段「%(name)s」;是不是「%(guess)s」?"),
            )
        return self._made(FieldRef(name, token.at, token.end))

    def _unknown(self, token: Token, names: Sequence[str], plain: str, guessed: str) -> FormulaError:
        near = difflib.get_close_matches(token.said[:40], names[:MAX_GUESSED], n=1, cutoff=0.5)
        if near:
            return self._error(guessed, token.at, name=token.said[:40], guess=near[0])
        return self._error(plain, token.at, name=token.said[:40])

    def _call(self) -> Node:
        token, opened = self._take(), self._take()
        function = self.functions.get(token.said.lower())
        if function is None:
            raise self._unknown(
                token, [*self.functions], _("没有函数「%(name)s」"), _("没有函数「%(name)s」;是不是「%(guess)s」?")
            )
        arguments: list[Node] = []
        if not self._next.is_sign(")"):
            arguments.append(self._deeper(0, opened.at))
            while self._next.is_sign(","):
                arguments.append(self._deeper(0, self._take().at))
        self._close(opened)
        if not function.takes(len(arguments)):
            raise self._error(_("参数个数不对,应写成 %(signature)s"), token.at, signature=function.signature)
        return self._made(Call(function, tuple(arguments), token.at), *arguments)
