"""The file store and the photos in it."""

import hashlib
import io
import os
import zlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from qtrace.core.errors import NotFound, Refused
from qtrace.core.files import (
    clean_name,
    discard,
    media_type,
    open_path,
    refresh,
    shrink_drawing,
    shrink_photo,
    store,
    sweep,
)
from tests.conftest import NOW


class BrokenStream(io.BytesIO):
    """A stream that fails after its first piece."""

    def read(self, size: int | None = -1) -> bytes:
        """Give one piece, then fail."""
        if self.tell():
            raise OSError("the line went dead")
        return super().read(10)


def photo(size: tuple[int, int], form: str, **options: object) -> bytes:
    """Return a small picture: left half red, right half blue."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def test_a_stored_file_is_found_again_with_its_facts(tmp_path: Path) -> None:
    content = b"\x89PNG\r\n\x1a\n" + b"x" * 5000
    stored = store(io.BytesIO(content), display_name="破损 照片.png", data_dir=tmp_path)
    assert open_path(stored.id, data_dir=tmp_path).read_bytes() == content
    assert (stored.size, stored.media_type, stored.name) == (5008, "image/png", "破损 照片.png")
    assert stored.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_called_a_picture_but_being_a_page_is_bytes_to_download(tmp_path: Path) -> None:
    stored = store(io.BytesIO(b"<script>alert(1)</script>"), display_name="a.png", data_dir=tmp_path)
    assert stored.media_type == "application/octet-stream"


@pytest.mark.parametrize("stream", [io.BytesIO(b"x" * 200), BrokenStream(b"x" * 200)])
def test_a_refused_or_broken_upload_leaves_nothing_behind(tmp_path: Path, stream: io.BytesIO) -> None:
    with pytest.raises((Refused, OSError)):
        store(stream, display_name="a", data_dir=tmp_path, max_bytes=100)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("bad", ["../../etc/passwd", "", "A" * 32, "0" * 32, "0" * 31 + "\n"])
def test_a_made_up_id_is_not_found(tmp_path: Path, bad: str) -> None:
    with pytest.raises(NotFound):
        open_path(bad, data_dir=tmp_path)


def test_a_discarded_file_is_gone(tmp_path: Path) -> None:
    stored = store(io.BytesIO(b"x"), display_name="a", data_dir=tmp_path)
    discard(stored.id, data_dir=tmp_path)
    with pytest.raises(NotFound):
        open_path(stored.id, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("中文 报告.pdf", "中文 报告.pdf"),
        ("C:\\Users\\x\\报告.pdf", "报告.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("e\u0301.txt", "é.txt"),
        ("\0\x1b[31m.txt", "[31m.txt"),
        ("\ud800x.txt", "x.txt"),
        ("", "未命名"),
        ("..", "未命名"),
    ],
)
def test_display_names_keep_chinese_and_lose_what_is_dangerous(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_long_name_is_cut_before_its_extension() -> None:
    name = clean_name("很" * 300 + ".xlsx")
    assert len(name) == 120
    assert name.endswith("很.xlsx")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_photo_becomes_a_jpeg_of_at_most_1920(form: str) -> None:
    with Image.open(io.BytesIO(shrink_photo(photo((2400, 1200), form)))) as small:
        assert (small.format, small.size) == ("JPEG", (1920, 960))


def test_a_small_photo_keeps_its_size() -> None:
    with Image.open(io.BytesIO(shrink_photo(photo((30, 20), "PNG")))) as small:
        assert small.size == (30, 20)


def test_orientation_is_applied_and_the_place_it_was_taken_is_dropped() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "camera-canary"
    turned = shrink_photo(photo((400, 200), "JPEG", exif=exif))
    assert b"canary" not in turned
    with Image.open(io.BytesIO(turned)) as small:
        assert small.size == (200, 400)
        assert dict(small.getexif()) == {}
        top = small.getpixel((100, 20))
        assert isinstance(top, tuple)
        assert top[0] > 200 > top[2]


def test_a_drawing_becomes_a_small_png_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (1600, 400), (0, 0, 0, 0)).save(out, "PNG", pnginfo=None)
    with Image.open(io.BytesIO(shrink_drawing(out.getvalue()))) as made:
        assert (made.format, made.size, made.mode) == ("PNG", (800, 200), "L")
        assert made.getpixel((1, 1)) == 255


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        (b"\x00\x00\x00\x18ftypheic", "application/octet-stream"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video/webm"),
    ],
)
def test_a_film_is_known_by_its_content(start: bytes, found: str) -> None:
    assert media_type(start, "leak.mp4") == found


def test_transparency_is_laid_on_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(shrink_photo(out.getvalue()))) as small:
        assert small.getpixel((5, 5)) == (255, 255, 255)


def png_of(width: int, height: int) -> bytes:
    """Return the start of a PNG of 74 bytes or less that claims a size and has no pixels."""
    head = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\x00\x00\x00"
    start = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + head + zlib.crc32(head).to_bytes(4)
    return start + bytes(4) + b"IDAT" + zlib.crc32(b"IDAT").to_bytes(4)


@pytest.mark.parametrize("size", [(8000, 7000), (12_000, 12_000), (60_000, 60_000)])
def test_a_picture_with_too_many_pixels_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(Refused, match="百万像素"):
        shrink_photo(png_of(*size))


HOSTILE = {
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "html": b"<html><img src=x></html>",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    "empty": b"",
    "gif with an archive behind it": photo((9, 9), "GIF") + b"PK\x03\x04abc" + b"PK\x05\x06" + bytes(18),
    "jpeg with a script in a comment": photo((9, 9), "JPEG", comment=b"<script>alert(1)</script>"),
    "bmp": photo((9, 9), "BMP"),
    "cut off": photo((900, 900), "PNG")[:200],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_a_plain_photo_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        shrink_photo(HOSTILE[name])


def stored_at(data_dir: Path, hours: float) -> str:
    """Store a file, untouched for so many hours, and return its id."""
    stored = store(io.BytesIO(b"x"), display_name="a", data_dir=data_dir)
    age(data_dir, stored.id, hours)
    return stored.id


def age(data_dir: Path, name: str, hours: float) -> None:
    """Let a file of the store look untouched for so many hours."""
    then = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(data_dir / "files" / name[:2] / name, (then, then))


def left(data_dir: Path) -> set[str]:
    """Return the names of the files that lie in the store."""
    return {path.name for path in (data_dir / "files").glob("*/*")}


def test_only_old_files_that_no_row_names_are_swept(tmp_path: Path) -> None:
    abandoned, named, young = stored_at(tmp_path, 49), stored_at(tmp_path, 49), stored_at(tmp_path, 47)
    assert sweep(tmp_path, before=NOW - timedelta(hours=48), named=lambda ids: {named} & set(ids)) == 1
    assert left(tmp_path) == {named, young}
    assert abandoned not in left(tmp_path)


def test_a_file_that_is_taken_up_while_the_sweep_runs_stays(tmp_path: Path) -> None:
    file_id = stored_at(tmp_path, 49)

    def named(_ids: Sequence[str]) -> set[str]:
        assert refresh(file_id, data_dir=tmp_path)  # the form comes back just now; its row is not written yet
        return set()

    assert sweep(tmp_path, before=NOW - timedelta(hours=48), named=named) == 0
    assert open_path(file_id, data_dir=tmp_path).read_bytes() == b"x"


def test_a_refresh_after_the_sweep_says_that_the_file_is_gone(tmp_path: Path) -> None:
    file_id = stored_at(tmp_path, 49)
    sweep(tmp_path, before=NOW - timedelta(hours=48), named=lambda _ids: set())
    assert not refresh(file_id, data_dir=tmp_path)
    assert not refresh("../../etc/passwd", data_dir=tmp_path)
    assert left(tmp_path) == set()


def test_a_sweep_that_was_cut_off_is_put_right_by_the_next(tmp_path: Path) -> None:
    file_id = stored_at(tmp_path, 1)
    folder = tmp_path / "files" / file_id[:2]
    (folder / file_id).rename(folder / f"{file_id}.{'0' * 32}.gone")
    (folder / f"{'f' * 32}.part").write_bytes(b"half")
    os.utime(folder / f"{'f' * 32}.part", (1, 1))
    assert sweep(tmp_path, before=NOW - timedelta(hours=48), named=lambda _ids: set()) == 0
    assert left(tmp_path) == {file_id}


def test_a_store_without_files_is_swept_in_peace(tmp_path: Path) -> None:
    assert sweep(tmp_path, before=NOW, named=lambda _ids: set()) == 0
