"""A flow as a file: written whole, read strictly; whatever is no flow is refused in one clear line."""

import json
import re
from math import isfinite
from typing import Any, Final

from flask_babel import gettext as _

from qtrace.conditions.tree import ConditionError, parse
from qtrace.core.errors import Refused
from qtrace.flows.definition import Branch, Definition, Node, Tree
from qtrace.flows.errors import DefinitionError
from qtrace.flows.naming import kinds_in
from qtrace.flows.reading import dump_definition, parse_definition
from qtrace.flows.versions import told_faults

FORMAT, VERSION = "qtrace-flow", 1
MAX_BYTES: Final = 1024 * 1024  # the largest flow that may run is a fifth of it
DEEPEST: Final = 80  # over what the reading of a definition allows
MOST_TEXT: Final = 5000
STORABLE: Final = re.compile("[^\x00\ud800-\udfff]*")


def write_text(definition: Definition) -> str:
    """Return the file's text."""
    data = {"format": FORMAT, "version": VERSION, "flow": dump_definition(definition)}
    return json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_text(content: bytes) -> Definition:
    """Return the flow of a file; refused in one line where it is too big, no flow, or one that could not run."""
    definition = read_shape(content)
    told = told_faults(definition)
    if told:
        raise Refused(_("这个流程还不能用:%(what)s", what=";".join(told)), "file")
    for node in Tree(definition).walk():
        for branch in node.branches:
            _check_condition(node, branch)
    return definition


def read_shape(content: bytes) -> Definition:
    """Return the flow of a file whether it could run or not."""
    if len(content) > MAX_BYTES:
        raise Refused(_("文件超过 %(limit)s KB,不像是一个流程。", limit=MAX_BYTES // 1024), "file")
    data = _decoded(content)
    _check_values(data, 0)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise Refused(_("这不是流程文件。请选择本系统导出的流程文件。"), "file")
    if data.get("version") != VERSION:
        raise Refused(_("流程文件的格式版本本系统不认识。请先升级本系统,或重新导出。"), "file")
    try:
        return parse_definition(data.get("flow"))
    except DefinitionError as error:
        told = _(error.message, **{name: _short(value) for name, value in error.params.items()})
        where = _short(error.place) or "flow"
        raise Refused(_("流程文件里 %(place)s 不对:%(what)s", place=where, what=told), "file") from None
    except RecursionError:
        raise Refused(_("流程文件套得太深,不能读。"), "file") from None


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise Refused(_("流程文件套得太深,不能读。"), "file") from None
    except ValueError:
        raise Refused(_("这不是流程文件:内容不是 JSON。请选择本系统导出的流程文件。"), "file") from None


def _check_values(value: object, depth: int) -> None:
    """Refuse what no flow holds and no database keeps: bottomless nesting, endless texts, half characters."""
    if depth > DEEPEST:
        raise Refused(_("流程文件套得太深,不能读。"), "file")
    if isinstance(value, dict):
        for name, item in value.items():
            _check_values(name, depth)
            _check_values(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_values(item, depth + 1)
    elif isinstance(value, str) and (len(value) > MOST_TEXT or not STORABLE.fullmatch(value)):
        raise Refused(_("流程文件里有太长的文字或不能保存的字符。"), "file")
    elif isinstance(value, float) and not isfinite(value):
        raise Refused(_("流程文件里有太大的数。"), "file")


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _check_condition(node: Node, branch: Branch) -> None:
    """Refuse a condition that could never be answered."""
    if branch.condition is None:
        return
    try:
        parse(branch.condition, kinds_in(branch.condition))
    except ConditionError:
        names = {"node": _short(node.name_zh), "branch": _short(branch.name_zh)}
        raise Refused(_("「%(node)s」里分支「%(branch)s」的条件读不懂。", **names), "file") from None


def _short(value: object) -> str:
    told = str(value)
    return told if len(told) <= 80 else told[:80] + "…"
