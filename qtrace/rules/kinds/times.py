"""Kinds that look at days and moments."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from qtrace.rules.kinds.saying import TIMES, fault, told
from qtrace.sdk.rules import Fault, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

WEEKDAYS: Mapping[str, Text] = {
    "1": Text("周一", "Monday"), "2": Text("周二", "Tuesday"), "3": Text("周三", "Wednesday"),
    "4": Text("周四", "Thursday"), "5": Text("周五", "Friday"), "6": Text("周六", "Saturday"), "7": Text("周日", "Sunday"),
}  # fmt: skip
MOST_DAYS = 36_500


def day_of(moment: datetime, case: RuleCase) -> date:
    """Return the day people mean: a day field's own, a moment's in the site's zone."""
    return moment.date() if case.holds == "day" else moment.astimezone(case.zone).date()


def date_range(case: RuleCase) -> Sequence[Fault]:
    """Find a day outside two days, or too far back or ahead of today."""
    if not isinstance(case.value, datetime):
        return ()
    day, today = day_of(case.value, case), today_of(case.now, case.zone)
    first, last = case.options.get("from"), case.options.get("to")
    back, ahead = case.number("days_back"), case.number("days_ahead")
    lows = [first] if isinstance(first, date) else []
    highs = [last] if isinstance(last, date) else []
    lows += [today - timedelta(days=int(back))] if back is not None else []
    highs += [today + timedelta(days=int(ahead))] if ahead is not None else []
    low, high = max(lows, default=None), min(highs, default=None)
    if low is not None and day < low:
        return fault(
            "「%(zh)s」不能早于 %(day)s。请核对日期。", "“%(en)s” can't be before %(day)s. Please check the day.",
            zh=case.label.zh, en=case.label.en, day=low,
        )  # fmt: skip
    if high is not None and day > high:
        return fault(
            "「%(zh)s」不能晚于 %(day)s。请核对日期。", "“%(en)s” can't be after %(day)s. Please check the day.",
            zh=case.label.zh, en=case.label.en, day=high,
        )  # fmt: skip
    return ()


def not_future(case: RuleCase) -> Sequence[Fault]:
    """Find a day after today, or a moment that has not come."""
    if not isinstance(case.value, datetime) or not _is_later(case.value, case):
        return ()
    return fault(
        "「%(zh)s」不能晚于现在,您填了 %(value)s。请核对年份和日期。",
        "“%(en)s” can't lie in the future, you typed %(value)s. Please check it.",
        zh=case.label.zh, en=case.label.en, value=told(case.value, case.holds, case.zone),
    )  # fmt: skip


def not_past(case: RuleCase) -> Sequence[Fault]:
    """Find a day before today, or a moment that has passed; what was stored before may have passed since."""
    value = case.value
    if not isinstance(value, datetime) or case.earlier.get(case.field, (None,))[-1] == value:
        return ()
    is_past = day_of(value, case) < today_of(case.now, case.zone) if case.holds == "day" else value < case.now
    if not is_past:
        return ()
    return fault(
        "「%(zh)s」不能早于现在,您填了 %(value)s。请填今天或以后。",
        "“%(en)s” can't lie in the past, you typed %(value)s. Please use today or later.",
        zh=case.label.zh, en=case.label.en, value=told(value, case.holds, case.zone),
    )  # fmt: skip


def working_time(case: RuleCase) -> Sequence[Fault]:
    """Find a day that is no working day (or no chosen weekday), or a moment outside working hours."""
    if not isinstance(case.value, datetime):
        return ()
    local = _local(case.value, case)
    chosen = case.names("weekdays")
    value = told(case.value, case.holds, case.zone)
    weekday = WEEKDAYS[str(local.isoweekday())]
    words = {"zh": case.label.zh, "en": case.label.en, "value": value, "day_zh": weekday.zh, "day_en": weekday.en}
    if chosen and str(local.isoweekday()) not in chosen:
        names = [WEEKDAYS[day] for day in chosen if day in WEEKDAYS]
        return fault(
            "「%(zh)s」只能在%(days_zh)s,%(value)s 是%(day_zh)s。请改一天。",
            "“%(en)s” must be on %(days_en)s; %(value)s is a %(day_en)s. Please choose another day.",
            **words, days_zh="、".join(name.zh for name in names), days_en=", ".join(name.en for name in names),
        )  # fmt: skip
    if chosen and not case.is_set("hours"):
        return ()
    whole_day = case.holds == "day" or not case.is_set("hours")
    if case.world.is_working_day(local.date()) and (whole_day or case.world.is_working(local.astimezone(UTC))):
        return ()
    if whole_day:
        return fault(
            "「%(zh)s」%(value)s 不是工作日(%(day_zh)s)。请改为工作日。",
            "“%(en)s”: %(value)s is no working day (%(day_en)s). Please choose a working day.",
            **words,
        )
    return fault(
        "「%(zh)s」%(value)s 不在上班时间。请改为上班时间。",
        "“%(en)s”: %(value)s lies outside working hours. Please choose a time within them.",
        **words,
    )


def today_of(now: datetime, zone: tzinfo) -> date:
    """Return the day it is for the people of the site."""
    return now.astimezone(zone).date()


def _is_later(value: datetime, case: RuleCase) -> bool:
    return day_of(value, case) > today_of(case.now, case.zone) if case.holds == "day" else value > case.now


def _local(value: datetime, case: RuleCase) -> datetime:
    """Return the moment in the site's zone; a day stands for its noon there."""
    if case.holds == "day":
        return datetime.combine(value.date(), time(12), case.zone)
    return value.astimezone(case.zone)


KINDS = (
    RuleKind(
        key="date_range", name=Text("日期范围", "Dates"), family="time", fits=TIMES, judge=date_range,
        needs=("from", "to", "days_back", "days_ahead"),
        hint=Text("固定的起止日期,或最多早几天、晚几天。", "Fixed days, or so many days back or ahead of today."),
        options=(
            RuleOption(name="from", kind="day", label=Text("不早于", "Not before")),
            RuleOption(name="to", kind="day", label=Text("不晚于", "Not after")),
            RuleOption(name="days_back", kind="whole", label=Text("最多早于今天几天", "Days back at most"), least=0, most=MOST_DAYS),
            RuleOption(name="days_ahead", kind="whole", label=Text("最多晚于今天几天", "Days ahead at most"), least=0, most=MOST_DAYS),
        ), words="期限 时间范围 range",
    ),
    RuleKind(
        key="not_future", name=Text("不能是将来", "Not in the future"), family="time", fits=TIMES, judge=not_future,
        hint=Text("例如生产日期、发现时间。", "For production or detection dates."), words="未来 晚于今天 future",
    ),
    RuleKind(
        key="not_past", name=Text("不能是过去", "Not in the past"), family="time", fits=TIMES, judge=not_past,
        hint=Text("例如计划完成日期。", "For planned dates."), words="早于今天 过期 past",
    ),
    RuleKind(
        key="working_time", name=Text("工作日、上班时间", "Working days and hours"), family="time", fits=TIMES, judge=working_time,
        hint=Text("按工作日历(含调休),或只允许选中的星期几。", "By the work calendar with its make-up days, or on chosen weekdays only."),
        options=(
            RuleOption(
                name="weekdays", kind="choices", label=Text("只能是这几天", "Only on these days"), choices=tuple(WEEKDAYS.items()),
                hint=Text("不选就按工作日历", "By the calendar when none is chosen"),
            ),
            RuleOption(name="hours", kind="yes", label=Text("还要在上班时间内", "Within working hours too")),
        ), words="星期 周末 节假日 调休 weekday holiday",
    ),
)  # fmt: skip
