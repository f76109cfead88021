"""Photos on their way into a record: made small, put into the store, and kept over a form that must be shown again.

Between two submits a stored photo travels as a sealed note in the form, so that an invalid form writes nothing.
"""

import io
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast

from flask import Response, current_app, request, send_file
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import FileStorage

from qtrace.core.errors import Refused
from qtrace.core.files import MAX_PHOTO, StoredFile, clean_name, open_path, refresh, shrink_drawing, shrink_photo, store
from qtrace.core.models import StoredFileRow

SALT = "kept-photo"
MOST_PHOTOS = 9
MAX_FILE = 20 * 1024 * 1024
SHOWN = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})


def store_photo(upload: FileStorage, *, data_dir: Path) -> StoredFile:
    """Put a photo into the store as a small JPEG without metadata; refuse what is not a photo."""
    content = shrink_photo(upload.stream.read(MAX_PHOTO + 1))
    stem = Path(clean_name(upload.filename or "")).stem or "photo"
    return store(io.BytesIO(content), display_name=f"{stem}.jpg", data_dir=data_dir)


def store_signature(upload: FileStorage, *, data_dir: Path) -> StoredFile:
    """Put a drawing into the store as a small PNG without metadata; refuse what is no picture."""
    content = shrink_drawing(upload.stream.read(MAX_PHOTO + 1))
    return store(io.BytesIO(content), display_name="signature.png", data_dir=data_dir)


def store_attachment(upload: FileStorage, *, data_dir: Path, max_bytes: int = MAX_FILE) -> StoredFile:
    """Put any file into the store; a photo is made harmless first, anything else is only ever downloaded."""
    stored = store(
        cast(BinaryIO, upload.stream), display_name=upload.filename or "", data_dir=data_dir, max_bytes=max_bytes
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


def photos_sent(user_id: int, *, name: str = "photos") -> tuple[list[StoredFile], str]:
    """Put the photos of the present form into the store, beside those of an earlier try; the second is what is wrong."""
    key, data_dir = str(current_app.secret_key), current_app.config["QTRACE_DATA_DIR"]
    kept = unseal(request.form.getlist(f"{name}.kept"), key=key, user_id=user_id)
    found = [photo for photo in kept if refresh(photo.id, data_dir=data_dir)]
    error = _("表单放了太久,有照片已被清理。请重新添加照片后再提交。") if len(found) < len(kept) else ""
    uploads = [upload for upload in request.files.getlist(name) if upload.filename]
    if len(found) + len(uploads) > MOST_PHOTOS:
        return found, _(
            "最多 %(most)d 张照片,现在有 %(n)d 张。请去掉几张。", most=MOST_PHOTOS, n=len(found) + len(uploads)
        )
    for upload in uploads:
        try:
            found.append(store_photo(upload, data_dir=data_dir))
        except Refused as refused:
            error = refused.message
    return found, error


def notes_of(photos: Iterable[StoredFile], *, user_id: int) -> list[tuple[str, str]]:
    """Return name and note of each photo, for a form that must be shown again."""
    key = str(current_app.secret_key)
    return [(photo.name, seal(photo, key=key, user_id=user_id)) for photo in photos]


def send_stored(file: StoredFileRow) -> Response:
    """Send a stored file: photos are shown, everything else is downloaded and can run nothing."""
    shown = file.media_type in SHOWN
    response = send_file(
        open_path(file.id, data_dir=current_app.config["QTRACE_DATA_DIR"]),
        mimetype=file.media_type if shown else "application/octet-stream",
        as_attachment=not shown,
        download_name=file.name,
        etag=file.sha256,
        max_age=0,
    )
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
