"""Files put into the volume's drop folder are imported by the preset their name fits.

A preset is a saved mapping with a pattern of file names, and a shop if there are several. Only plain files directly in
the folder count: the folders in it belong to connected accounts. A file somebody is still writing to waits.
"""

import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core import files
from qtrace.core.db import db, read, write
from qtrace.core.errors import DomainError, Refused
from qtrace.core.ids import new_id
from qtrace.core.models import StoredFileRow
from qtrace.exchange.choosing import choose, fits_pattern
from qtrace.exchange.importing import run_import
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.queries import run_by_id
from qtrace.exchange.service import keep_file, open_run

FOLDER, DONE, REFUSED = "drop", "done", "refused"
SETTLE = timedelta(seconds=30)
HIDDEN = (".", "~$")
CHUNK = 1024 * 1024

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Waiting:
    """A file in the folder: its preset, if one fits, and whether nobody writes to it any more."""

    name: str
    size: int
    preset: ImportMapping | None
    settled: bool


def presets_for_drop() -> Sequence[ImportMapping]:
    """Return the mappings by which dropped files are read."""
    statement = select(ImportMapping).where(ImportMapping.dropped, ImportMapping.pattern != "")
    return db.session.scalars(statement.order_by(ImportMapping.name, ImportMapping.kind)).all()


def preset_of(name: str, presets: Sequence[ImportMapping]) -> ImportMapping | None:
    """Return the preset a file's name fits; of several the one whose pattern says most."""
    fitting = [preset for preset in presets if fits_pattern(name, preset.pattern)]
    return max(fitting, key=lambda preset: len(preset.pattern.replace("*", "")), default=None)


def waiting_files(data_dir: Path, presets: Sequence[ImportMapping], *, now: datetime) -> list[Waiting]:
    """Return the files in the folder, the oldest first."""
    folder = _folder(data_dir)
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) and not entry.name.startswith(HIDDEN):
                info = entry.stat(follow_symlinks=False)
                changed = datetime.fromtimestamp(info.st_mtime, UTC)
                one = Waiting(entry.name, info.st_size, preset_of(entry.name, presets), now - changed >= SETTLE)
                found.append((changed, one))
    return [one for _changed, one in sorted(found, key=lambda pair: (pair[0], pair[1].name))]


def put(stream: BinaryIO, name: str, data_dir: Path, presets: Sequence[ImportMapping], *, now: datetime) -> str:
    """Put an uploaded file into the folder, whole, and return its name; refuse one that no preset fits."""
    clean = files.clean_name(name).lstrip(".~$") or new_id()
    if preset_of(clean, presets) is None:
        known = "、".join(preset.pattern for preset in presets) or _("还没有预设")
        raise Refused(_("没有预设适合「%(name)s」。预设的文件名:%(known)s。", name=clean, known=known), field="file")
    folder = _folder(data_dir)
    partial = folder / f".{new_id()}.part"
    try:
        with partial.open("xb") as file:
            shutil.copyfileobj(stream, file, CHUNK)
        settled = (now - SETTLE).timestamp()  # it is complete, so nobody need wait
        os.utime(partial, (settled, settled))
        target = _free(folder, clean)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
    return target.name


def import_dropped(data_dir: Path, *, clock: Clock, in_write: Callable[[], None]) -> int:
    """Import every file that is complete and fits a preset; return how many were taken in."""
    with read():
        ready = [
            (one.name, one.preset.name, one.preset.kind, one.preset.shop_key)
            for one in waiting_files(data_dir, presets_for_drop(), now=clock())
            if one.settled and one.preset is not None
        ]
    for name, mapping, kind, shop in ready:
        _import(data_dir, name, mapping, kind, shop or None, clock, in_write)
    return len(ready)


def _import(
    data_dir: Path, name: str, mapping: str, kind: str, shop: str | None, clock: Clock, in_write: Callable[[], None]
) -> None:
    path = _folder(data_dir) / name
    try:
        with path.open("rb") as stream:
            stored = files.store(stream, display_name=name, data_dir=data_dir)
        with read():
            chosen = choose(
                files.open_path(stored.id, data_dir=data_dir), name=name, kind=kind, mapping=mapping, shop_key=shop
            )
        with write():
            keep_file(stored, by=None, now=clock())
            run_id = open_run(chosen, file_name=name, file_id=stored.id, dry_run=False, by=None, now=clock())
        run_import(run_id, data_dir=data_dir, clock=clock, in_write=in_write)
    except DomainError as error:
        _put_away(path, data_dir, REFUSED, error.message)
        return
    with read():
        run = run_by_id(run_id)
        said = _said(run)
        _give_back(run, data_dir)
    _put_away(path, data_dir, DONE, said)


def _said(run: ImportRun) -> str:
    return _(
        "第 %(id)s 次导入:读到 %(read)s 行,新增 %(stored)s,更新 %(updated)s,没有变化 %(unchanged)s,退回 %(refused)s。",
        id=run.id, read=run.read, stored=run.stored, updated=run.updated, unchanged=run.unchanged, refused=run.refused,
    )  # fmt: skip


def _give_back(run: ImportRun, data_dir: Path) -> None:
    """Lay the refused rows into refused/, to be mended and dropped again."""
    stored = db.session.get(StoredFileRow, run.refused_file_id) if run.refused_file_id else None
    if stored is not None:
        folder = _folder(data_dir) / REFUSED
        folder.mkdir(exist_ok=True)
        shutil.copyfile(files.open_path(stored.id, data_dir=data_dir), _free(folder, stored.name))


def _put_away(path: Path, data_dir: Path, where: str, said: str) -> None:
    """Move a file out of the way with the result beside it; one of the same name that lies there is kept."""
    folder = _folder(data_dir) / where
    folder.mkdir(exist_ok=True)
    target = _free(folder, path.name)
    path.rename(target)
    target.with_name(f"{target.name}.txt").write_text(f"{said}\n", encoding="utf-8")


def _free(folder: Path, name: str) -> Path:
    """Return a name nobody has taken in the folder."""
    target, number = folder / name, 1
    while target.exists():
        number += 1
        stem = re.sub(r"-\d+$", "", target.stem) if number > 2 else target.stem
        target = target.with_name(f"{stem}-{number}{target.suffix}")
    return target


def _folder(data_dir: Path) -> Path:
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder
