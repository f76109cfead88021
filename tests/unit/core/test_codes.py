"""Codes read from photos, and photos that are something else."""

import io
import json
import zlib

import pytest
from PIL import Image

from qtrace.core.child import MB, Limits, run_child
from qtrace.core.codes import CODE_CHILD, MAX_TEXT, Code, clean_code, read_codes
from qtrace.core.errors import Refused
from tests.factories.codes import PAPER, photo_of, symbol


@pytest.mark.parametrize(
    ("text", "symbology", "named"),
    [
        ("QI-2611-0412", "QRCode", "QR Code"),
        ("订单 20261120", "QRCode", "QR Code"),
        ("B2409/17", "DataMatrix", "Data Matrix"),
        ("6901234567892", "EAN13", "EAN-13"),
        ("SF1234567890123", "Code128", "Code 128"),
    ],
)
def test_a_code_is_read_as_it_was_written(text: str, symbology: str, named: str) -> None:
    assert read_codes(photo_of([symbol(text, symbology)])) == [Code(text, named)]


@pytest.mark.parametrize("degrees", [17, 90, 180])
def test_a_code_is_read_however_the_phone_was_held(degrees: int) -> None:
    turned = symbol("B2409", "Code128").rotate(degrees, expand=True, fillcolor=PAPER)
    assert [code.text for code in read_codes(photo_of([turned]))] == ["B2409"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_format_a_phone_sends_is_read(form: str) -> None:
    assert [code.text for code in read_codes(photo_of([symbol("B2409")], form=form))] == ["B2409"]


def test_a_code_in_a_large_photo_is_read() -> None:
    photo = photo_of([symbol("B2409", scale=12)], size=(6000, 4500))
    assert [code.text for code in read_codes(photo)] == ["B2409"]


def test_a_code_on_a_transparent_ground_is_read() -> None:
    code = symbol("B2409")
    drawn = Image.new("RGBA", code.size, (0, 0, 0, 0))
    drawn.paste((0, 0, 0, 255), mask=code.point(lambda value: 255 - value))
    out = io.BytesIO()
    drawn.save(out, "PNG")
    assert [found.text for found in read_codes(out.getvalue())] == ["B2409"]


def test_several_codes_come_back_each_once() -> None:
    sheet = photo_of([symbol("A-1"), symbol("A-1", "Code128"), symbol("6901234567892", "EAN13")])
    assert sorted(code.text for code in read_codes(sheet)) == ["6901234567892", "A-1"]


def test_the_parts_of_a_gs1_code_stay_apart() -> None:
    code = symbol("(01)06901234567892(10)B2409(21)S1", "DataMatrix", gs1=True)
    assert read_codes(photo_of([code])) == [Code("010690123456789210B2409\x1d21S1", "Data Matrix", gs1=True)]


def test_a_photo_without_a_code_has_none() -> None:
    assert read_codes(photo_of()) == []


def test_what_a_code_says_is_one_clean_line() -> None:
    hostile = "a\r\nb\x00\x1b[31m\u202etxt\u200b\x07<script>"
    assert read_codes(photo_of([symbol(hostile)]))[0].text == "a  b[31mtxt<script>"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" B2409\r\n", "B2409"),
        ("\x1d0110\x1d", "0110"),
        ("10B\x1d21S", "10B\x1d21S"),
        ("\ud800", ""),
        ("\u2028", ""),
        ("x" * 5000, "x" * MAX_TEXT),
    ],
)
def test_control_characters_go_but_group_separators_stay_between_parts(given: str, kept: str) -> None:
    assert clean_code(given) == kept


def bomb() -> bytes:
    """Return a few kilobytes of PNG that claim 40,000 × 40,000 pixels."""
    size = (40_000).to_bytes(4, "big")
    chunks = [
        (b"IHDR", size + size + b"\x08\x00\x00\x00\x00"),
        (b"IDAT", zlib.compress(b"\0" * 5_000_000)),
        (b"IEND", b""),
    ]
    body = b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a list of codes", "不是照片"),
        (b"", "不是照片"),
        (b"%PDF-1.7\n" + b"x" * 100, "不是照片"),
        (photo_of([symbol("B2409")]) + b"PK\x05\x06" + b"\0" * 18, "不是照片"),
        (photo_of([symbol("B2409")], form="PNG")[:3000], "已损坏"),
        (bomb(), "百万像素"),
        (b"\xff\xd8\xff" + b"\0" * 31 * MB, "超过 30 MB"),
    ],
    ids=["text", "empty", "pdf", "archive", "cut", "bomb", "heavy"],
)
def test_what_is_no_photo_is_refused_in_words(sqlite_app: object, content: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_codes(content)
    assert words in refused.value.message


def test_the_child_answers_within_half_of_its_memory() -> None:
    """The largest photo that is taken, as a PNG that must be opened whole."""
    large = photo_of([symbol("B2409", scale=10)], size=(8000, 6000), form="PNG")
    limits = Limits(cpu_seconds=15, memory_mb=350, wall_seconds=30, file_mb=1)
    assert json.loads(run_child(CODE_CHILD, request={}, limits=limits, input_bytes=large))[0][0] == "B2409"
