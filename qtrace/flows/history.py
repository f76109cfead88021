"""What the history of a case calls the things that were done, and who did the last of them."""

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import require_write
from qtrace.flows.definition import JUDGING, Node, Tree
from qtrace.flows.models import FlowDecision
from qtrace.flows.state import Decide, Finish, Join, Operation, Signal, State, Token

FILLED = frozenset({"start", "fill"})  # what is done there is handing in
WORDS = {
    "Return": "return", "Withdraw": "withdraw", "TakeItBack": "take_back", "Transfer": "transfer",
    "Delegate": "delegate", "AddSigners": "add_signers", "RemoveSigner": "remove_signer", "Claim": "claim",
    "Release": "release", "HandOver": "hand_over", "TimedOut": "timeout", "Signal": "signal", "Jump": "jump",
    "Reopen": "reopen", "Join": "join",
}  # fmt: skip


def verdict_word(tree: Tree, before: State, operation: Operation) -> str:
    """Return the word a history shows for an operation."""
    match operation:
        case Finish(_by, status):
            return "close" if status == "closed" else "terminate"
        case Signal(passed=False):
            return "failed"
        case Decide(entry, _by, "reject"):
            return "reject"
        case Join(leave=True):
            return "unjoin"
        case Decide(entry):
            node = next((one.node for one in before.tokens if _has(one, entry)), "")
            return "approve" if node and tree.nodes[node].kind == "countersign" else "submit"
        case _:
            return WORDS[type(operation).__name__]


def word_of(verdict: str) -> str:
    """Return what a history calls a kind of decision."""
    words = {
        "submit": _("提交"), "approve": _("同意"), "reject": _("驳回"), "return": _("退回"), "terminate": _("终止"),
        "reopen": _("重新打开"), "close": _("结案"), "withdraw": _("撤回"), "take_back": _("取回"),
        "transfer": _("转交"), "delegate": _("委派"), "add_signers": _("加签"), "remove_signer": _("减签"),
        "claim": _("领取"), "release": _("放回"), "hand_over": _("交接"), "timeout": _("超时"),
        "signal": _("自动推进"), "failed": _("自动退回"), "jump": _("跳转"),
        "migrate": _("换到新版本"), "join": _("追加"), "unjoin": _("取消追加"),
    }  # fmt: skip
    return words.get(verdict, verdict)


def word_at(verdict: str, node: Node | None) -> str:
    """Return what a history calls a decision at a node, as the button there is called."""
    if verdict == "submit" and node is not None and node.kind not in FILLED:
        return _("同意") if node.kind in JUDGING else _("完成")
    return word_of(verdict)


def node_of(tree: Tree, before: State, operation: Operation) -> str | None:
    """Return the node an operation was done at, the first one the case stood on where it concerned the whole.

    People who join do so at a node ahead.
    """
    if isinstance(operation, Join):
        return operation.target
    entry, token_id = getattr(operation, "entry", None), getattr(operation, "token", None)
    for token in before.tokens:
        if token.id == token_id or (entry is not None and _has(token, entry)):
            return token.node
    first = sorted(before.tokens, key=lambda token: tree.order[token.node])
    return first[0].node if first else None


def who_was_faster(instance_id: int, tree: Tree) -> str:
    """Return what to tell somebody whose decision came too late: who decided what before."""
    last = (
        require_write()
        .execute(
            select(FlowDecision.verdict, FlowDecision.node, FlowDecision.at, User.name)
            .join(User, User.id == FlowDecision.by, isouter=True)
            .where(FlowDecision.instance_id == instance_id)
            .order_by(FlowDecision.version.desc())
            .limit(1)
        )
        .one_or_none()
    )
    if last is None:
        return _("页面已过期,您的决定没有保存。请刷新后再看。")
    node = tree.nodes.get(last.node)
    return _(
        "%(name)s 刚刚已对「%(node)s」作出决定:%(verdict)s。您的决定没有保存,请刷新后再看。",
        name=last.name or _("系统"), node=node.name_zh if node else "", verdict=word_at(last.verdict, node),
    )  # fmt: skip


def _has(token: Token, entry: int) -> bool:
    return any(one.id == entry for seat in token.seats for one in seat.chain)
