"""A world rules can be asked in without a database, and cases made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from qtrace.rules.builtin import KINDS
from qtrace.rules.engine import FieldFact, Finding, Rule, Subject, check
from qtrace.sdk.rules import FileFact, Limits, Match, RuleKind
from qtrace.sdk.text import Text
from tests.conftest import NOW

SHANGHAI = ZoneInfo("Asia/Shanghai")
KIND_BY_KEY: Mapping[str, RuleKind] = {kind.key: kind for kind in KINDS}


@dataclass
class MemoryWorld:
    """Everything a rule may ask, kept in memory: records are mappings with a number, a time and values."""

    records: list[dict[str, Any]] = field(default_factory=list)
    known: set[tuple[str, object]] = field(default_factory=set)
    lots: dict[object, object] = field(default_factory=dict)
    orders: dict[object, set[object]] = field(default_factory=dict)
    active: dict[str, set[str]] = field(default_factory=dict)
    standards: dict[str, Limits] = field(default_factory=dict)
    off: set[date] = field(default_factory=set)

    def exists(self, kind: str, value: object) -> bool | None:
        """Say whether the pair was made known; nobody knows of kinds that were never named."""
        kinds = {name for name, _value in self.known}
        return (kind, value) in self.known if kind in kinds else None

    def lot_of_sku(self, lot: object, sku: object) -> bool | None:
        """Say what the lots say."""
        return self.lots[lot] == sku if lot in self.lots else None

    def sku_in_order(self, order: object, sku: object) -> bool | None:
        """Say what the orders say."""
        return sku in self.orders[order] if order in self.orders else None

    def option_active(self, name: str, value: object) -> bool | None:
        """Say whether it is among the active ones of the field."""
        return str(value) in self.active[name] if name in self.active else None

    def twin(self, name: str, value: object, same: Mapping[str, object], days: int | None) -> Match | None:
        """Look through the records."""
        return self.alike({name: value, **same}, days)

    def alike(self, values: Mapping[str, object], days: int | None) -> Match | None:
        """Look through the records."""
        for record in self.records:
            recent = days is None or (NOW - record.get("at", NOW)).days <= days
            if recent and all(record.get(name) == value for name, value in values.items()):
                return Match(str(record["number"]))
        return None

    def recent_numbers(self, name: str, same: Mapping[str, object], most: int) -> Sequence[Decimal]:
        """Look through the records."""
        rows = [row for row in self.records if all(row.get(key) == value for key, value in same.items())]
        return [Decimal(row[name]) for row in rows if name in row][:most]

    def is_working_day(self, day: date) -> bool:
        """Work from Monday to Friday, except on days off."""
        return day.weekday() < 5 and day not in self.off

    def is_working(self, moment: datetime) -> bool:
        """Work from nine to six."""
        return 9 <= moment.astimezone(SHANGHAI).hour < 18

    def limits(self, name: str, values: Mapping[str, object]) -> Limits | None:
        """Return the standard's limits."""
        return self.standards.get(name)


FIELDS: Mapping[str, FieldFact] = {
    "code": FieldFact(Text("批号", "Lot number"), "text"),
    "name": FieldFact(Text("名称", "Name"), "text"),
    "qty": FieldFact(Text("数量", "Quantity"), "number"),
    "checked": FieldFact(Text("检查数", "Checked"), "number"),
    "size": FieldFact(Text("直径", "Diameter"), "number", limits=Limits(Decimal(3), Decimal(12), "mm")),
    "day": FieldFact(Text("生产日期", "Made on"), "day"),
    "until": FieldFact(Text("到期日", "Expires on"), "day"),
    "at": FieldFact(Text("发现时间", "Found at"), "moment"),
    "ok": FieldFact(Text("合格", "Good"), "yes"),
    "tags": FieldFact(Text("标签", "Tags"), "list"),
    "sku": FieldFact(Text("商品", "Article"), "ref"),
    "photos": FieldFact(Text("照片", "Photos"), "files"),
    "rows": FieldFact(
        Text("明细", "Rows"), "rows",
        columns={"part": FieldFact(Text("部件", "Part"), "text"), "share": FieldFact(Text("占比", "Share"), "number")},
    ),
}  # fmt: skip


def day(text: str) -> datetime:
    """Return a day as rules see it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def photo(width: int = 0, height: int = 0, *, size: int = 1000, media_type: str = "image/jpeg") -> FileFact:
    """Return what is known of a photo."""
    return FileFact("瓶盖.jpg", size, media_type, width, height)


def subject(values: Mapping[str, object], **more: Any) -> Subject:
    """Return a record to be judged."""
    given: dict[str, Any] = {"now": NOW, "zone": SHANGHAI, "world": MemoryWorld()} | more
    return Subject(fields=FIELDS, values=values, **given)


def rule(kind: str, name: str = "", **more: Any) -> Rule:
    """Return a rule that is ready to be asked."""
    return Rule(**({"id": 1, "kind": KIND_BY_KEY[kind], "field": name} | more))


def found(
    kind: str, name: str, values: Mapping[str, object], options: Mapping[str, object], **more: Any
) -> tuple[Finding, ...]:
    """Return what one rule finds."""
    return check([rule(kind, name, options=options)], subject(values, **more)).findings
