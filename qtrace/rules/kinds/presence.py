"""Kinds that ask whether there is an answer, and those that change what the form asks."""

from collections.abc import Sequence

from qtrace.rules.kinds.saying import ANY, LISTS, fault
from qtrace.sdk.rules import Fault, Holds, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

CLOSE = "close"
CHOSEN: frozenset[Holds] = frozenset[Holds]({"text", "ref"}) | LISTS
FILLED: frozenset[Holds] = ANY - frozenset[Holds]({"files", "rows"})
KEEP = RuleOption(
    name="keep", kind="yes", label=Text("保留原来的值", "Keep the old value"),
    hint=Text("不勾选时,隐藏的字段会被清空:看不见的值没有人能核对。", "Otherwise a hidden field is emptied: nobody can check what nobody sees."),
)  # fmt: skip


def nothing(_case: RuleCase) -> Sequence[Fault]:
    """Find nothing: the kind only changes the form."""
    return ()


def required(case: RuleCase) -> Sequence[Fault]:
    """Find an answer that is missing; a switch that is off is an answer."""
    if not case.missing:
        return ()
    return fault("请填写「%(zh)s」。", "Please fill in “%(en)s”.", zh=case.label.zh, en=case.label.en)


def stage_gate(case: RuleCase) -> Sequence[Fault]:
    """Find an answer that is missing when the stage is left."""
    stage = case.text("stage")
    if not case.leaving or stage != case.leaving or not case.missing:
        return ()
    return fault(
        "「%(zh)s」还是空的。请先填写,再进入下一步。",
        "“%(en)s” is still empty. Please fill it in before you go on.",
        zh=case.label.zh,
        en=case.label.en,
    )


def allowed(case: RuleCase) -> Sequence[Fault]:
    """Find a choice that the rule leaves out."""
    given = case.value if isinstance(case.value, tuple) else (case.value,)
    if {str(one) for one in given} <= set(case.names("values")):
        return ()
    return fault(
        "「%(zh)s」在这种情况下不能这样选。请从还能选的几项中选择。",
        "This choice of “%(en)s” does not fit here. Please choose one of those that are left.",
        zh=case.label.zh,
        en=case.label.en,
    )


KINDS = (
    RuleKind(
        key="required", name=Text("必填", "Required"), family="presence", fits=ANY, judge=required, judges_missing=True,
        hint=Text("没有填就提醒;加上条件就是“某种情况下必填”。", "Asks for an answer; with a condition it is required only then."),
        effect="require", words="不能为空 必须 bitian mandatory empty",
    ),
    RuleKind(
        key="stage_gate", name=Text("离开某一步前必填", "Needed to leave a stage"), family="presence", fits=ANY,
        judge=stage_gate, judges_missing=True,
        hint=Text("登记时可以空着,离开这一步或结案前必须填好。", "May stay empty at first, but not when the stage is left or the case is closed."),
        options=(RuleOption(name="stage", kind="stage", label=Text("哪一步", "Which stage"), required=True),),
        words="结案 关闭 阶段 流程 close step",
    ),
    RuleKind(
        key="show", name=Text("符合条件才显示", "Show only if"), family="effect", fits=ANY, judge=nothing, effect="show",
        hint=Text("条件成立时显示这个字段,否则隐藏。", "Shows the field while the condition holds, hides it otherwise."), options=(KEEP,),
        words="显隐 可见 visible",
    ),
    RuleKind(
        key="hide", name=Text("符合条件就隐藏", "Hide if"), family="effect", fits=ANY, judge=nothing, effect="hide",
        hint=Text("条件成立时不问这个字段。", "Does not ask for the field while the condition holds."), options=(KEEP,),
        words="显隐 不显示 invisible",
    ),
    RuleKind(
        key="readonly", name=Text("只读", "Read-only"), family="effect", fits=ANY, judge=nothing, effect="readonly",
        hint=Text("可以看,不能改;保存时以原来的值为准。", "Can be read but not changed; the old value is kept."), words="锁定 不能改 lock",
    ),
    RuleKind(
        key="set", name=Text("自动填入", "Set a value"), family="effect", fits=FILLED, judge=nothing,
        effect="set", needs=("value", "from", "formula"),
        hint=Text("条件成立时填入固定值、另一个字段的值,或公式的结果。", "Fills in a fixed value, that of another field or a formula's result while the condition holds."),
        options=(
            RuleOption(name="value", kind="value", label=Text("填入的值", "Value")),
            RuleOption(name="from", kind="field", label=Text("或取自字段", "Or taken from")),
            RuleOption(name="formula", kind="formula", label=Text("或按公式算", "Or worked out")),
            RuleOption(name="only_empty", kind="yes", label=Text("只在空着时填入", "Only when it is empty")),
        ), words="赋值 带出 默认 default",
    ),
    RuleKind(
        key="clear", name=Text("清空", "Empty it"), family="effect", fits=ANY, judge=nothing, effect="clear",
        hint=Text("条件成立时清空这个字段。", "Empties the field while the condition holds."), words="删除 重置 reset",
    ),
    RuleKind(
        key="filter_options", name=Text("只留部分选项", "Narrow the choices"), family="effect",
        fits=CHOSEN, judge=allowed, effect="filter",
        hint=Text("条件成立时只能选这几项,例如“包装破损”只能选包装类的处置。", "Leaves only these choices while the condition holds."),
        options=(RuleOption(name="values", kind="values", label=Text("留下的选项", "Choices that stay"), required=True),),
        words="级联 过滤 筛选 cascade options",
    ),
)  # fmt: skip
