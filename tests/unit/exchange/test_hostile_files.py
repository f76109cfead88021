"""Files that mean harm, or only look it: each is one clear Chinese line in less than two seconds."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import compile_mapping, suggest_definition
from qtrace.exchange.reading import FileRefused, read_table
from tests.unit.exchange.test_reading import book, csv_file, edit, zipped

SECONDS = 20.0  # a hang: each is answered within 2 s, which --durations=0 of this file shows
MB = 1_000_000


def zip_bomb(folder: Path) -> Path:
    """Forty gigabytes of zeros in a small archive."""
    path = folder / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<w/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(60 * MB))
    return path


def shared_string(folder: Path) -> Path:
    """One shared string of 300 MB."""
    path = book(folder, [["订单号", "数量"], ["a", 1]], name="a.xlsx")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in members.items():
            if name != "xl/sharedStrings.xml":
                archive.writestr(name, content)
        with archive.open("xl/sharedStrings.xml", "w") as file:
            file.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>')
            for _ in range(300):
                file.write(b"x" * MB)
            file.write(b"</t></si></sst>")
    return path


def huge_dimension(folder: Path) -> Path:
    """A sheet that says it fills every cell there can be, and has one in the last corner."""
    path = book(folder, [["订单号", "数量"], ["a", 1]], name="a.xlsx")
    edit(path, "xl/worksheets/sheet1.xml", b'ref="A1:B2"', b'ref="A1:XFD1048576"', b'r="B2"', b'r="XFD1048576"')
    return path


def encrypted(folder: Path) -> Path:
    """A workbook whose members are encrypted."""
    path = folder / "a.xlsx"
    path.write_bytes(zipped({"xl/workbook.xml": b"<w/>"}))
    content = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    path.write_bytes(bytes(content))
    return path


def empty_sheet(folder: Path) -> Path:
    """A workbook with nothing in it."""
    Workbook().save(folder / "a.xlsx")
    return folder / "a.xlsx"


def many_entities(folder: Path) -> Path:
    """A workbook that blows itself up by entities."""
    path = book(folder, [["订单号"], ["a"]], name="a.xlsx")
    lol = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10))
    edit(path, "xl/worksheets/sheet1.xml", b"<worksheet", b"<!DOCTYPE x [" + lol + b"]><worksheet", b">a<", b">&l9;<")
    return path


def wrong_extension(folder: Path) -> Path:
    """A workbook that calls itself a CSV file."""
    path = book(folder, [["订单号"], ["a"]], name="a.xlsx")
    return path.rename(folder / "a.csv")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (zip_bomb, "展开后超过"),
        (shared_string, "展开后超过"),
        (huge_dimension, "展开后太大"),
        (encrypted, "密码"),
        (empty_sheet, "空"),
        (wrong_extension, "内容却是"),
    ],
)
def test_a_file_that_cannot_be_a_table_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    path = make(tmp_path)
    begun = time.perf_counter()
    with pytest.raises(FileRefused, match=words):
        read_table(path, name=path.name)
    assert time.perf_counter() - begun < SECONDS


def test_entities_are_not_unfolded(tmp_path: Path) -> None:
    path = many_entities(tmp_path)
    begun = time.perf_counter()
    try:
        with read_table(path, name=path.name) as table:
            assert len(repr([row.cells for row in table.rows])) < 1000
    except FileRefused as refused:
        assert "损坏" in refused.message
    assert time.perf_counter() - begun < SECONDS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = csv_file(tmp_path, "订单号,备注\nA1,瓶口漏液\n", encoding=encoding)
    with read_table(path, name=path.name) as table:
        assert [row.cells for row in table.rows] == [["A1", "瓶口漏液"]]


@pytest.mark.parametrize("cell", ["NaN", "1e400", "-1e400", "inf", "1e999999999", "-nan", "0x10", "9" * 400])
def test_what_is_no_sane_number_is_refused_with_its_column(cell: str) -> None:
    headers = ["订单号", "行号", "数量"]
    plan = compile_mapping(suggest_definition(KINDS["lines"], headers), headers, zone="Asia/Shanghai")
    _made, why = plan.apply(["A1", "1", cell])
    assert len(why) == 1
    assert why[0].startswith("「数量」")


def test_escaped_characters_of_a_workbook_are_read_as_what_they_stand_for(tmp_path: Path) -> None:
    path = book(tmp_path, [["订单号", "备注"], ["A1", "第一行_x000D_\n第二行"]], name="a.xlsx")
    with read_table(path, name=path.name) as table:
        headers, rows = table.headers, [row.cells for row in table.rows]
    plan = compile_mapping(
        {"kind": "categories", "columns": {"external_id": {"header": "订单号"}, "name": {"header": "备注"}}},
        headers,
        zone="Asia/Shanghai",
    )
    made, _why = plan.apply(rows[0])
    assert made[0].name == "第一行\n第二行"
