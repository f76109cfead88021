"""Every function formulas can call, as one table of data; the reference in the documentation is made from it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from qtrace.conditions import formula_choices as choices
from qtrace.conditions import formula_dates as dates
from qtrace.conditions import formula_numbers as numbers
from qtrace.conditions import formula_texts as texts
from qtrace.conditions.formula_check import common
from qtrace.conditions.formula_tree import Environment, Function, Parameter
from qtrace.conditions.formula_values import CallError, Kind, Type, Value

_NUMBER, _TEXT, _BOOL = Type(Kind.NUMBER), Type(Kind.TEXT), Type(Kind.BOOL)
_DATE, _DATETIME, _ANY = Type(Kind.DATE), Type(Kind.DATETIME), Type(Kind.ANY)
_DAYS = frozenset({Kind.DATE, Kind.DATETIME})


def _(message: str) -> str:
    """Mark a message for the catalogue; whoever shows it translates it."""
    return message


def _one(name: str, *kinds: Kind) -> Parameter:
    return Parameter(name, frozenset(kinds))


def _many(name: str, *kinds: Kind) -> Parameter:
    return Parameter(name, frozenset(kinds), takes_list=True)


def _shared(types: Sequence[Type]) -> Type | None:
    """Return the single kind all arguments have."""
    return common([Type(item.kind) for item in types])


def _dated(types: Sequence[Type]) -> Type | None:
    return common(types[:1])


def _as_date(types: Sequence[Type]) -> Type | None:
    is_whole = len(types) == 3 and common([_NUMBER, *types])
    is_taken = len(types) == 1 and types[0].kind is not Kind.NUMBER
    if not (is_whole or is_taken):
        raise CallError(dates.DATE_WRITTEN)
    return _DATE


def _between(types: Sequence[Type]) -> Type | None:
    return _NUMBER if common(types[:2]) else None


def _plain(
    name: str,
    name_zh: str,
    parameters: tuple[Parameter, ...],
    result: Type | Callable[[Sequence[Type]], Type | None],
    call: Callable[[Environment, Sequence[Value]], Value],
    help_zh: str,
    help_en: str,
    example: str,
    required: int | None = None,
    repeats: int = 0,
    takes_empty: bool = False,
) -> Function:
    needed = len(parameters) if required is None else required
    return Function(
        name, name_zh, parameters, result, call, help_zh, help_en, example, needed, repeats, takes_empty=takes_empty
    )


_X, _T = _one(_("数"), Kind.NUMBER), _one(_("文字"), Kind.TEXT)
_NUMBERS_OR_LISTS = (_many(_("数或一列数"), Kind.NUMBER),)
_COMPARABLE = (_many(_("值或一列值"), Kind.NUMBER, Kind.DATE, Kind.DATETIME),)
_DAY = Parameter(_("日期"), _DAYS)
_UNIT = Parameter(_("单位"), frozenset({Kind.TEXT}), options=frozenset(dates.UNITS))
_CONDITION, _VALUE = _one(_("条件"), Kind.BOOL), _one(_("值"))

BUILT_IN: tuple[Function, ...] = (
    Function(
        "if", "如果", (_CONDITION, _one(_("是则")), _one(_("否则"))), choices.chosen, None,
        "条件成立给第一个值,否则给第二个;不写第二个就是空", "The first value when the condition holds, otherwise the second.",
        'if(2 > 1, "合格", "不合格") → 合格', 2, lazy=choices.choose,
    ),
    Function(
        "ifs", "依次如果", (_CONDITION, _VALUE), choices.chosen, None,
        "依次看各条件,给第一个成立的值;末尾可加一个都不成立时的值", "The value after the first condition that holds.",
        'ifs(1 > 2, "甲", 3 > 2, "乙", "丙") → 乙', 2, 2, has_rest=True, lazy=choices.choose,
    ),
    Function(
        "switch", "对应", (_one(_("看的值")), _one(_("等于")), _VALUE), choices.switched, None,
        "与哪个值相等就给它后面的值;末尾可加都不相等时的值", "The value after the case that equals the first value.",
        'switch("B", "A", 1, "B", 2, 0) → 2', 3, 2, has_rest=True, lazy=choices.switch,
    ),
    Function(
        "coalesce", "首个非空", (_VALUE,), _shared, None,
        "给第一个不为空的值", "The first value that is not empty.",
        "coalesce(null, 5) → 5", 1, 1, lazy=choices.coalesce,
    ),
    _plain(
        "isblank", "为空", (_many(_("值")),), _BOOL, choices.is_blank,
        "值是否为空(没填,或空文字)", "Whether a value is empty.", "isblank(null) → 是", takes_empty=True,
    ),
    _plain(
        "round", "四舍五入", (_X, _one(_("小数位数"), Kind.NUMBER)), _NUMBER, numbers.round_half_up,
        "四舍五入到几位小数,不写就是整数;负数表示到十位、百位", "Round half up to so many decimals.",
        "round(2.345, 2) → 2.35", 1,
    ),
    _plain("floor", "向下取整", (_X,), _NUMBER, numbers.floor, "不大于它的最大整数", "Round down.", "floor(-1.5) → -2"),
    _plain("ceil", "向上取整", (_X,), _NUMBER, numbers.ceil, "不小于它的最小整数", "Round up.", "ceil(1.2) → 2"),
    _plain("abs", "绝对值", (_X,), _NUMBER, numbers.absolute, "去掉正负号", "Drop the sign.", "abs(-3) → 3"),
    _plain(
        "min", "最小", _COMPARABLE, _shared, numbers.least, "最小的数或最早的日期,空值不算",
        "The least number or earliest date; empty values are left out.", "min(3, 1, 2) → 1", 1, 1, takes_empty=True,
    ),
    _plain(
        "max", "最大", _COMPARABLE, _shared, numbers.greatest, "最大的数或最晚的日期,空值不算",
        "The greatest number or latest date; empty values are left out.", "max(3, 1, 2) → 3", 1, 1, takes_empty=True,
    ),
    _plain(
        "sum", "合计", _NUMBERS_OR_LISTS, _NUMBER, numbers.total, "相加,空值不算;如 sum(明细.数量)",
        "Add up; empty values are left out.", "sum(1, 2, 3.5) → 6.5", 1, 1, takes_empty=True,
    ),
    _plain(
        "avg", "平均", _NUMBERS_OR_LISTS, _NUMBER, numbers.mean, "平均值,空值不算",
        "The mean; empty values are left out.", "avg(1, 2) → 1.5", 1, 1, takes_empty=True,
    ),
    _plain(
        "count", "计数", (_many(_("值或一列值")),), _NUMBER, numbers.count, "不为空的值有几个",
        "How many values are not empty.", 'count(1, null, "a") → 2', 1, 1, takes_empty=True,
    ),
    _plain("len", "字数", (_T,), _NUMBER, texts.length, "有几个字", "How many characters.", 'len("漏液a") → 3', takes_empty=True),
    _plain(
        "left", "左取", (_T, _one(_("字数"), Kind.NUMBER)), _TEXT, texts.left, "开头几个字", "The first characters.",
        'left("QI-2611", 2) → QI',
    ),
    _plain(
        "right", "右取", (_T, _one(_("字数"), Kind.NUMBER)), _TEXT, texts.right, "末尾几个字", "The last characters.",
        'right("QI-2611", 4) → 2611',
    ),
    _plain(
        "mid", "中取", (_T, _one(_("从第几个字"), Kind.NUMBER), _one(_("字数"), Kind.NUMBER)), _TEXT, texts.middle,
        "从第几个字起取几个字", "So many characters from a place counted from 1.", 'mid("QI-2611", 4, 2) → 26',
    ),
    _plain("upper", "大写", (_T,), _TEXT, texts.upper, "字母变大写", "In capitals.", 'upper("a1") → A1'),
    _plain("lower", "小写", (_T,), _TEXT, texts.lower, "字母变小写", "In small letters.", 'lower("A1") → a1'),
    _plain("trim", "去空白", (_T,), _TEXT, texts.trim, "去掉首尾空白", "Without blanks at the ends.", 'trim(" a ") → a'),
    _plain(
        "concat", "连接", (_VALUE,), _TEXT, texts.joined, "依次连成文字,空值不占位", "The values one after another as text.",
        'concat("批", 7, null) → 批7', 1, 1, takes_empty=True,
    ),
    _plain(
        "contains", "包含", (_many(_("文字或一列文字"), Kind.TEXT), _one(_("找什么"), Kind.TEXT)), _BOOL, texts.contains,
        "文字里有没有这几个字;一列里有没有这个值", "Whether a text has the part, or a list the value.",
        'contains("瓶口漏液", "漏液") → 是', takes_empty=True,
    ),
    _plain(
        "replace", "替换", (_T, _one(_("找什么"), Kind.TEXT), _one(_("换成"), Kind.TEXT)), _TEXT, texts.replace,
        "把每一处都换掉", "Replace every occurrence.", 'replace("A-1-2", "-", "/") → A/1/2', takes_empty=True,
    ),
    _plain(
        "text", "转文字", (_VALUE,), _TEXT, texts.as_text, "数字、日期等变成文字", "A value as text.",
        "text(1.50) → 1.5", takes_empty=True,
    ),
    _plain(
        "number", "转数字", (_one(_("文字"), Kind.TEXT, Kind.NUMBER),), _NUMBER, texts.as_number, "文字写的数字变成数字",
        "The number a text spells.", 'number("12.5") → 12.5',
    ),
    _plain("today", "今天", (), _DATE, dates.today, "今天的日期", "The date it is.", "today() → 2026-11-02"),
    _plain("now", "现在", (), _DATETIME, dates.now, "现在的日期时间", "The moment it is.", "year(now()) → 2026"),
    _plain("year", "年", (_DAY,), _NUMBER, dates.part("year"), "年份", "The year.", 'year(date("2026-11-02")) → 2026'),
    _plain("month", "月", (_DAY,), _NUMBER, dates.part("month"), "月份", "The month.", 'month(date("2026-11-02")) → 11'),
    _plain("day", "日", (_DAY,), _NUMBER, dates.part("day"), "几号", "The day of the month.", 'day(date("2026-11-02")) → 2'),
    _plain(
        "date", "日期",
        (_one(_("年或日期"), Kind.NUMBER, Kind.TEXT, Kind.DATE, Kind.DATETIME), _one(_("月"), Kind.NUMBER), _one(_("日"), Kind.NUMBER)),
        _as_date, dates.as_date, "年月日组成日期,或取日期时间、文字里的日期", "A date from year, month and day, or of a moment or a text.",
        "date(2026, 11, 2) → 2026-11-02", 1,
    ),
    _plain(
        "date_add", "日期加", (_DAY, _one(_("几个"), Kind.NUMBER), _UNIT), _dated, dates.date_add,
        "加几天(或周、月、年;日期时间还可加小时、分钟),负数为减", "A date so many days, or other units, later.",
        'date_add(date(2026, 1, 31), 1, "month") → 2026-02-28', 2,
    ),
    _plain(
        "date_diff", "日期差", (_DAY, Parameter(_("结束"), _DAYS), _UNIT), _between, dates.date_diff,
        "从开始到结束几天(或其他单位);月、年只数满的", "The time from the first date to the second, in days or another unit.",
        "date_diff(date(2026, 1, 1), date(2026, 3, 1)) → 59", 2,
    ),
    _plain(
        "workdays", "工作日", (_DAY, Parameter(_("结束"), _DAYS)), _NUMBER, dates.workdays,
        "从开始那天起、结束那天之前有几个工作日,按工作日历", "The working days from the first date up to and without the second.",
        "workdays(date(2026, 11, 2), date(2026, 11, 9)) → 5",
    ),
    _plain(
        "lookup", "查表", (_one(_("表名"), Kind.TEXT), _one(_("关键值"))), _ANY, dates.lookup, "按关键值在表里查一个值",
        "Find a value in a list by its key.", 'lookup("税率", "A") → 13',
    ),
)  # fmt: skip


def with_functions(built_in: Mapping[str, Function], more: Iterable[Function]) -> Mapping[str, Function]:
    """Return the functions by every name they answer to; refuse a name that is taken."""
    found = dict(built_in)
    for function in more:
        for name in (function.name.lower(), function.name_zh):
            if name in found:
                raise ValueError(f"there is a function {name} already")
            found[name] = function
    return MappingProxyType(found)


FUNCTIONS = with_functions({}, BUILT_IN)
