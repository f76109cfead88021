"""Tables somebody sent, read row by row through the limited child; nothing of the file is opened in this process."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from flask_babel import lazy_gettext

from qtrace.core.child import ChildFailed, Limits, stream_child
from qtrace.core.errors import Refused

CHILD = "qtrace.exchange.reading_child"
LIMITS = Limits(cpu_seconds=240, memory_mb=640, wall_seconds=300, file_mb=1)

Cell = str | int | float | bool | datetime | None

FAILED = {
    "time": lazy_gettext("读取这个文件用时过长,已停止。请拆成几个较小的文件后再上传。"),
    "memory": lazy_gettext("这个文件展开后太大,已停止读取。请删去多余的行列,或另存为 CSV 后再上传。"),
    "crash": lazy_gettext("这个文件已损坏,无法读取。请用 Excel 打开并另存后再上传。"),
}
REFUSED = {
    "empty": lazy_gettext("文件是空的,没有任何内容。请检查后再上传。"),
    "broken": lazy_gettext("这个文件已损坏,无法打开。请用 Excel 打开并另存后再上传。"),
    "password": lazy_gettext("这个文件有密码。请先去掉密码再上传。"),
    "unknown_extension": lazy_gettext("不认识这种文件。请上传 .xlsx、.xls、.ods 或 .csv 文件。"),
    "not_a_table": lazy_gettext(
        "文件名以 %(said)s 类型结尾,内容却是 %(found)s,不是表格。请用 Excel 打开并另存为 .xlsx 后再上传。"
    ),
    "name_lies": lazy_gettext("文件名说是 %(said)s,内容却是 %(found)s。请把扩展名改对,或用 Excel 另存后再上传。"),
    "not_text": lazy_gettext("文件名说是 CSV,内容却不是文字。请重新导出后再上传。"),
    "unknown_encoding": lazy_gettext("不支持编码 %(encoding)s。请选 UTF-8、UTF-16 或 GB18030。"),
    "undecodable": lazy_gettext(
        "第 %(line)s 行(第 %(byte)s 字节处)不是 %(encodings)s 编码的文字。请用 UTF-8 编码重新导出,或指定编码。"
    ),
    "header_beyond_end": lazy_gettext("指定第 %(row)s 行为表头,但文件只有 %(rows)s 行。"),
    "blank_header": lazy_gettext("第 %(row)s 行是空的,不能作表头。请指定表头所在的行。"),
    "bad_header": lazy_gettext("表头(第 %(row)s 行)无法读取:有过长的内容、空字符或没有闭合的引号。请改正后再上传。"),
    "too_many_columns": lazy_gettext("表头有 %(columns)s 列,最多 %(limit)s 列。请删去不用的列后再上传。"),
    "zip_too_big": lazy_gettext("这个文件展开后超过 %(limit)s MB 或压缩比异常,未予读取。请另存为 CSV 后再上传。"),
    "zip_names": lazy_gettext("这个文件的内部结构不正常,未予读取。请用 Excel 打开并另存后再上传。"),
    "no_sheet": lazy_gettext("这个文件里没有工作表。"),
    "unknown_sheet": lazy_gettext("没有名为 %(sheet)s 的工作表。文件里有:%(sheets)s。"),
}
ROW_REFUSED = {
    "too_many_cells": lazy_gettext("有 %(cells)s 格,比表头的 %(columns)s 列多。请检查是否多了分隔符。"),
    "cell_too_long": lazy_gettext("有一格超过 %(limit)s 个字。请缩短。"),
    "row_too_long": lazy_gettext("整行超过 %(limit)s 个字。请检查引号或换行。"),
    "open_quote": lazy_gettext("引号没有闭合,此后的内容都被当成了这一行。请补上引号后重传这些行。"),
    "nul": lazy_gettext("含有空字符(NUL)。请删去。"),
    "unreadable": lazy_gettext("这一行无法按 CSV 读取。请检查引号。"),
    "only_uncached": lazy_gettext("这一行只有公式而没有计算结果。请用 Excel 打开并保存后再上传。"),
}


class FileRefused(Refused):
    """The file cannot be read as a table; the message says why and what to do."""


class Row(NamedTuple):
    """One row of a table under the header; a reason means it was refused, and its cells may be cut."""

    number: int
    cells: list[Cell]
    reason: str = ""


@dataclass
class Table:
    """An opened table. `rows` runs once; `read`, `skipped_blank`, `totals` and `unused` are final when it has run out.

    Every row below the headers is either yielded (good or refused), counted in `skipped_blank`, or a line of totals
    whose number is in `totals`; `unused` are the places of columns that hold nothing. `header_row` counts from 1 and is
    0 where there are no headers. Use it in a `with` block, or run `rows` out, so that the child ends.
    """

    headers: list[str]
    rows: Generator[Row, None, None]
    kind: str
    encoding: str
    delimiter: str
    sheet: str
    sheets: list[str]
    header_row: int
    header_rows: int
    why: str
    doubled: list[str]
    epoch_1904: bool
    top: list[list[Cell]]
    skipped_above: int
    total_estimate: int
    formulas_without_value: list[str]
    formulas_without_value_count: int
    read: int = 0
    skipped_blank: int = 0
    totals: list[int] = field(default_factory=list)
    unused: list[int] = field(default_factory=list)
    _lines: Generator[Any, None, None] | None = field(default=None, repr=False)

    def close(self) -> None:
        """End the child at once; no more rows come."""
        self.rows.close()
        if self._lines is not None:
            self._lines.close()

    def __enter__(self) -> "Table":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_table(
    path: Path,
    *,
    name: str,
    sheet: str | None = None,
    header_row: int | None = None,
    header_rows: int | None = None,
    encoding: str | None = None,
    keep_totals: bool = False,
    top: bool = False,
    limits: Limits = LIMITS,
) -> Table:
    """Open a table called `name` and return it with its headers; refuse a file that is not a readable table.

    With `top` the table also shows its first rows as they are, for a person to point at the headers.
    """
    request = {
        "name": name, "sheet": sheet, "header_row": header_row, "header_rows": header_rows, "encoding": encoding,
        "keep_totals": keep_totals, "top": top,
    }  # fmt: skip
    if header_row is not None and header_row < 1:
        raise FileRefused(str(REFUSED["header_beyond_end"]) % {"row": header_row, "rows": 0}, field="header_row")
    lines = stream_child(CHILD, request=request, limits=limits, input_path=path, object_hook=_moment)
    try:
        head = next(lines)
    except ChildFailed as failed:
        raise _refusal(failed) from failed
    table = Table(
        headers=head["headers"],
        rows=_nothing(),
        kind=head["kind"],
        encoding=head["encoding"],
        delimiter=head["delimiter"],
        sheet=head["sheet"],
        sheets=head["sheets"],
        header_row=head["header_row"],
        header_rows=head["header_rows"],
        why=head["why"],
        doubled=head["doubled"],
        epoch_1904=head["epoch_1904"],
        top=head["top"],
        skipped_above=head["skipped_above"],
        total_estimate=head["estimate"],
        formulas_without_value=head["uncached"],
        formulas_without_value_count=head["uncached_count"],
        _lines=lines,
    )
    table.rows = _rows(table, lines)
    return table


def _nothing() -> Generator[Row, None, None]:
    yield from ()


def _rows(table: Table, lines: Generator[Any, None, None]) -> Generator[Row, None, None]:
    with closing(lines):
        try:
            for line in lines:
                for sent in line.get("rows", ()):
                    yield Row(sent[0], sent[1], _reason(sent[2], sent[3]) if len(sent) > 2 else "")
                if "end" in line:
                    table.read, table.skipped_blank = line["read"], line["blank"]
                    table.totals, table.unused = line["totals"], line["unused"]
        except ChildFailed as failed:
            raise _refusal(failed) from failed


def _moment(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value["d"]) if len(value) == 1 and "d" in value else value


def _reason(code: str, params: dict[str, Any]) -> str:
    return str(ROW_REFUSED[code]) % params


def _refusal(failed: ChildFailed) -> FileRefused:
    if failed.kind == "refused":
        return FileRefused(str(REFUSED[failed.code]) % failed.params)
    return FileRefused(str(FAILED[failed.kind]))
