"""Photos on their way into an issue."""

import io
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from werkzeug.datastructures import FileStorage

from qtrace.core.errors import Refused
from qtrace.core.files import StoredFile, open_path
from qtrace.web.photos import seal, store_attachment, store_photo, unseal

PHOTO = StoredFile("a" * 32, "b" * 64, 10, "image/jpeg", "p.jpg")


def upload(content: bytes, name: str) -> FileStorage:
    """Return a file as a browser sends it."""
    return FileStorage(io.BytesIO(content), filename=name)


def picture(kind: str) -> bytes:
    """Return a small picture with a place in its metadata."""
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N"}
    Image.new("RGB", (80, 60), "teal").save(out, kind, exif=exif)
    return out.getvalue()


def test_a_photo_becomes_a_jpeg_without_a_place(sqlite_app: Flask, tmp_path: Path) -> None:
    stored = store_photo(upload(picture("PNG"), "../到货.PNG"), data_dir=tmp_path)
    assert (stored.name, stored.media_type) == ("到货.jpg", "image/jpeg")
    with Image.open(open_path(stored.id, data_dir=tmp_path)) as image:
        assert not image.getexif()


def test_a_file_that_is_no_photo_is_refused_as_one_and_kept_as_a_file(sqlite_app: Flask, tmp_path: Path) -> None:
    with sqlite_app.test_request_context():
        with pytest.raises(Refused):
            store_photo(upload(b"<html>", "x.jpg"), data_dir=tmp_path)
        stored = store_attachment(upload(b"%PDF-1.7 report", "报告.pdf"), data_dir=tmp_path)
    assert (stored.name, stored.media_type) == ("报告.pdf", "application/pdf")


def test_a_note_brings_the_photo_back_to_its_owner_only() -> None:
    note = seal(PHOTO, key="k" * 32, user_id=1)
    assert unseal([note], key="k" * 32, user_id=1) == [PHOTO]
    assert unseal([note], key="k" * 32, user_id=2) == []
    assert unseal([note, note[:-2], "x"], key="other" * 8, user_id=1) == []
