"""Sections that are rows of one table: every column but those that only this site gives a meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Column, select

from qtrace.classification.models import ClassificationRule
from qtrace.classification.rules import checked_sets
from qtrace.classification.suggest import FIELDS
from qtrace.complaints.models import IntakeRule
from qtrace.complaints.sources import SOURCES
from qtrace.conditions.tree import parse
from qtrace.core.configuration import Change, Item, Section
from qtrace.core.db import Base, db, require_write, table_of
from qtrace.core.errors import Refused
from qtrace.exchange.models import ImportMapping
from qtrace.issues.models import OpeningRule
from qtrace.issues.opening_rules import RuleChange, check_change, known_types

LOCAL = {"id", "created_at", "used_at"}
BETWEEN = "/"


@dataclass(frozen=True)
class RowSection:
    """Rows of a table known by one or more columns; `verify` refuses what the program could not use."""

    model: type[Base]
    keys: tuple[str, ...]
    verify: Callable[[Mapping[str, Any]], None]

    def dump(self) -> dict[str, dict[str, Any]]:
        """Return the rows by key."""
        rows = db.session.execute(select(*self._columns()).order_by(*(self._column(name) for name in self.keys)))
        named = [dict(row._mapping) for row in rows]
        return {BETWEEN.join(str(row[name]) for name in self.keys): self._rest(row) for row in named}

    def load(self, key: str, item: Item, change: Change) -> None:
        """Add or change one row."""
        parts = key.split(BETWEEN, len(self.keys) - 1)
        values = dict(zip(self.keys, parts, strict=True)) | dict(item)
        names = {column.name for column in self._columns()}
        if set(values) - names:
            raise Refused(_("不认识的名称 %(name)s。", name=sorted(set(values) - names)[0]))
        self.verify(values)
        session = require_write()
        row = session.scalars(select(self.model).filter_by(**dict(zip(self.keys, parts, strict=True)))).one_or_none()
        if row is None:
            row = self.model(**values, **({"created_at": change.now} if "created_at" in table_of(self.model).c else {}))
            session.add(row)
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
        session.flush()  # a value the database refuses belongs to this item

    def _columns(self) -> list[Column[Any]]:
        return [column for column in table_of(self.model).c if column.name not in LOCAL]

    def _column(self, name: str) -> Column[Any]:
        return table_of(self.model).c[name]

    def _rest(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in row.items() if name not in self.keys}


def _classifies(row: Mapping[str, Any]) -> None:
    parse(row["condition"], FIELDS)
    checked_sets(row["sets"])


def _takes_in(row: Mapping[str, Any]) -> None:
    if row["source_kind"] not in SOURCES:
        raise Refused(_("没有这种来源:%(kind)s。", kind=row["source_kind"]))
    parse(row["condition"], SOURCES[row["source_kind"]].fields)
    checked_sets(row["sets"])


def _opens(row: Mapping[str, Any]) -> None:
    codes = row["condition"].get("not_types", [])
    check_change(RuleChange(threshold=row["threshold"], days=row["days"], not_types=codes))
    missing = sorted(set(codes) - set(known_types(codes)))
    if missing:
        raise Refused(_("分类里没有「%(code)s」。请从列表中选择。", code=missing[0]))


def _maps(row: Mapping[str, Any]) -> None:
    if not isinstance(row["definition"], dict) or not row["name"].strip():
        raise Refused(_("这里应该是一组名称和值。"))


def _section(name: str, label: LazyString, rows: RowSection) -> Section:
    return Section(name, label, rows.dump, rows.load)


SECTIONS = (
    _section("classification_rules", _l("分类规则"), RowSection(ClassificationRule, ("key",), _classifies)),
    _section("intake_rules", _l("收件规则"), RowSection(IntakeRule, ("key",), _takes_in)),
    _section("opening_rules", _l("立案规则"), RowSection(OpeningRule, ("key",), _opens)),
    _section("mappings", _l("导入对应关系"), RowSection(ImportMapping, ("kind", "name"), _maps)),
)
