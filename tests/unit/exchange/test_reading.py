"""Tables of every kind, honest and hostile, through the real child."""

import codecs
import csv
import io
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from qtrace.core.child import Limits
from qtrace.exchange.reading import FileRefused, Row, Table, read_table


def csv_file(folder: Path, content: str | bytes, *, name: str = "订单.csv", encoding: str = "utf-8") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def opened(path: Path, **options: str | int | None) -> tuple[Table, list[Row]]:
    """Read the whole table under its own name."""
    table = read_table(path, name=path.name, **options)  # type: ignore[arg-type]
    return table, list(table.rows)


def book(folder: Path, rows: list[list[object]], *, name: str = "订单.xlsx") -> Path:
    """Write a workbook of one sheet."""
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    made.save(folder / name)
    return folder / name


def refusal(path: Path, **options: str | int | None) -> str:
    """Return the message the file is refused with."""
    with pytest.raises(FileRefused) as refused:
        opened(path, **options)
    return refused.value.message


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, found: str, delimiter: str) -> None:
    lines = [["order_number", "商品名称", "amount"], ["A1", "洗洁精 破损", "1.5"], ["A2", "纸巾", ""]]
    text = "\r\n".join(delimiter.join(line) for line in lines)
    table, rows = opened(csv_file(tmp_path, text, encoding=encoding))
    assert (table.encoding, table.delimiter, table.headers) == (found, delimiter, lines[0])
    assert rows == [Row(2, ["A1", "洗洁精 破损", "1.5"]), Row(3, ["A2", "纸巾", None])]


def test_the_encoding_asked_for_is_used(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "名,量\n破損,1\n", encoding="big5")
    assert opened(path, encoding="big5")[0].headers == ["名", "量"]
    assert "不支持编码" in refusal(path, encoding="rot13")


def test_an_encoding_that_does_not_fit_names_the_line_and_the_byte(tmp_path: Path) -> None:
    path = csv_file(tmp_path, b"a,b\n1,2\n3,\xff\xff\n")
    message = refusal(path)
    assert "第 3 行" in message
    assert "第 11 字节" in message


def test_a_bad_byte_beyond_the_first_megabyte_is_placed_exactly(tmp_path: Path) -> None:
    start = b"a,b\n" + b"1,2\n" * 400_000 + "甲,".encode()
    message = refusal(csv_file(tmp_path, start + b"\xff\n"))
    assert "第 400002 行" in message
    assert f"第 {len(start) + 1} 字节" in message


def test_quotes_and_line_breaks_inside_a_cell_are_kept(tmp_path: Path) -> None:
    path = csv_file(tmp_path, 'id,text\n1,"first ""line""\nsecond, line"\n2,5" pipe\n')
    assert [row.cells for row in opened(path)[1]] == [["1", 'first "line"\nsecond, line'], ["2", '5" pipe']]


def test_every_row_below_the_header_is_accounted_for(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "订单导出\n\nid,sku\n1,a\n\n,,\n2,b,c\n3\n4,d,,\n")
    table, rows = opened(path)
    assert [(row.number, bool(row.reason)) for row in rows] == [(4, False), (7, True), (8, False), (9, False)]
    assert rows[1].cells == ["2", "b", "c"]
    assert rows[2].cells == ["3", None]
    assert (table.header_row, table.skipped_above, table.skipped_blank, table.read) == (3, 1, 2, 4)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("x" * 32_768 + ",1", "32767"),
        ("x," * 900_000, "比表头"),
        ("y" * 3_000_000 + ",1", "整行"),
        ('"' + "line\n" * 600_000 + '",1', "整行"),
        ("a\0b,1", "NUL"),
        ("," * 2_500_000, "整行"),
    ],
)
def test_a_hostile_row_is_refused_and_the_next_one_is_read(tmp_path: Path, bad: str, why: str) -> None:
    _, rows = opened(csv_file(tmp_path, f"id,sku\n0,a\n{bad}\n2,b\n"))
    assert [row.number for row in rows] == [2, 3, 4]
    assert why in rows[1].reason
    assert rows[2] == Row(4, ["2", "b"])


def test_a_cell_of_the_largest_size_is_read(tmp_path: Path) -> None:
    assert opened(csv_file(tmp_path, f"id,sku\n1,{'字' * 32_767}\n"))[1][0].reason == ""


def test_a_cell_of_300_mb_stays_within_small_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    with path.open("wb") as file:
        file.write(b'id,sku\n1,"')
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(b'"\n2,b\n')
    small = Limits(cpu_seconds=60, memory_mb=96, wall_seconds=120, file_mb=1)
    rows = list(read_table(path, name="big.csv", limits=small).rows)
    assert [(row.number, bool(row.reason)) for row in rows] == [(2, True), (3, False)]
    assert len(str(rows[0].cells)) < 1000


def test_an_open_quote_is_refused_instead_of_swallowing_rows_silently(tmp_path: Path) -> None:
    _, rows = opened(csv_file(tmp_path, 'id,sku\n1,a\n2,"b\n3,c\n'))
    assert [(row.number, "引号" in row.reason) for row in rows] == [(2, False), (3, True)]


def test_a_list_of_one_column_has_a_header_too(tmp_path: Path) -> None:
    table, rows = opened(csv_file(tmp_path, "sku\nA-1\nA-2\n"))
    assert (table.headers, [row.cells for row in rows]) == (["sku"], [["A-1"], ["A-2"]])


def test_the_header_row_can_be_given(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "店铺,甲\nid,sku\n1,a\n")
    table, rows = opened(path, header_row=2)
    assert (table.headers, rows) == (["id", "sku"], [Row(3, ["1", "a"])])
    assert "只有 3 行" in refusal(path, header_row=9)


def test_double_headers_are_told_apart_by_a_number(tmp_path: Path) -> None:
    table, rows = opened(csv_file(tmp_path, "id,sku,id,数量,数量\n1,2,3,4,5\n"))
    assert table.headers == ["id", "sku", "id (2)", "数量", "数量 (2)"]
    assert (table.doubled, len(rows)) == (["id", "数量"], 1)


def test_lines_of_totals_and_signatures_are_noted_and_are_no_rows(tmp_path: Path) -> None:
    text = "订单号,数量,金额,店铺\nA1,2,3,甲\n小计,2,3,\nA2,1,1,乙\n合 计:,3,4,\n\n制表人:小陈,,,\n"
    table, rows = opened(csv_file(tmp_path, text))
    assert [row.number for row in rows] == [2, 4]
    assert (table.totals, table.skipped_blank, table.read) == ([3, 5, 7], 1, 2)
    assert len(opened(csv_file(tmp_path, text), keep_totals=True)[1]) == 5


def test_a_row_that_begins_like_a_signature_is_kept_when_rows_follow(tmp_path: Path) -> None:
    text = "内容,数量,金额,店铺\n备注:外箱破损,,,\n好,1,1,乙\n"
    table, rows = opened(csv_file(tmp_path, text))
    assert ([row.number for row in rows], table.totals) == ([2, 3], [])


def test_columns_that_hold_nothing_are_named(tmp_path: Path) -> None:
    table, _rows = opened(csv_file(tmp_path, "id,空列,sku,也空\n1,,a,\n2,,b,\n"))
    assert [table.headers[at] for at in table.unused] == ["空列", "也空"]


def test_a_header_of_two_rows_is_joined_and_the_rows_begin_below(tmp_path: Path) -> None:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (
        ["返修台账"],
        ["编号", "故障部件", None, "备注"],
        [None, "IGBT", "驱动板", None],
        ["A1", "甲", "乙", "x"],
    ):
        sheet.append(row)
    for cells in ("A1:D1", "B2:C2", "A2:A3", "D2:D3"):
        sheet.merge_cells(cells)
    made.save(tmp_path / "a.xlsx")
    table, rows = opened(tmp_path / "a.xlsx")
    assert table.headers == ["编号", "故障部件 / IGBT", "故障部件 / 驱动板", "备注"]
    assert (table.why, table.header_row, table.header_rows, [row.number for row in rows]) == ("two_rows", 2, 2, [4])


def test_a_file_without_headers_names_its_columns_by_their_letters(tmp_path: Path) -> None:
    table, rows = opened(csv_file(tmp_path, "1001,2026-01-01,9.9\n1002,2026-01-02,8\n"))
    assert (table.headers, table.header_row, len(rows)) == (["A列", "B列", "C列"], 0, 2)
    assert opened(csv_file(tmp_path, "a,b\n1,2\n"), header_row=1, header_rows=0)[0].headers == ["A列", "B列"]


def test_a_workbook_that_counts_from_1904_says_so(tmp_path: Path) -> None:
    path = book(tmp_path, [["sku", "日期"], ["a", 40000]])
    assert not opened(path)[0].epoch_1904
    edit(path, "xl/workbook.xml", b"<workbookPr ", b'<workbookPr date1904="1" ')
    assert opened(path)[0].epoch_1904


@pytest.mark.parametrize("content", [b"", b" \n\r\n ", b"\n,,\n", codecs.BOM_UTF8])
def test_an_empty_file_says_so(tmp_path: Path, content: bytes) -> None:
    assert "空" in refusal(csv_file(tmp_path, content))


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip of the given members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


LIES = {
    "png.csv": b"\x89PNG\r\n\x1a\n" + bytes(50),
    "html.xls": b"\xef\xbb\xbf\r\n<HTML><table><tr><td>1</td></tr></table>",
    "xml.xls": b"<?xml version='1.0'?><Workbook/>",
    "text.xlsx": b"id,sku\n1,2\n",
    "text.xls": b"id\tsku\n1\t2\n",
    "pdf.ods": b"%PDF-1.7",
    "zip.xlsx": zipped({"a.txt": b"hello"}),
    "docx.xlsx": zipped({"word/document.xml": b"<w/>"}),
    "xlsb.xlsx": zipped({"xl/workbook.bin": b"1"}),
    "xlsx.csv": zipped({"xl/workbook.xml": b"<workbook/>"}),
    "broken.xlsx": b"PK\x03\x04" + bytes(100),
    "empty-parts.xlsx": zipped({"xl/workbook.xml": b""}),
    "ole.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "noise.csv": bytes(range(1, 256)) * 20,
    "table.exe": b"id,sku\n1,2\n",
    "utf-32.csv": "id,sku\n1,2\n".encode("utf-32"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_is_not_what_it_says_is_refused_in_chinese(tmp_path: Path, name: str) -> None:
    message = refusal(csv_file(tmp_path, LIES[name], name=name))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in message)


def test_a_workbook_gives_values_as_a_person_sees_them(tmp_path: Path) -> None:
    moment = datetime.fromisoformat("2026-11-02T08:30")
    path = book(
        tmp_path,
        [["导出"], [], ["订单号", "数量", "金额", "日期", "急"], [123456789012, 2.0, 1.5, moment, True], ["=A", None]],
    )
    table, rows = opened(path)
    assert (table.kind, table.sheet, table.sheets, table.header_row) == ("xlsx", "Sheet", ["Sheet"], 3)
    assert rows[0] == Row(4, [123456789012, 2, 1.5, moment, True])
    assert isinstance(rows[0].cells[1], int)


def test_formulas_without_a_value_are_reported_and_no_row_is_lost(tmp_path: Path) -> None:
    path = book(tmp_path, [["sku", "数量"], ["a", "=1+1"], ["b", 3], [None, None], [None, "=2+2"]])
    table, rows = opened(path)
    assert (table.formulas_without_value, table.formulas_without_value_count) == (["B2", "B5"], 2)
    assert [(row.number, row.cells[:2], bool(row.reason)) for row in rows] == [
        (2, ["a", None], False),
        (3, ["b", 3], False),
        (5, [], True),
    ]
    assert table.skipped_blank == 1


def test_formulas_give_the_value_they_were_saved_with(tmp_path: Path) -> None:
    path = book(tmp_path, [["sku", "数量"], ["a", "=1+1"]])
    edit(path, "xl/worksheets/sheet1.xml", b"<v></v>", b"<v>2</v>", b"<v />", b"<v>2</v>", b"<v/>", b"<v>2</v>")
    table, rows = opened(path)
    assert (table.formulas_without_value_count, rows[0].cells) == (0, ["a", 2])


def edit(path: Path, member: str, *replacements: bytes) -> None:
    """Replace bytes in one member of an archive."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        members[member] = members[member].replace(old, new)
    path.write_bytes(zipped(members))


def test_a_sheet_is_chosen_by_name_and_an_unknown_one_lists_the_others(tmp_path: Path) -> None:
    made = Workbook()
    made.create_sheet("明细").append(["sku", "数量"])
    made.save(tmp_path / "a.xlsx")
    assert opened(tmp_path / "a.xlsx")[0].sheet == "明细"
    assert "Sheet、明细" in refusal(tmp_path / "a.xlsx", sheet="没有")


def test_an_ods_file_is_read(tmp_path: Path) -> None:
    office = "urn:oasis:names:tc:opendocument:xmlns:"
    cell = "<table:table-cell office:value-type='string'><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{cell.format(a)}{cell.format(b)}</table:table-row>" for a, b in [("名", "b"), ("甲", "x")]
    )
    content = (
        f"<office:document-content xmlns:office='{office}office:1.0' xmlns:table='{office}table:1.0' "
        f"xmlns:text='{office}text:1.0'><office:body><office:spreadsheet><table:table table:name='表'>{rows}"
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    manifest = "<manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'/>"
    path = tmp_path / "a.ods"
    path.write_bytes(
        zipped(
            {
                "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
                "META-INF/manifest.xml": manifest.encode(),
                "content.xml": content.encode(),
            }
        )
    )
    table, found = opened(path)
    assert (table.kind, table.headers, found) == ("ods", ["名", "b"], [Row(2, ["甲", "x"])])


BOMBS = {
    "ratio": {"xl/workbook.xml": b"<w/>", "xl/a.xml": bytes(20_000_000)},
    "size": {"xl/workbook.xml": b"<w/>"} | {f"xl/{n}.xml": bytes(900_000) for n in range(120)},
    "members": {"xl/workbook.xml": b"<w/>"} | {f"xl/{n}.xml": b"" for n in range(2100)},
    "traversal": {"xl/workbook.xml": b"<w/>", "../../etc/x": b""},
    "absolute": {"xl/workbook.xml": b"<w/>", "/etc/x": b""},
    "backslash": {"xl/workbook.xml": b"<w/>", "..\\x": b""},
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, name: str) -> None:
    path = csv_file(tmp_path, zipped(BOMBS[name]), name="bomb.xlsx")
    assert "未予读取" in refusal(path)


def test_a_sheet_that_claims_all_cells_there_can_be_is_stopped(tmp_path: Path) -> None:
    path = book(tmp_path, [["sku", "数量"], ["a", 1]])
    edit(path, "xl/worksheets/sheet1.xml", b'r="B2"', b'r="XFD1048576"')
    assert "展开后太大" in refusal(path)


def test_entities_in_a_workbook_are_not_resolved(tmp_path: Path) -> None:
    canary = tmp_path / "canary.txt"
    canary.write_text("canary-text")
    path = book(tmp_path, [["sku", "数量"], ["a", 1]])
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{canary}">]>'.encode()
    edit(path, "xl/workbook.xml", b"<workbook", doctype + b"<workbook", b'name="Sheet"', b'name="&e;"')
    try:
        assert "canary-text" not in repr(opened(path))
    except FileRefused as refused:
        assert "canary-text" not in refused.message


def test_leaving_the_table_early_ends_the_child(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "id,sku\n" + "1,a\n" * 200_000)
    with read_table(path, name="a.csv") as table:
        assert next(table.rows) == Row(2, ["1", "a"])
    assert list(table.rows) == []


def test_what_csv_writes_is_what_is_read(tmp_path: Path) -> None:
    rows = [[f"{n}", 'quo"te, and\r\nline', "行\n", "'", '""', ";"] for n in range(1200)]
    out = io.StringIO()
    csv.writer(out).writerows([list("abcdef"), *rows])
    assert [row.cells for row in opened(csv_file(tmp_path, out.getvalue()))[1]] == rows
