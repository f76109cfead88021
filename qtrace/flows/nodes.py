"""The automatic nodes the product comes with, offered through the same hook as a plugin's. Pure: they say what to do."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from qtrace.sdk import hookimpl
from qtrace.sdk.flow_nodes import (
    CallAddress,
    FilePaper,
    FlowNode,
    MakeRecord,
    NodeCase,
    NodeEffect,
    NodeOption,
    OpenIssue,
    PlanAction,
    SetFields,
    WaitForAnswer,
    taken,
)
from qtrace.sdk.senders import Answer, Outcome
from qtrace.sdk.text import Text

VALUE_HINT: Final = Text(
    "{字段名} 换成字段里的内容;以 = 开头是算式,例如 ={金额} * 2",
    "{field} becomes what the field holds; after = it is a formula, as in ={Amount} * 2",
)
METHODS: Final = tuple((name, Text(name, name)) for name in ("POST", "PUT", "PATCH", "GET", "DELETE"))


def _pairs(case: NodeCase, name: str) -> tuple[tuple[str, str], ...]:
    found = case.options.get(name, ())
    return found if isinstance(found, tuple) else ()


def _set_fields(case: NodeCase) -> Sequence[NodeEffect]:
    return [SetFields(_pairs(case, "values"))]


def _make_record(case: NodeCase) -> Sequence[NodeEffect]:
    return [MakeRecord(str(case.options["form"]), _pairs(case, "values"))]


def _open_issue(_case: NodeCase) -> Sequence[NodeEffect]:
    return [OpenIssue()]


def _plan_action(case: NodeCase) -> Sequence[NodeEffect]:
    return [PlanAction(str(case.options.get("text") or case.node.zh), int(str(case.options.get("days") or 7)))]


def _print(case: NodeCase) -> Sequence[NodeEffect]:
    return [FilePaper(str(case.options["paper"]))]


def _callback(_case: NodeCase) -> Sequence[NodeEffect]:
    return [WaitForAnswer()]


def _http(case: NodeCase) -> Sequence[NodeEffect]:
    method = str(case.options.get("method") or "POST")
    body = b"" if method in ("GET", "DELETE") else json.dumps(_told(case), ensure_ascii=False).encode()
    call = CallAddress(
        str(case.options["address"]), body, method, str(case.options.get("path", "")),
        {"Content-Type": "application/json; charset=utf-8"} if body else {},
    )  # fmt: skip
    return [call, WaitForAnswer()] if case.options.get("wait") else [call]


def _told(case: NodeCase) -> dict[str, Any]:
    """Return what is sent: what the node names, else what says which case it is; where it waits, how to answer."""
    named: dict[str, Any] = dict(_pairs(case, "body"))
    usual = {"kind": case.kind, "number": case.number, "title": case.title, "url": case.url, "node": case.node.zh}
    waits = {"callback": case.callback} if case.options.get("wait") else {}
    return {"id": case.id} | (named or usual) | waits


def _read_http(case: NodeCase, answer: Answer) -> Outcome | Sequence[NodeEffect]:
    outcome = taken(case, answer)
    wanted = _pairs(case, "take")
    if isinstance(outcome, Outcome) or not wanted:
        return outcome
    try:
        found = json.loads(answer.body)
        values = tuple((name, _at(found, path)) for name, path in wanted)
    except (ValueError, LookupError):
        told = Text("回答里没有要取的内容", "The answer lacks what is to be taken from it")
        return Outcome("permanent", told)
    return [SetFields(values)]


def _at(found: Any, path: str) -> str:
    """Return the value at a path like `data.items.0.id`; LookupError where there is none."""
    for step in path.split("."):
        if isinstance(found, Mapping):
            found = found[step]
        elif isinstance(found, list) and step.isascii() and step.isdecimal():
            found = found[int(step)]
        else:
            raise LookupError(step)
    if isinstance(found, Mapping | list):
        raise LookupError(path)
    if isinstance(found, bool):
        return "是" if found else "否"
    return "" if found is None else str(found)


NODES: Final = (
    FlowNode(
        key="set_fields", name=Text("改字段", "Set fields"), run=_set_fields,
        hint=Text("按表单的校验规则修改这件事自己的字段。", "Changes fields of the case by the rules of its form."),
        options=(
            NodeOption(
                name="values", label=Text("改成什么", "New values"), kind="pairs", required=True, hint=VALUE_HINT
            ),
        ),
    ),
    FlowNode(
        key="make_record", name=Text("填一张表", "Fill in a form"), run=_make_record,
        hint=Text("在另一张表单里新建一条记录。", "Makes a record of another form."),
        options=(
            NodeOption(name="form", label=Text("哪张表", "Form"), kind="form", required=True),
            NodeOption(
                name="values", label=Text("填什么", "Values"), kind="pairs", required=True, of="form", hint=VALUE_HINT
            ),
        ),
    ),
    FlowNode(
        key="open_issue", name=Text("为这条客诉立案", "Open an issue for the complaint"), run=_open_issue,
        hint=Text("客诉已在某个质量问题里时不重复立案。", "A complaint an issue holds already stays there."),
        about=frozenset({"complaint"}),
    ),
    FlowNode(
        key="plan_action", name=Text("给负责人安排一项整改", "Give the owner an action"), run=_plan_action,
        hint=Text("交给质量问题的负责人,没有负责人时交给发起人。", "For the owner of the issue, else for who opened it."),
        about=frozenset({"issue"}),
        options=(
            NodeOption(
                name="text", label=Text("做什么", "What to do"), kind="value",
                hint=Text("空着时用节点的名称", "The name of the node where it is empty"),
            ),
            NodeOption(name="days", label=Text("几天内完成", "Days"), kind="number", default=7, least=1, most=365),
        ),
    ),
    FlowNode(
        key="print", name=Text("打印存档", "Print and file"), run=_print,
        hint=Text("生成 PDF,存在这件事里。", "Makes a PDF and keeps it with the case."),
        options=(NodeOption(name="paper", label=Text("哪张单据", "Paper"), kind="paper", required=True),),
    ),
    FlowNode(
        key="http", name=Text("调用外部地址", "Call an address"), run=_http, read=_read_http,
        hint=Text("把内容发到管理员登记的地址,例如 ERP。", "Sends to an address the administrator registered, such as the ERP."),
        options=(
            NodeOption(name="address", label=Text("发到哪里", "Address"), kind="address", required=True),
            NodeOption(name="method", label=Text("方法", "Method"), kind="choice", default="POST", choices=METHODS),
            NodeOption(
                name="path", label=Text("地址后面接什么", "Path below the address"), kind="value",
                hint=Text("例如 /lots/{批次}/hold", "As in /lots/{Lot}/hold"),
            ),
            NodeOption(
                name="body", label=Text("发什么", "What is sent"), kind="pairs", of="*",
                hint=Text("一个名称一个内容;空着时发编号、标题和网址", "A value for each name; number, title and address where it is empty"),
            ),
            NodeOption(
                name="take", label=Text("从回答里取什么", "What is taken from the answer"), kind="names",
                hint=Text("右边写回答里的位置,例如 data.ticket", "On the right the place in the answer, as in data.ticket"),
            ),
            NodeOption(name="wait", label=Text("等对方回话再往下走", "Wait until the other side answers"), kind="yes"),
        ),
    ),
    FlowNode(
        key="callback", name=Text("通知外部系统并等它回话", "Tell other systems and wait"), run=_callback,
        hint=Text("发出 webhook「流程在等外部系统回话」,里面有回话的地址。", "Sends the webhook “a flow waits”, which names where to answer."),
    ),
)  # fmt: skip


@hookimpl
def qtrace_register_flow_nodes() -> Sequence[FlowNode]:
    """Return the nodes of this package."""
    return NODES
