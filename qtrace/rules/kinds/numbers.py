"""Kinds that look at numbers: range, step, decimals, limits, and what was usual before."""

from collections.abc import Sequence
from decimal import Decimal
from statistics import median

from qtrace.rules.kinds.saying import NUMBERS, as_number, fault, plain
from qtrace.sdk.rules import Fault, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

MAD_TO_SIGMA = Decimal("1.4826")  # of a normal distribution
LEAST_HISTORY = 8
MOST_HISTORY = 300
USUAL_SPREAD = Decimal("3.5")
LEAST_SHARE = Decimal("0.05")  # of the median: numbers that never vary are not outliers for a hair's breadth


def in_range(case: RuleCase) -> Sequence[Fault]:
    """Find a number below the least or above the most."""
    number = as_number(case.value)
    return () if number is None else _outside(case, number, case.number("min"), case.number("max"), "")


def step(case: RuleCase) -> Sequence[Fault]:
    """Find a number that is not a whole number of steps away from the start."""
    number, width, start = as_number(case.value), case.number("step"), case.number("start") or Decimal(0)
    if number is None or not width or (number - start) % width == 0:
        return ()
    below = number - (number - start) % width
    return fault(
        "「%(zh)s」只能按 %(step)s 递增,您填了 %(value)s。请改为 %(below)s 或 %(above)s。",
        "“%(en)s” goes in steps of %(step)s, you typed %(value)s. Please use %(below)s or %(above)s.",
        zh=case.label.zh, en=case.label.en, step=plain(width), value=plain(number), below=plain(below),
        above=plain(below + width),
    )  # fmt: skip


def precision(case: RuleCase) -> Sequence[Fault]:
    """Find a number with too many decimals; zeros at the end do not count."""
    number, digits = as_number(case.value), case.number("digits") or Decimal(0)
    if number is None or _decimals(number) <= digits:
        return ()
    return fault(
        "「%(zh)s」最多 %(digits)s 位小数,您填了 %(value)s。请四舍五入。",
        "“%(en)s” takes at most %(digits)s decimals, you typed %(value)s. Please round it.",
        zh=case.label.zh, en=case.label.en, digits=plain(digits), value=plain(number),
    )  # fmt: skip


def integer(case: RuleCase) -> Sequence[Fault]:
    """Find a number that is not whole."""
    number = as_number(case.value)
    if number is None or _decimals(number) == 0:
        return ()
    return fault(
        "「%(zh)s」要填整数,您填了 %(value)s。",
        "“%(en)s” must be a whole number, you typed %(value)s.",
        zh=case.label.zh, en=case.label.en, value=plain(number),
    )  # fmt: skip


def spec_limits(case: RuleCase) -> Sequence[Fault]:
    """Find a measured value outside the limits: the rule's own, else those of the quality standard, else the field's."""
    number = as_number(case.value)
    if number is None:
        return ()
    low, high, unit = case.number("min"), case.number("max"), case.text("unit")
    if low is None and high is None:
        limits = case.world.limits(case.text("standard") or case.label.zh, case.values) or case.limits
        low, high, unit = limits.low, limits.high, unit or limits.unit
    return _outside(case, number, low, high, unit, spec=True)


def outlier(case: RuleCase) -> Sequence[Fault]:
    """Find a number far from what was usual: outside median ± k·MAD of the newest records."""
    number = as_number(case.value)
    same = {name: case.values.get(name) for name in case.names("same")}
    if number is None or any(value is None for value in same.values()):
        return ()
    known = case.world.recent_numbers(case.field, same, MOST_HISTORY)
    usual = usual_range(known, case.number("k") or USUAL_SPREAD, int(case.number("least") or LEAST_HISTORY))
    if usual is None or usual[0] <= number <= usual[1]:
        return ()
    return fault(
        "通常 %(low)s–%(high)s,您填了 %(value)s。请核对「%(zh)s」;确实如此请写明原因。",
        "Usually %(low)s–%(high)s, you typed %(value)s. Please check “%(en)s”; if it is right, say why.",
        low=plain(usual[0]), high=plain(usual[1]), value=plain(number), zh=case.label.zh, en=case.label.en,
    )  # fmt: skip


def usual_range(known: Sequence[Decimal], spread: Decimal, least: int) -> tuple[Decimal, Decimal] | None:
    """Return what was usual among the known numbers, None when there are too few to say; never wider than needed.

    The ends are rounded outwards to the decimals the numbers have, and do not pass zero when no number did.
    """
    if len(known) < max(least, 2):
        return None
    middle = median(known)
    away = median(abs(number - middle) for number in known) * MAD_TO_SIGMA
    reach = spread * max(away, abs(middle) * LEAST_SHARE)
    digits = max(_decimals(number) for number in known)
    unit = Decimal(1).scaleb(-digits)
    low, high = (middle - reach).quantize(unit, "ROUND_FLOOR"), (middle + reach).quantize(unit, "ROUND_CEILING")
    return (max(low, Decimal(0)) if min(known) >= 0 else low), high


def _outside(
    case: RuleCase, number: Decimal, low: Decimal | None, high: Decimal | None, unit: str, *, spec: bool = False
) -> Sequence[Fault]:
    if (low is None or number >= low) and (high is None or number <= high):
        return ()
    if low is not None and high is not None:
        zh, en = (
            "标准是 %(low)s–%(high)s%(unit)s" if spec else "应在 %(low)s–%(high)s%(unit)s 之间",
            "%(low)s–%(high)s%(unit)s",
        )
    elif low is not None:
        zh, en = "至少 %(low)s%(unit)s", "at least %(low)s%(unit)s"
    else:
        zh, en = "至多 %(high)s%(unit)s", "at most %(high)s%(unit)s"
    return fault(
        f"「%(zh)s」{zh},您填了 %(value)s。请核对后修改。",
        f"“%(en)s” must be {en}, you typed %(value)s. Please check it.",
        zh=case.label.zh, en=case.label.en, low=plain(low), high=plain(high), value=plain(number),
        unit=f" {unit}" if unit else "",
    )  # fmt: skip


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


MIN = RuleOption(name="min", kind="number", label=Text("最小", "At least"))
MAX = RuleOption(name="max", kind="number", label=Text("最大", "At most"))
KINDS = (
    RuleKind(
        key="range", name=Text("数值范围", "Range"), family="number", fits=NUMBERS, judge=in_range, needs=("min", "max"),
        hint=Text("最小、最大可以只填一个;金额按元。", "Either end may stay open."), options=(MIN, MAX),
        words="大小 上限 下限 最大 最小 min max",
    ),
    RuleKind(
        key="step", name=Text("按步长", "Steps"), family="number", fits=NUMBERS, judge=step,
        hint=Text("例如只能按 6 瓶一箱递增。", "For example only whole boxes of 6."),
        options=(
            RuleOption(name="step", kind="number", label=Text("步长", "Step"), required=True),
            RuleOption(name="start", kind="number", label=Text("从几开始", "Start at")),
        ), words="倍数 整箱 multiple",
    ),
    RuleKind(
        key="precision", name=Text("小数位数", "Decimals"), family="number", fits=NUMBERS, judge=precision,
        hint=Text("最多几位小数。", "How many decimals at most."),
        options=(RuleOption(name="digits", kind="whole", label=Text("最多几位", "At most"), required=True, least=0, most=6),),
        words="精度 decimals",
    ),
    RuleKind(
        key="integer", name=Text("只能是整数", "Whole numbers only"), family="number", fits=NUMBERS, judge=integer,
        hint=Text("不接受小数。", "Takes no decimals."), words="整数 whole",
    ),
    RuleKind(
        key="spec_limits", name=Text("质量标准限值", "Limits of the standard"), family="number", fits=NUMBERS, judge=spec_limits,
        hint=Text(
            "测量值要在限值内。上下限都不填时用商品的质量标准,没有标准时用字段自己的限值。",
            "The measured value must lie within its limits: the rule's, else the quality standard's, else the field's.",
        ),
        options=(
            MIN, MAX, RuleOption(name="unit", label=Text("单位", "Unit")),
            RuleOption(name="standard", label=Text("标准里的名称", "Name in the standard"), hint=Text("不填就用字段名", "The field's name when empty")),
        ), words="规格 上下限 封样 检验 spec",
    ),
    RuleKind(
        key="outlier", name=Text("和往常差太多", "Far from what is usual"), family="number", fits=NUMBERS, judge=outlier,
        level="warn",
        hint=Text(
            "和最近的记录比(中位数 ± k·MAD),例如“通常 3–12,您填了 120”。",
            "Compares with the newest records (median ± k·MAD), as in “usually 3–12, you typed 120”.",
        ),
        options=(
            RuleOption(name="k", kind="number", label=Text("允许偏离的倍数 k", "Spread k"), default=USUAL_SPREAD, hint=Text("越大越宽松", "Larger is more lenient")),
            RuleOption(name="least", kind="whole", label=Text("至少有几条记录才判断", "Judge from so many records on"), default=LEAST_HISTORY, least=3, most=MOST_HISTORY),
            RuleOption(name="same", kind="fields", label=Text("只和这些字段相同的记录比", "Compare only with records alike in")),
        ), words="异常值 离群 通常 outlier unusual",
    ),
)  # fmt: skip
