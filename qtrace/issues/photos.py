"""Photos on their way into an issue: made small, put into the store, and kept over a form that must be shown again.

Between two submits a stored photo travels as a sealed note in the form, so that an invalid form writes nothing.
"""

import io
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import FileStorage

from qtrace.core.files import MAX_PHOTO, StoredFile, clean_name, shrink_photo, store

SALT = "kept-photo"
MAX_FILE = 20 * 1024 * 1024
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


def store_photo(upload: FileStorage, *, data_dir: Path) -> StoredFile:
    """Put a photo into the store as a small JPEG without metadata; refuse what is not a photo."""
    content = shrink_photo(upload.stream.read(MAX_PHOTO + 1))
    stem = Path(clean_name(upload.filename or "")).stem or "photo"
    return store(io.BytesIO(content), display_name=f"{stem}.jpg", data_dir=data_dir)


def store_attachment(upload: FileStorage, *, data_dir: Path) -> StoredFile:
    """Put any file into the store; a photo is made harmless first, anything else is only ever downloaded."""
    stored = store(
        cast(BinaryIO, upload.stream), display_name=upload.filename or "", data_dir=data_dir, max_bytes=MAX_FILE
    )
    if stored.media_type not in SHOWN:
        return stored
    upload.stream.seek(0)
    return store_photo(upload, data_dir=data_dir)


def seal(photo: StoredFile, *, key: str, user_id: int) -> str:
    """Return a note, valid for this person only, that brings a stored photo back with the next submit."""
    return str(URLSafeSerializer(key, salt=SALT).dumps([user_id, asdict(photo)]))


def unseal(notes: Iterable[str], *, key: str, user_id: int) -> list[StoredFile]:
    """Return the photos of genuine notes of this person; others are ignored."""
    found = []
    for note in notes:
        try:
            owner, photo = URLSafeSerializer(key, salt=SALT).loads(note)
        except BadSignature:
            continue
        if owner == user_id:
            found.append(StoredFile(**photo))
    return found
