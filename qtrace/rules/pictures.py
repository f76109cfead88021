"""What is known of the files of a form; the pixels of a picture are read from its first bytes, nothing is decoded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtrace.core.files import StoredFile, open_path
from qtrace.sdk.rules import FileFact

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
MOST_HEAD = 256 * 1024  # of a JPEG, whose size stands behind what cameras write about themselves
SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


def file_facts(
    files: Mapping[str, Sequence[StoredFile]], *, data_dir: Path, with_pixels: frozenset[str]
) -> dict[str, tuple[FileFact, ...]]:
    """Return what rules may know of the files; pixels only for the fields whose rules ask for them."""
    return {
        name: tuple(_fact(one, data_dir, asked=name in with_pixels) for one in stored) for name, stored in files.items()
    }


def pixels(head: bytes) -> tuple[int, int]:
    """Return (width, height) of a PNG or JPEG by its first bytes; (0, 0) when they do not say."""
    if head.startswith(PNG) and len(head) >= 24:
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    return _of_jpeg(head) if head.startswith(JPEG) else (0, 0)


def _fact(file: StoredFile, data_dir: Path, *, asked: bool) -> FileFact:
    width = height = 0
    if asked and file.media_type.startswith("image/"):
        with open_path(file.id, data_dir=data_dir).open("rb") as stream:
            width, height = pixels(stream.read(MOST_HEAD))
    return FileFact(file.name, file.size, file.media_type, width, height)


def _of_jpeg(head: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if marker in SIZE_MARKERS:
            return int.from_bytes(head[place + 7 : place + 9], "big"), int.from_bytes(
                head[place + 5 : place + 7], "big"
            )
        place += 2 if marker in BARE_MARKERS else 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return 0, 0
