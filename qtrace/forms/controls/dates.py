"""Controls that hold days and moments."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from datetime import UTC, date, datetime

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.registry import Cell, Control, FieldDefinition, Sent, Storage, Value
from qtrace.web.filters import show_time, site_zone

SEPARATORS = str.maketrans({"/": "-", ".": "-", "年": "-", "月": "-", "日": ""})


class Date(Control):
    """A day, kept as 2026-11-22."""

    key, name_zh, name_en = "date", "日期", "Date"
    storage = Storage.DATE

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the day in ISO form; 2026/1/5 and 2026年1月5日 are understood."""
        text = sent.first(field.id)
        return _day(text).isoformat() if text else None

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a real date."""
        return date.fromisoformat(value) if isinstance(value, str) else None


class DateTime(Control):
    """A moment, typed in the site's zone and kept in UTC."""

    key, name_zh, name_en = "datetime", "日期时间", "Date and time"
    storage = Storage.DATETIME

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


def _day(text: str) -> date:
    parts = text.split("T")[0].split(" ")[0].translate(SEPARATORS).split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError as error:
        raise Refused(_("「%(text)s」不是日期。请写成 2026-11-22。", text=text[:40])) from error


def _moment(text: str) -> datetime:
    day = _day(text)
    clock = text.replace("T", " ").partition(" ")[2].strip() or "00:00"
    try:
        hour, minute = (int(part) for part in clock.split(":")[:2])
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=site_zone())
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(_("「%(text)s」不是时间。请写成 2026-11-22 09:30。", text=text[:40])) from error
