"""Read typed conditions; the grammar is written in `qtrace.conditions.text`."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from qtrace.conditions.lexer import Sort, Token
from qtrace.conditions.source import SourceError
from qtrace.conditions.text_words import AND, GROUPS, LONGEST, NO, NOT, OPS, OR, TO, YES
from qtrace.conditions.tree import MAX_DEPTH, FieldKind, Operand, operators_of

# Brackets that group nothing cost no depth in the tree, but they cost here.
MAX_NESTED = 3 * MAX_DEPTH
MAX_GUESSED = 300
# A longer whole number is none of ours.
MAX_DIGITS = 40


class ConditionTextError(SourceError):
    """A typed condition that cannot be read; says where."""


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


@dataclass(frozen=True, slots=True)
class _Said:
    """A clause as data, and where each of its parts stood."""

    data: Mapping[str, object]
    spots: Mapping[str, int]
    at: int


@dataclass(frozen=True, slots=True)
class _Group:
    word: str
    items: "tuple[_Node, ...]"
    at: int


_Node = _Said | _Group


def laid_out(node: _Node, path: str, spots: dict[str, int]) -> dict[str, object]:
    """Return the node as `parse` reads it, and note where each path of it stood."""
    spots[path] = node.at
    dot = f"{path}." if path else ""
    if isinstance(node, _Said):
        spots.update({f"{dot}{part}": at for part, at in node.spots.items()})
        return dict(node.data)
    if node.word == "not":
        return {"not": laid_out(node.items[0], f"{dot}not", spots)}
    return {node.word: [laid_out(item, f"{dot}{node.word}[{n}]", spots) for n, item in enumerate(node.items)]}


def spot_of(path: str, spots: Mapping[str, int]) -> int:
    """Return where the path stood, or else what is around it."""
    while path not in spots:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return spots[path]


@dataclass
class Reader:
    """Reads the text into nodes that know where they stood."""

    source: str
    tokens: Sequence[Token]
    fields: Mapping[str, FieldKind]
    ids: Mapping[str, Sequence[str]]
    place: int = field(default=0, init=False)
    depth: int = field(default=0, init=False)

    def whole(self) -> _Node:
        """Read all of the text."""
        if self._is_end:
            raise self._error(_("请填写条件"))
        node = self._joined("any", OR)
        if not self._is_end:
            raise self._error(_("这里多了「%(said)s」;两个条件之间请写 and、or 或 且、或"), said=self._next.said[:20])
        return node

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

    def _error(self, message: str, at: int | None = None, **values: object) -> ConditionTextError:
        return ConditionTextError(message, self.source, self._next.at if at is None else at, **values)

    def _is_word(self, words: frozenset[str]) -> bool:
        return self._next.sort is Sort.NAME and self._next.said.lower() in words

    def _joined(self, group: str, words: frozenset[str]) -> _Node:
        at = self._next.at
        items = [self._item(group)]
        while self._is_word(words):
            self._take()
            items.append(self._item(group))
        return items[0] if len(items) == 1 else _Group(group, tuple(items), at)

    def _item(self, group: str) -> _Node:
        return self._joined("all", AND) if group == "any" else self._single()

    def _single(self) -> _Node:
        """Read what stands between two joints; how deep it may be nested bounds the walk."""
        token = self._next
        self.depth += 1
        if self.depth > MAX_NESTED:
            raise self._error(_("条件嵌套太深"))
        if self._is_word(NOT):
            self._take()
            node: _Node = _Group("not", (self._single(),), token.at)
        elif token.is_sign("("):
            self._take()
            node = self._joined("any", OR)
            self._close(token)
        elif self.tokens[min(self.place + 1, len(self.tokens) - 1)].is_sign("(") and token.said.lower() in GROUPS:
            node = self._group()
        else:
            node = self._clause()
        self.depth -= 1
        return node

    def _group(self) -> _Node:
        token, opened = self._take(), self._take()
        items: list[_Node] = []
        if not self._next.is_sign(")"):
            items.append(self._joined("any", OR))
            while self._next.is_sign(","):
                self._take()
                items.append(self._joined("any", OR))
        self._close(opened)
        return _Group(GROUPS[token.said.lower()], tuple(items), token.at)

    def _close(self, opened: Token) -> None:
        if not self._next.is_sign(")"):
            raise self._error(_("缺少右括号 )(左括号在第 %(place)s 个字符)"), place=opened.at + 1)
        self._take()

    def _clause(self) -> _Node:
        token = self._next
        name = self._field()
        at = self._next.at
        op = self._op(self.fields[name])
        data: dict[str, object] = {"field": name, "op": op}
        spots = {"field": token.at, "op": at, "value": self._next.at}
        operators = operators_of(self.fields[name], has_history=True)
        if op not in operators:
            raise self._error(_("这个字段不能用这种比较方式"), at)
        operand = operators[op]
        if operand is Operand.ONE:
            data |= self._one(self.fields[name], spots)
        elif operand is not Operand.NONE:
            data["value"] = self._several(self.fields[name], operand, spots)
        return _Said(data, spots, token.at)

    def _field(self) -> str:
        if self._next.sort not in (Sort.NAME, Sort.FIELD):
            raise self._error(_("这里应是字段名,例如 状态 或 {下单 时间}"))
        token = self._take()
        if token.said in self.fields:
            return token.said
        found = self.ids.get(token.said, ())
        if len(found) > 1:
            ids = "、".join(f"{{{name}}}" for name in found)
            raise self._error(_("有几个字段叫「%(name)s」,请写代号:%(ids)s"), token.at, name=token.said[:40], ids=ids)
        if found:
            return found[0]
        near = difflib.get_close_matches(token.said[:40], list(self.ids)[:MAX_GUESSED], n=1, cutoff=0.5)
        if near:
            message = _("没有字段「%(name)s」;是不是「%(guess)s」?")
            raise self._error(message, token.at, name=token.said[:40], guess=near[0])
        message = _("没有字段「%(name)s」;字段名与后面的词之间要空一格,或写成 {字段名}")
        raise self._error(message, token.at, name=token.said[:40])

    def _op(self, kind: FieldKind) -> str:
        """Take the longest run of words, or the sign, that is an operator."""
        if self._next.sort is Sort.SIGN and self._next.said in OPS:
            return self._yes_or_no(kind, OPS[self._take().said])
        for size in range(LONGEST, 0, -1):
            words = self.tokens[self.place : self.place + size]
            op = OPS.get("_".join(token.said.lower() for token in words))
            if op and all(token.sort is Sort.NAME for token in words):
                self.place += size
                return self._yes_or_no(kind, op)
        raise self._error(_("字段后面应是比较方式,例如 =、>、包含、为空"))

    def _yes_or_no(self, kind: FieldKind, op: str) -> str:
        """Let `= true` mean `is true`."""
        if kind is not FieldKind.BOOL or op not in ("eq", "ne") or not self._is_word(YES | NO):
            return op
        return "is_true" if (self._take().said.lower() in YES) is (op == "eq") else "is_false"

    def _one(self, kind: FieldKind, spots: dict[str, int]) -> dict[str, object]:
        if self._next.sort in (Sort.NAME, Sort.FIELD):
            spots["other"] = self._next.at
            return {"other": self._field()}
        return {"value": self._value(kind)}

    def _several(self, kind: FieldKind, operand: Operand, spots: dict[str, int]) -> list[object]:
        """Read `(a, b)`, or `a and b` for a range."""
        found: list[object] = []
        if self._next.is_sign("("):
            opened = self._take()
            while not found or self._next.is_sign(","):
                if found:
                    self._take()
                spots[f"value[{len(found)}]"] = self._next.at
                found.append(self._value(kind))
            self._close(opened)
            return found
        if operand is Operand.LIST:
            return [self._value(kind)]
        low = self._value(kind)
        if not self._is_word(TO):
            raise self._error(_("范围请写成 介于 1 至 5"))
        self._take()
        spots["value[1]"] = self._next.at
        return [low, self._value(kind)]

    def _value(self, kind: FieldKind) -> object:
        is_negative = self._next.is_sign("-")
        if is_negative:
            self._take()
        token = self._next
        if token.sort is Sort.NUMBER:
            self._take()
            return _number(f"-{token.said}" if is_negative else token.said, kind)
        if token.sort is Sort.TEXT and not is_negative:
            return self._take().said
        raise self._error(_('这里应是一个值:数字,或引号里的文字,例如 "open"'))


def _number(spelled: str, kind: FieldKind) -> object:
    """Return the number so that `parse` reads it exactly and refuses it where no number belongs."""
    if kind is FieldKind.NUMBER:
        return spelled
    return int(spelled) if spelled.lstrip("-").isdigit() and len(spelled) < MAX_DIGITS else Decimal(0)
