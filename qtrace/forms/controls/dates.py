"""Controls that hold days, moments and spans of time."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

from flask_babel import gettext as _

from qtrace.conditions.tree import FieldKind
from qtrace.core.errors import Refused
from qtrace.forms.controls.text import Line
from qtrace.forms.registry import (
    Cell,
    Control,
    FieldDefinition,
    Opening,
    Option,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    day_start,
)
from qtrace.web.filters import show_time, site_zone

SEPARATORS = str.maketrans({"/": "-", ".": "-", "年": "-", "月": "-", "日": ""})
RELATIVE = re.compile(r"today\s*(?:([+-])\s*(\d{1,4}))?", re.ASCII)
RANGE = re.compile(r"\s*(?:~|~|至|到|–|—|\.\.)\s*")
SPAN = re.compile(
    r"(?:(\d{1,6})\s*(?:天|d))?\s*(?:(\d{1,6})\s*(?:小时|时|h))?\s*(?:(\d{1,6})\s*(?:分钟|分|min|m))?", re.IGNORECASE
)
CLOCK_SPAN = re.compile(r"(\d{1,6}):([0-5]?\d)(?::[0-5]?\d)?", re.ASCII)
MOST_MINUTES = 366 * 24 * 60


class TimeLine(Line):
    """A day or moment in the browser's own picker."""

    family = "time"
    icon = "calendar"
    inputmode = ""

    def longest(self, field: FieldDefinition) -> int:
        """Return room for every spelling that is understood."""
        return 40

    def after(self, field: FieldDefinition) -> str:
        """Return nothing: time needs no unit."""
        return ""


class Date(TimeLine):
    """A day, kept as 2026-11-22."""

    key, name_zh, name_en = "date", "日期", "Date"
    storage = Storage.DATE
    basic = True
    input_type = "date"
    default_words = ("today", "today+7", "today-1")

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a day in three spellings, and days there are not."""
        right, wrong = ["2026-11-22", "2026/1/5", "2026年1月5日"], ["2026-02-30", "明天", "11-22"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read today, today+7 and today-1 against the day the form is opened."""
        return default_day(field, opening)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the day in ISO form; 2026/1/5 and 2026年1月5日 are understood."""
        text = sent.first(field.id)
        return read_day(text).isoformat() if text else None

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a real date."""
        return date.fromisoformat(value) if isinstance(value, str) else None


class DateTime(TimeLine):
    """A moment, typed in the site's zone and kept in UTC."""

    key, name_zh, name_en = "datetime", "日期时间", "Date and time"
    storage = Storage.DATETIME
    basic = True
    input_type = "datetime-local"
    default_words = ("now",)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a moment as browsers and as people write it, and moments there are not."""
        right, wrong = ["2026-11-22T09:30", "2026/11/22 9:30"], ["2026-11-22T25:00", "刚才"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read now against the moment the form is opened."""
        if field.default == "now":
            return {field.id: [opening.now.astimezone(site_zone()).strftime("%Y-%m-%dT%H:%M")]}
        return super().initial(field, opening)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the moment in UTC as ISO text."""
        text = sent.first(field.id)
        return _moment(text).isoformat() if text else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the moment as the browser's own input writes it."""
        if not isinstance(value, str):
            return {}
        return {field.id: [datetime.fromisoformat(value).astimezone(site_zone()).strftime("%Y-%m-%dT%H:%M")]}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the moment in the site's zone."""
        return show_time(datetime.fromisoformat(value)) if isinstance(value, str) else "—"

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the site's wall time, because Excel knows no zones."""
        if not isinstance(value, str):
            return None
        return datetime.fromisoformat(value).astimezone(site_zone()).replace(tzinfo=None)


class Time(TimeLine):
    """A time of day, kept as 09:30."""

    key, name_zh, name_en = "time", "时间", "Time"
    icon = "clock"
    input_type = "time"
    default_words = ("now",)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return times with and without seconds, and times no clock shows."""
        right, wrong = ["09:30", "9:30", "21:05:40"], ["24:00", "9点", "09:60"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read now against the moment the form is opened."""
        now = opening.now.astimezone(site_zone()).strftime("%H:%M")
        return {field.id: [now]} if field.default == "now" else super().initial(field, opening)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return hours and minutes."""
        text = unicodedata.normalize("NFKC", sent.first(field.id))
        if not text:
            return None
        hour, minute = _clock(text)
        return f"{hour:02}:{minute:02}"


class Month(TimeLine):
    """A month, kept as 2026-11; conditions see its first day."""

    key, name_zh, name_en = "month", "月份", "Month"
    compared_as = FieldKind.DATETIME
    input_type = "month"
    default_words = ("today",)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a month in three spellings, and months there are not."""
        right, wrong = ["2026-11", "2026/11", "2026年11月"], ["2026-13", "11月", "去年"]
        return Samples([Sent({field.id: [text]}) for text in right], [Sent({field.id: [text]}) for text in wrong])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read today as the month the form is opened in."""
        return {name: [text[:7] for text in texts] for name, texts in default_day(field, opening).items()}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return year and month; a whole date counts as its month."""
        text = sent.first(field.id)
        if not text:
            return None
        try:
            parts = [part for part in text.split("T")[0].split(" ")[0].translate(SEPARATORS).split("-") if part]
            return read_day(f"{parts[0]}-{parts[1]}-1").isoformat()[:7]
        except (IndexError, Refused) as error:
            raise Refused(_("「%(text)s」不是月份。请写成 2026-11。", text=text[:40])) from error

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the start of the month's first day."""
        return day_start(f"{value}-01") if isinstance(value, str) else None


class DateRange(Control):
    """From one day to another, both included; conditions see the first."""

    key, name_zh, name_en = "date_range", "日期范围", "Date range"
    family = "time"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.DATETIME
    grouped = True
    default_words = ("today",)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a span and a single day, and spans that run backwards or lack an end."""

        def span(start: str, end: str) -> Sent:
            return Sent({f"{field.id}.from": [start], f"{field.id}.to": [end]})

        right = [span("2026-11-01", "2026-11-22"), span("2026/1/5", "2026/1/5")]
        return Samples(right, [span("2026-11-22", "2026-11-01"), span("2026-11-01", ""), span("上周", "2026-11-01")])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Begin both ends on the default day."""
        found = default_day(field, opening).get(field.id)
        return {f"{field.id}.from": found, f"{field.id}.to": found} if found else {}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return both days; one alone and a backward span are refused."""
        start, end = sent.first(f"{field.id}.from"), sent.first(f"{field.id}.to")
        if not start and not end:
            return None
        if not start or not end:
            raise Refused(_("请填写起止两天,或都清空。"))
        first, last = read_day(start), read_day(end)
        if first > last:
            raise Refused(
                _("结束 %(last)s 早于开始 %(first)s。请核对。", first=first.isoformat(), last=last.isoformat())
            )
        return {"from": first.isoformat(), "to": last.isoformat()}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return both days under their input names."""
        return {f"{field.id}.{end}": [str(day)] for end, day in value.items()} if isinstance(value, dict) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return both days and how many that is."""
        if not isinstance(value, dict):
            return "—"
        first, last = date.fromisoformat(str(value["from"])), date.fromisoformat(str(value["to"]))
        days = (last - first).days + 1
        return _("%(first)s 至 %(last)s(%(days)d 天)", first=first.isoformat(), last=last.isoformat(), days=days)

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the start of the first day."""
        return day_start(str(value["from"])) if isinstance(value, dict) else None

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return 2026-11-01~2026-11-22."""
        return f"{value['from']}~{value['to']}" if isinstance(value, dict) else None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read two days parted by ~ or 至; one day is a span of itself."""
        parts = RANGE.split("" if cell is None else cell_text(cell))
        start, end = (parts[0], parts[-1]) if len(parts) <= len(("from", "to")) else ("", "?")
        return self.parse(field, Sent({f"{field.id}.from": [start], f"{field.id}.to": [end]}))


class Duration(Control):
    """How long something took, kept in minutes."""

    key, name_zh, name_en = "duration", "时长", "Duration"
    family = "time"
    storage = Storage.NUMBER
    grouped = True
    icon = "history"
    options = (Option("days", bool, label_zh="也填天数", label_en="Ask for days too", default=False),)
    parts: ClassVar[dict[str, int]] = {"days": 24 * 60, "hours": 60, "minutes": 1}

    def samples(self, field: FieldDefinition) -> Samples:
        """Return spans with one and with two parts, and parts that are no counts."""
        hours, minutes = f"{field.id}.hours", f"{field.id}.minutes"
        right = [Sent({hours: ["2"], minutes: ["30"]}), Sent({minutes: ["95"]}), Sent({hours: ["0"]})]
        return Samples(right, [Sent({hours: [text]}) for text in ("-1", "1.5", "很久", "999999")])

    def initial(self, field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
        """Read a default like 2:30."""
        return self.send(field, read_span(field.default)) if field.default else {}

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the minutes of all parts together."""
        typed = {name: unicodedata.normalize("NFKC", sent.first(f"{field.id}.{name}")) for name in self.parts}
        if not any(typed.values()):
            return None
        if any(text and not (text.isascii() and text.isdigit() and len(text) <= 6) for text in typed.values()):
            raise Refused(_("请填整数的天、小时和分钟。"))
        minutes = sum(int(text) * self.parts[name] for name, text in typed.items() if text)
        if minutes > MOST_MINUTES:
            raise Refused(_("时长最多一年。"))
        return minutes

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the parts that are not nothing."""
        if not isinstance(value, int):
            return {}
        days = value // self.parts["days"] if field.flag("days") else 0
        hours, minutes = divmod(value - days * self.parts["days"], 60)
        filled = {"days": days, "hours": hours, "minutes": minutes if minutes or not value else 0}
        return {f"{field.id}.{name}": [str(n)] for name, n in filled.items() if n or (name == "minutes" and not value)}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return days, hours and minutes in words."""
        if not isinstance(value, int):
            return "—"
        days = value // self.parts["days"] if field.flag("days") else 0
        hours, minutes = divmod(value - days * self.parts["days"], 60)
        words = [_("%(n)d 天", n=days) if days else "", _("%(n)d 小时", n=hours) if hours else ""]
        words.append(_("%(n)d 分钟", n=minutes) if minutes or not value else "")
        return " ".join(word for word in words if word)

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return hours and minutes like 2:30."""
        return f"{value // 60}:{value % 60:02}" if isinstance(value, int) else None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read 2:30, 2小时30分 and 1d 2h."""
        return read_span("" if cell is None else cell_text(cell))


def default_day(field: FieldDefinition, opening: Opening) -> dict[str, list[str]]:
    """Return the input a day begins with: today, some days from it, or the day written down."""
    found = RELATIVE.fullmatch(field.default.strip())
    if not found:
        return {field.id: [field.default]} if field.default else {}
    days = int(f"{found[1] or '+'}{found[2] or 0}")
    return {field.id: [(opening.today + timedelta(days=days)).isoformat()]}


def read_day(text: str) -> date:
    """Read a day in one of its usual spellings."""
    plain = unicodedata.normalize("NFKC", text)
    parts = plain.split("T")[0].split(" ")[0].translate(SEPARATORS).split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError as error:
        raise Refused(_("「%(text)s」不是日期。请写成 2026-11-22。", text=text[:40])) from error


def read_span(text: str) -> int | None:
    """Return the minutes of a written span; None for an empty text."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        return None
    clock, words = CLOCK_SPAN.fullmatch(plain), SPAN.fullmatch(plain)
    if clock:
        minutes = int(clock[1]) * 60 + int(clock[2])
    elif words and any(words.groups()):
        days, hours, rest = (int(part or 0) for part in words.groups())
        minutes = (days * 24 + hours) * 60 + rest
    else:
        raise Refused(_("「%(text)s」不是时长。请写成 2:30 或 2小时30分。", text=text[:40]))
    if minutes > MOST_MINUTES:
        raise Refused(_("时长最多一年。"))
    return minutes


def _moment(text: str) -> datetime:
    day = read_day(text)
    clock = unicodedata.normalize("NFKC", text).replace("T", " ").partition(" ")[2].strip() or "00:00"
    hour, minute = _clock(clock)
    try:
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=site_zone()).astimezone(UTC)
    except OverflowError as error:
        raise Refused(_("「%(text)s」不是时间。请写成 2026-11-22 09:30。", text=text[:40])) from error


def _clock(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,2}):(\d{1,2})(?::\d{1,2}(?:\.\d+)?)?", text, re.ASCII)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise Refused(_("「%(text)s」不是时间。请写成 09:30。", text=text[:40]))
    return int(found[1]), int(found[2])
