"""The file store: random ids on disk, whole files or none, and photos made small and harmless."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from qtrace.core.child import ChildFailed, Limits, run_child
from qtrace.core.errors import NotFound, Refused
from qtrace.core.ids import new_id

FOLDER = "files"
CHUNK = 1024 * 1024
MAX_BYTES = 200 * CHUNK
MAX_NAME = 120
MAX_PHOTO = 30 * CHUNK
IMAGE_CHILD = "qtrace.core.image_child"
IMAGE_LIMITS = Limits(cpu_seconds=15, memory_mb=700, wall_seconds=30, file_mb=1)
PARTIAL, ASIDE = ".part", ".gone"
SWEPT_AT_ONCE = 500
ID = re.compile(r"[0-9a-f]{32}")
OCTETS = "application/octet-stream"
# Only what a browser shows harmlessly gets its own type; everything else is bytes to be downloaded.
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
FILMS = {
    b"qt  ": "video/quicktime",
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash"), "video/mp4"
    ),
}
ARCHIVES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".zip": "application/zip",
}
PHOTO_MESSAGES = {
    "too_many_pixels": lazy_gettext("照片超过 %(limit)s 百万像素。请换一张小一些的照片。"),
    "not_a_photo": lazy_gettext("这不是照片。请上传 JPEG、PNG、WebP 或 GIF。"),
    "broken": lazy_gettext("这张照片已损坏,无法打开。请重新拍摄或换一张。"),
    "time": lazy_gettext("处理这张照片用时过长,已停止。请换一张小一些的照片。"),
    "memory": lazy_gettext("这张照片展开后太大,已停止处理。请换一张小一些的照片。"),
    "crash": lazy_gettext("这张照片已损坏,无法打开。请重新拍摄或换一张。"),
}


@dataclass(frozen=True)
class StoredFile:
    """A file that is safely on disk."""

    id: str
    sha256: str
    size: int
    media_type: str
    name: str


def store(stream: BinaryIO, *, display_name: str, data_dir: Path, max_bytes: int = MAX_BYTES) -> StoredFile:
    """Write the stream under a random id and return what is known of it; on failure nothing is left behind."""
    file_id = new_id()
    target = _place(data_dir, file_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(PARTIAL)
    name = clean_name(display_name)
    try:
        digest, size, start = _write(stream, partial, max_bytes)
        partial.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    return StoredFile(file_id, digest, size, media_type(start, name), name)


def open_path(file_id: str, *, data_dir: Path) -> Path:
    """Return where the file lies; raise NotFound for an id that is malformed or unknown."""
    if not ID.fullmatch(file_id):
        raise NotFound
    path = _place(data_dir, file_id)
    if not path.is_file():
        raise NotFound
    return path


def discard(file_id: str, *, data_dir: Path) -> None:
    """Remove the file if it is there."""
    if ID.fullmatch(file_id):
        _place(data_dir, file_id).unlink(missing_ok=True)


def refresh(file_id: str, *, data_dir: Path) -> bool:
    """Say that the file is about to be used, so that a sweep leaves it alone; False when it is gone."""
    if not ID.fullmatch(file_id):
        return False
    try:
        os.utime(_place(data_dir, file_id))
    except FileNotFoundError:
        return False
    return True


def sweep(data_dir: Path, *, before: datetime, named: Callable[[Sequence[str]], set[str]]) -> int:
    """Delete what nobody stored or refreshed since `before` and no row names; return how many files went.

    `named` returns which of some ids have a row. Who writes a row has stored or refreshed the file a moment before, so a
    file that looks old is put aside first and looked at once more: a refresh before that is seen and the file put back,
    a refresh after it finds no file and says so.
    """
    root = data_dir / FOLDER
    for aside in root.glob(f"*/*{ASIDE}"):  # of a sweep that was cut off
        with suppress(FileNotFoundError):
            aside.rename(aside.with_name(aside.name.split(".")[0]))
    old = [path for path in root.glob("*/*") if _is_old(path, before)]
    for path in old:
        if path.suffix == PARTIAL:
            path.unlink(missing_ok=True)
    files = sorted((path for path in old if ID.fullmatch(path.name)), key=lambda path: path.name)
    gone = 0
    for start in range(0, len(files), SWEPT_AT_ONCE):
        part = files[start : start + SWEPT_AT_ONCE]
        kept = named([path.name for path in part])
        gone += sum(_take_away(path, before) for path in part if path.name not in kept)
    return gone


def clean_name(name: str) -> str:
    """Return a display name safe in headers, pages and logs: one line, no path, no control or direction marks."""
    text = unicodedata.normalize("NFC", name.encode("utf-8", "ignore").decode())
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"))
    text = re.split(r"[/\\]", text)[-1].strip(" .")
    if len(text) > MAX_NAME:
        stem, dot, suffix = text.rpartition(".")
        kept = f"{dot}{suffix}" if stem and len(suffix) <= 10 else ""
        text = text[: MAX_NAME - len(kept)] + kept
    return text or _("未命名")


def media_type(start: bytes, name: str) -> str:
    """Return the media type the content proves; the name only chooses among kinds of archive."""
    for signature, found in SIGNATURES:
        if start.startswith(signature):
            return found
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[4:8] == b"ftyp":
        return FILMS.get(start[8:12], OCTETS)
    if start.startswith(b"\x1aE\xdf\xa3") and b"webm" in start:
        return "video/webm"
    if start.startswith(b"PK\x03\x04"):
        return ARCHIVES.get(Path(name.lower()).suffix, OCTETS)
    return OCTETS


def shrink_photo(content: bytes) -> bytes:
    """Return the photo as a small upright JPEG without metadata; refuse what is not a photo."""
    return in_photo_child(IMAGE_CHILD, content)


def shrink_drawing(content: bytes) -> bytes:
    """Return a drawn picture, like a signature, as a small PNG without metadata; refuse what is no picture."""
    return in_photo_child(IMAGE_CHILD, content, {"drawing": True})


def in_photo_child(module: str, content: bytes, request: dict[str, bool] | None = None) -> bytes:
    """Return what the child makes of the photo; refuse, in words for its owner, what the child could not open."""
    if len(content) > MAX_PHOTO:
        raise Refused(_("照片超过 %(limit)s MB。请换一张小一些的照片。", limit=MAX_PHOTO // CHUNK))
    try:
        return run_child(module, request=dict(request or {}), limits=IMAGE_LIMITS, input_bytes=content)
    except ChildFailed as failed:
        message = PHOTO_MESSAGES[failed.code if failed.kind == "refused" else failed.kind]
        raise Refused(str(message) % failed.params) from failed


def _place(data_dir: Path, file_id: str) -> Path:
    return data_dir / FOLDER / file_id[:2] / file_id


def _is_old(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False


def _take_away(path: Path, before: datetime) -> bool:
    aside = path.with_name(f"{path.name}.{new_id()}{ASIDE}")  # a name of its own: another sweep never deletes it
    try:
        path.rename(aside)
        if _is_old(aside, before):
            aside.unlink()
            return True
        aside.rename(path)
    except FileNotFoundError:  # another sweep was there
        pass
    return False


def _write(stream: BinaryIO, path: Path, max_bytes: int) -> tuple[str, int, bytes]:
    digest = hashlib.sha256()
    size = 0
    start = b""
    with path.open("xb") as file:
        for chunk in _chunks(stream):
            size += len(chunk)
            if size > max_bytes:
                raise Refused(_("文件超过 %(limit)s MB。请压缩或拆分后再上传。", limit=max_bytes // CHUNK))
            start = start or chunk[:64]
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest(), size, start


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK):
        yield chunk


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
