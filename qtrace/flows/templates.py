"""The flows the product ships: each a whole definition a company may start from, with what it is for.

They are data. A template becomes a flow of the company by being published under a key, and is its own from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.flows.default import FIVE_STAGES, HOUR, WORKDAY
from qtrace.flows.definition import Definition
from qtrace.flows.reading import parse_definition

Plain = dict[str, Any]

INITIATOR: Final[list[Plain]] = [{"kind": "initiator"}]
HEAD: Final[list[Plain]] = [{"kind": "head"}]
REFUND_LIMIT, REFUND_HIGH = 200, 2000
CLAIM_LIMIT, CLAIM_HIGH = 1000, 20000


@dataclass(frozen=True)
class FlowTemplate:
    """A shipped flow: its key, what it is about (issue, complaint or record), and why a company would want it."""

    key: str
    subject: str
    purpose: LazyString
    plain: Plain

    @property
    def definition(self) -> Definition:
        """Return the flow as the engine reads it."""
        return _parsed(self.key)


def _role(*keys: str) -> list[Plain]:
    return [{"kind": "role", "value": key} for key in keys]


def _node(key: str, kind: str, zh: str, en: str, who: list[Plain], minutes: int, **more: Any) -> Plain:
    return {"id": key, "kind": kind, "name_zh": zh, "name_en": en, "who": who, "due_minutes": minutes} | more


def _pooled(key: str, kind: str, zh: str, en: str, who: list[Plain], minutes: int, **more: Any) -> Plain:
    """Return a node one of several people takes."""
    return _node(key, kind, zh, en, who, minutes, signing={"mode": "claim"}, **more)


def _cc(key: str, zh: str, en: str, who: list[Plain]) -> Plain:
    return {"id": key, "kind": "cc", "name_zh": zh, "name_en": en, "who": who}


def _split(key: str, kind: str, zh: str, en: str, *branches: Plain) -> Plain:
    return {"id": key, "kind": kind, "name_zh": zh, "name_en": en, "branches": list(branches)}


def _way(key: str, zh: str, en: str, *nodes: Plain, when: Plain | None = None) -> Plain:
    return {"id": key, "name_zh": zh, "name_en": en, "nodes": list(nodes)} | ({"condition": when} if when else {})


def _over(field: str, amount: int) -> Plain:
    return {"field": field, "op": "gt", "value": amount}


def _flow(key: str, zh: str, en: str, *nodes: Plain, **more: Any) -> Plain:
    return {"key": key, "version": 1, "name_zh": zh, "name_en": en, "nodes": list(nodes)} | more


# What the conditions of shipped flows ask for, where no form of the company says what it is called.
ASKED: Final[Mapping[str, LazyString]] = {
    "amount": _("金额(元)"), "result": _("结论"), "safety": _("涉及安全"), "price_changed": _("价格或赠品有变"),
}  # fmt: skip
SIGNED: Final[Plain] = {"opinion": True, "signature": True}
NOT_ONESELF: Final[Plain] = {"self_approval": "head", "reject_to": "initiator"}
BY_BOSS: Final[Plain] = {"self_approval": "self", "reject_to": "terminate", "overdue": "escalate", "reminders": 2}

SMALL_COMPANY = _flow(
    "small_company", "小公司三步", "Small company: three steps",
    _node("record", "start", "登记", "Record", INITIATOR, 4 * HOUR, permission="issue.create"),
    _pooled("handle", "handle", "办理", "Handle", _role("inspector", "quality_lead"), 2 * WORKDAY, permission="issue.decide"),
    _node("approve", "approve", "老板同意", "Owner agrees", _role("owner"), WORKDAY, permission="issue.read",
          policies={"self_approval": "self", "reject_to": "previous", "after_return": "straight", "repeated": "consecutive"}),
    _pooled("verify", "verify", "看效果", "Check the effect", _role("quality_lead"), 20 * WORKDAY, permission="issue.decide",
            options={"wait_days": 14, "wait_units": 100, "fail_to": "handle"}),
    reopen_at="handle",
)  # fmt: skip

REFUSED_LOT = _flow(
    "refused_lot", "检验不合格的批", "Refused lot",
    _node("record", "start", "登记", "Record", INITIATOR, 4 * HOUR, permission="issue.create"),
    _pooled("keep_apart", "handle", "隔离并贴红牌", "Keep it apart, tag it red", _role("inspector"), 2 * HOUR,
            permission="issue.decide", policies={"overdue": "escalate", "reminders": 1}),
    _node("judge_lot", "countersign", "质量与采购决定怎么处理", "Quality and purchasing decide", _role("quality_lead", "purchasing"), WORKDAY,
          signing={"mode": "all"}, permission="issue.decide", demands={"opinion": True},
          policies={"self_approval": "skip", "reject_to": "previous", "after_return": "straight"}),
    _pooled("settle_lot", "handle", "采购与供应商了结", "Purchasing settles with the supplier", _role("purchasing"), 5 * WORKDAY,
            permission="issue.decide", policies={"overdue": "escalate", "reminders": 2}),
    _pooled("next_lots", "verify", "看后面几批", "Look at the next lots", _role("quality_lead"), 20 * WORKDAY, permission="issue.decide"),
    reopen_at="judge_lot",
)  # fmt: skip

COMPLAINT_REFUND = _flow(
    "complaint_refund", "超额退款的客诉", "Complaint over the refund limit",
    _node("fill", "start", "登记客诉", "Record the complaint", INITIATOR, 2 * HOUR, permission="complaint.create"),
    _pooled("answer", "handle", "回复买家并给出方案", "Answer the buyer and propose", _role("customer_service"), 4 * HOUR,
            permission="complaint.handle", policies={"overdue": "escalate", "reminders": 2}),
    _split("by_amount", "branch", "按退款金额", "By refund amount",
           _way("high", "超过 2000 元", "Over 2,000",
                _node("lead_high", "approve", "质量主管同意", "Quality lead agrees", _role("quality_lead"), 4 * HOUR,
                      permission="complaint.read", policies=NOT_ONESELF, demands={"opinion": True}),
                _node("owner", "approve", "老板同意", "Owner agrees", _role("owner"), WORKDAY,
                      permission="complaint.read", policies=BY_BOSS | {"reject_to": "initiator"}, demands={"opinion": True}),
                when=_over("amount", REFUND_HIGH)),
           _way("middle", "超过 200 元", "Over 200",
                _node("lead", "approve", "质量主管同意", "Quality lead agrees", _role("quality_lead"), 4 * HOUR,
                      permission="complaint.read", policies=NOT_ONESELF | {"overdue": "transfer"}),
                when=_over("amount", REFUND_LIMIT)),
           _way("low", "200 元以内", "Up to 200")),
    _pooled("pay", "handle", "退款", "Refund", _role("customer_service"), 4 * HOUR, permission="complaint.handle"),
    _cc("tell", "抄送质量主管", "Copy to the quality lead", _role("quality_lead")),
    reopen_at="answer", withdrawal="untouched",
)  # fmt: skip

SAFETY_COMPLAINT = _flow(
    "safety_complaint", "安全类客诉", "Safety complaint",
    _node("fill", "start", "登记客诉", "Record the complaint", INITIATOR, HOUR, permission="complaint.create"),
    _cc("alarm", "立即告诉老板和质量主管", "Tell the owner and the quality lead at once", _role("owner", "quality_lead")),
    _split("at_once", "parallel", "同时进行", "At the same time",
           _way("goods", "货", "The goods",
                _pooled("stop", "handle", "停售并封存库存", "Stop selling and seal the stock", _role("inspector", "quality_lead"), 2 * HOUR,
                        permission="complaint.read", policies={"overdue": "escalate", "reminders": 1})),
           _way("buyer", "买家", "The buyer",
                _pooled("care", "handle", "联系买家、安排就医和退款", "Reach the buyer, see to care and refund", _role("customer_service"), HOUR,
                        permission="complaint.handle", policies={"overdue": "escalate", "reminders": 1}))),
    _pooled("cause", "handle", "查明原因", "Find the cause", _role("quality_lead"), 2 * WORKDAY,
            permission="complaint.read", demands={"opinion": True}),
    _node("decide", "countersign", "会签处理决定", "Countersign the decision", _role("quality_lead", "purchasing", "owner"), WORKDAY,
          signing={"mode": "all"}, permission="complaint.read", demands=SIGNED,
          policies={"reject_to": "previous", "after_return": "straight", "overdue": "escalate", "reminders": 2}),
    _pooled("close", "handle", "回访买家并归档", "Call the buyer back and file", _role("customer_service"), 3 * WORKDAY,
            permission="complaint.handle"),
    reopen_at="cause", withdrawal="never",
)  # fmt: skip

SUPPLIER_ACTION = _flow(
    "supplier_action", "供应商整改", "Supplier corrective action",
    _node("fill", "start", "提出整改要求", "Ask for the action", INITIATOR, WORKDAY, permission="record.create"),
    _node("approve", "approve", "质量主管审核要求", "Quality lead checks the request", _role("quality_lead"), WORKDAY,
          permission="record.approve", policies={"self_approval": "skip"}),
    _pooled("contain", "handle", "采购催供应商先做临时措施", "Purchasing gets the containment", _role("purchasing"), 2 * WORKDAY,
            permission="record.approve", policies={"overdue": "escalate", "reminders": 2}),
    _pooled("plan", "handle", "收回原因和永久措施", "Collect the cause and the permanent action", _role("purchasing"), 10 * WORKDAY,
            permission="record.approve", demands={"opinion": True}),
    _node("judge", "countersign", "质量与采购一起评审", "Quality and purchasing judge", _role("quality_lead", "purchasing"), 2 * WORKDAY,
          signing={"mode": "all"}, permission="record.approve", demands={"opinion": True},
          policies={"reject_to": "previous", "after_return": "straight"}),
    {"id": "wait", "kind": "timer", "name_zh": "等新批次到货", "name_en": "Wait for new lots",
     "options": {"minutes": 30 * WORKDAY, "working": True}},
    _pooled("verify", "verify", "看新批次的效果", "See the effect on new lots", _role("quality_lead"), 10 * WORKDAY,
            permission="record.approve"),
    reopen_at="plan",
)  # fmt: skip

INSPECTION_FAILURE = _flow(
    "inspection_failure", "检验不合格", "Inspection failure",
    _node("fill", "start", "填写检验结果", "Fill in the result", INITIATOR, 4 * HOUR, permission="record.create"),
    _split("by_result", "branch", "按结论", "By result",
           _way("failed", "不合格", "Failed",
                _pooled("isolate", "handle", "隔离并贴红牌", "Isolate and tag red", _role("inspector"), 2 * HOUR,
                        permission="record.approve", policies={"overdue": "escalate", "reminders": 1}),
                _node("review", "countersign", "评审:退货、挑选还是让步", "Review: return, sort or accept", _role("quality_lead", "purchasing"),
                      WORKDAY, signing={"mode": "all"}, permission="record.approve", demands=SIGNED,
                      policies={"self_approval": "skip", "reject_to": "chosen"}),
                _pooled("settle", "handle", "采购与供应商了结", "Purchasing settles with the supplier", _role("purchasing"), 5 * WORKDAY,
                        permission="record.approve"),
                when={"field": "result", "op": "ne", "value": "pass"}),
           _way("passed", "合格", "Passed",
                _cc("tell", "抄送采购", "Copy to purchasing", _role("purchasing")))),
    reopen_at="fill",
)  # fmt: skip

CLAIM_APPROVAL = _flow(
    "claim_approval", "索赔审批", "Claim approval by amount",
    _node("fill", "start", "填写索赔单", "Fill in the claim", INITIATOR, WORKDAY, permission="record.create"),
    _node("head", "approve", "部门负责人同意", "Head of department agrees", HEAD, WORKDAY, permission="record.read",
          policies=NOT_ONESELF | {"repeated": "once", "overdue": "transfer"}),
    _split("by_amount", "branch", "按索赔金额", "By amount",
           _way("high", "超过 2 万元", "Over 20,000",
                _node("three", "countersign", "质量、采购、老板会签", "Quality, purchasing and owner", _role("quality_lead", "purchasing", "owner"),
                      2 * WORKDAY, signing={"mode": "all"}, permission="record.read", demands=SIGNED,
                      policies={"reject_to": "initiator", "repeated": "once"}),
                when=_over("amount", CLAIM_HIGH)),
           _way("middle", "超过 1000 元", "Over 1,000",
                _node("two", "approve", "质量主管同意", "Quality lead agrees", _role("quality_lead"), WORKDAY, permission="record.approve",
                      policies=NOT_ONESELF | {"repeated": "once"}),
                when=_over("amount", CLAIM_LIMIT)),
           _way("low", "1000 元以内", "Up to 1,000")),
    _pooled("collect", "handle", "采购收款或抵扣", "Purchasing collects or offsets", _role("purchasing"), 20 * WORKDAY,
            permission="record.approve"),
    withdrawal="untouched",
)  # fmt: skip

LISTING_CHANGE = _flow(
    "listing_change", "商品页变更", "Change of listing",
    _node("fill", "start", "提出变更", "Propose the change", INITIATOR, WORKDAY, permission="record.create"),
    _split("checks", "inclusive", "要谁看", "Who has to look",
           _way("safety", "涉及安全说明", "Safety words",
                _node("quality", "approve", "质量主管核对", "Quality lead checks", _role("quality_lead"), WORKDAY,
                      permission="record.approve", demands={"opinion": True}, policies={"reject_to": "initiator"}),
                when={"field": "safety", "op": "is_true"}),
           _way("price", "价格或赠品变了", "Price or gift",
                _node("owner", "approve", "老板同意", "Owner agrees", _role("owner"), WORKDAY, permission="record.read", policies=BY_BOSS),
                when={"field": "price_changed", "op": "is_true"}),
           _way("plain", "只改文字图片", "Words and pictures only",
                _pooled("service", "approve", "客服核对说法", "Customer service checks the words", _role("customer_service"), 4 * HOUR,
                        permission="record.read", policies={"overdue": "pass", "reminders": 1, "self_approval": "skip"}))),
    _node("publish", "handle", "改好并上架", "Make the change", INITIATOR, WORKDAY, permission="record.create"),
    {"id": "wait", "kind": "timer", "name_zh": "等三天看客诉", "name_en": "Wait three days for complaints",
     "options": {"minutes": 3 * 24 * HOUR, "working": False}},
    _pooled("verify", "verify", "看退货和客诉有没有变多", "See whether returns or complaints rose", _role("quality_lead"), 2 * WORKDAY,
            permission="record.approve"),
    reopen_at="publish",
)  # fmt: skip

RECALL = _flow(
    "recall", "召回", "Recall",
    _node("fill", "start", "提出召回", "Propose the recall", INITIATOR, 2 * HOUR, permission="record.create"),
    _node("judge", "countersign", "质量、采购、老板决定", "Quality, purchasing and owner decide", _role("quality_lead", "purchasing", "owner"),
          4 * HOUR, signing={"mode": "all"}, permission="record.read", demands={"opinion": True, "signature": True, "level": 1},
          policies={"reject_to": "terminate", "overdue": "escalate", "reminders": 1}),
    _split("at_once", "parallel", "同时进行", "At the same time",
           _way("stock", "仓库", "Warehouse",
                _pooled("seal", "handle", "封存库存、拦截在途", "Seal the stock, stop parcels", _role("inspector"), 2 * HOUR,
                        permission="record.approve", policies={"reminders": 1})),
           _way("shop", "店铺", "Shops",
                _pooled("unlist", "handle", "全部店铺下架", "Take it off every shop", _role("customer_service"), HOUR,
                        permission="record.read", policies={"reminders": 1}),
                _pooled("notify", "handle", "逐单通知买家", "Tell every buyer", _role("customer_service"), 2 * WORKDAY,
                        permission="record.read")),
           _way("source", "供应商", "Supplier",
                _pooled("supplier", "handle", "通知供应商并保留证据", "Tell the supplier, keep the evidence", _role("purchasing"), WORKDAY,
                        permission="record.approve"))),
    _pooled("count", "handle", "核对召回数量", "Reconcile the quantities", _role("quality_lead"), 10 * WORKDAY,
            permission="record.approve", demands={"opinion": True}),
    _node("report", "approve", "老板确认召回结束", "Owner confirms the end", _role("owner"), 2 * WORKDAY, permission="record.read",
          demands=SIGNED, policies={"reject_to": "previous", "after_return": "straight"}),
    _cc("tell", "抄送全体相关人员", "Copy to everybody concerned", _role("quality_lead", "inspector", "purchasing", "customer_service")),
    reopen_at="count", withdrawal="never",
)  # fmt: skip

TEMPLATES: Final[tuple[FlowTemplate, ...]] = (
    FlowTemplate("quality_issue", "issue", _("质量问题从登记到看效果的五个阶段:定责、查原因、整改,最后用数据证明有效。每一步都要把该填的填好才能往下走。"), FIVE_STAGES),
    FlowTemplate("small_company", "issue", _("人少的公司用三步就够:有人办理,老板同意,过一段时间看效果。被驳回后改好直接回到老板,不用从头走。"), SMALL_COMPANY),
    FlowTemplate("refused_lot", "issue", _("检验判为不合格的批开的问题:先隔离,质量和采购一起决定退货、返工还是让步,采购与供应商了结,再看后面几批。"), REFUSED_LOT),
    FlowTemplate("complaint_refund", "complaint", _("客服自己能决定小额退款;超过 200 元由质量主管同意,超过 2000 元再由老板同意。超时会提醒并上报,不让买家久等。"), COMPLAINT_REFUND),
    FlowTemplate("safety_complaint", "complaint", _("可能伤人的客诉:马上告诉老板,停售封存和照顾买家同时做,查明原因后三方签名会签。"), SAFETY_COMPLAINT),
    FlowTemplate("supplier_action", "record", _("让供应商整改:先要临时措施,再收原因和永久措施,评审通过后等新批次到货,看效果再了结。"), SUPPLIER_ACTION),
    FlowTemplate("inspection_failure", "record", _("检验合格的抄送采购就结束;不合格的隔离、质量和采购会签怎么处理,再由采购与供应商了结。"), INSPECTION_FAILURE),
    FlowTemplate("claim_approval", "record", _("向供应商或快递索赔:部门负责人先看,超过 1000 元加质量主管,超过 2 万元质量、采购、老板会签。同一个人同意过就不再问。"), CLAIM_APPROVAL),
    FlowTemplate("listing_change", "record", _("改商品页:涉及安全说明由质量主管核对,动价格由老板同意,只改文字图片客服看一眼。上架三天后看退货和客诉。"), LISTING_CHANGE),
    FlowTemplate("recall", "record", _("召回一个批次:三方签名决定后,仓库封存、店铺下架、通知供应商同时进行,最后核对数量、老板确认。"), RECALL),
)  # fmt: skip


def template_of(key: str) -> FlowTemplate | None:
    """Return the shipped flow with this key."""
    return next((one for one in TEMPLATES if one.key == key), None)


@cache
def _parsed(key: str) -> Definition:
    return parse_definition(next(one.plain for one in TEMPLATES if one.key == key))
