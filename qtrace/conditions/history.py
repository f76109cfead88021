"""Ask the operators of history in SQL: sub-queries over a table of earlier values.

The owner of the records supplies where that table is. Each of its rows is one value a field had before the one now:
the subject it belongs to, the field, a sequence number that grows with time, and the value in the column of its kind
(`text_value` also for a list, `number_value` scaled as the field is and 0 or 1 for a bool, `time_value`, `ref_value`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import BigInteger, ColumnElement, Exists, FromClause, case, func, literal, select

from qtrace.conditions.tree import FieldKind

VALUE_COLUMNS: Mapping[FieldKind, str] = {
    FieldKind.TEXT: "text_value",
    FieldKind.LIST: "text_value",
    FieldKind.NUMBER: "number_value",
    FieldKind.BOOL: "number_value",
    FieldKind.DATETIME: "time_value",
    FieldKind.REF: "ref_value",
}


@dataclass(frozen=True, slots=True)
class Earlier:
    """The earlier values of one field of the row in hand, as one alias of the table they lie in."""

    rows: FromClause
    kind: FieldKind
    is_of_row: ColumnElement[bool]
    is_latest: ColumnElement[bool]

    @property
    def value(self) -> ColumnElement[Any]:
        """Return the earlier value."""
        return self.rows.c[VALUE_COLUMNS[self.kind]]

    def comparable(self, now: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return the value now in the type the earlier ones have."""
        if self.kind is FieldKind.BOOL:
            return case((now.is_(True), 1), (now.is_(False), 0), else_=None).cast(BigInteger())
        return now

    def exists(self, *where: ColumnElement[bool]) -> Exists:
        """Return whether there is an earlier value of which all that is true."""
        return (
            select(literal(1)).select_from(self.rows).where(self.is_of_row, *where).correlate_except(self.rows).exists()
        )


class HistorySource(Protocol):
    """Whoever keeps the changes of a kind of record."""

    def earlier(self, field: str) -> Earlier:
        """Return the earlier values of the field, under an alias of its own at each call."""


@dataclass(frozen=True, slots=True)
class ChangeTable:
    """Changes in one table with the columns the module names; `subject` is the id of the row in hand."""

    table: FromClause
    subject: ColumnElement[int]
    kinds: Mapping[str, FieldKind]

    def earlier(self, field: str) -> Earlier:
        """Return the earlier values of the field, under an alias of its own at each call."""
        rows, later = self.table.alias(), self.table.alias()
        latest = select(func.max(later.c.seq)).where(later.c.subject_id == self.subject, later.c.field == field)
        return Earlier(
            rows,
            self.kinds[field],
            is_of_row=(rows.c.subject_id == self.subject) & (rows.c.field == field),
            is_latest=rows.c.seq == latest.correlate_except(later).scalar_subquery(),
        )
