"""The account's folder in the volume: what lies in it, its tables row by row, and where finished files go.

Only plain files directly in the folder count, links do not. Files are opened in the limited child only.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from flask_babel import gettext as _

from qtrace.core.db import read
from qtrace.core.errors import DomainError, Refused
from qtrace.exchange.badrows import BadRow, write_bad_rows
from qtrace.exchange.choosing import Chosen, choose, open_table
from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import Plan, compile_mapping, suggest
from qtrace.exchange.reading import FileRefused, Row, Table, read_table
from qtrace.issues.intake import rehearse
from qtrace.orders.batch import Rehearsal
from qtrace.sdk.connector import DropFile, DropRow, DropTable, FinishedFile
from qtrace.sdk.errors import UnreadableFile

FOLDER, DONE, FAILED = "drop", "done", "failed"
CHUNK = 1024 * 1024
BATCH = 1000
FORBIDDEN = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


@dataclass(frozen=True)
class DropShop:
    """The shop the folder's records belong to."""

    id: int
    key: str
    currency: str
    zone: str


@dataclass
class _Opened:
    """The table that is being read, and the last row given out."""

    name: str
    digest: str
    kind: str
    table: Table
    plan: Plan
    row: int = 0


def is_folder_name(name: str) -> bool:
    """Say whether an account's name can also name its folder on every system."""
    return bool(name) and not FORBIDDEN.search(name) and name == name.strip(" .") and len(name.encode()) <= 200


class VolumeFolder:
    """The drop folder of one account during one sync; `close()` ends the child that reads."""

    def __init__(self, data_dir: Path, account: str, shop: DropShop) -> None:
        self.path = data_dir / FOLDER / account
        self.shop = shop
        self.path.mkdir(parents=True, exist_ok=True)
        self._opened: _Opened | None = None
        self._digests: dict[tuple[str, int, int], str] = {}

    def list(self) -> Sequence[DropFile]:
        """Return the files that lie in the folder, the oldest first."""
        found = []
        with os.scandir(self.path) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith((".", "~$")):
                    info = entry.stat(follow_symlinks=False)
                    found.append(DropFile(entry.name, info.st_size, datetime.fromtimestamp(info.st_mtime, UTC)))
        return sorted(found, key=lambda file: (file.modified, file.name))

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file's content."""
        path = self._file(name)
        info = path.stat()
        key = (name, info.st_size, info.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = _sha256(path)
        return self._digests[key]

    def open(self, name: str, kind: str, *, after: int = 0) -> DropTable:
        """Open a table of this kind of record behind row number `after`; raise UnreadableFile when it is none."""
        digest = self.digest(name)
        opened = self._opened
        if opened is None or (opened.name, opened.digest, opened.kind, opened.row) != (name, digest, kind, after):
            self.close()
            try:
                table, plan = self._table(name, kind)
            except DomainError as error:
                raise UnreadableFile(error.message) from error
            opened = self._opened = _Opened(name, digest, kind, table, plan)
        return DropTable(opened.plan.ignored, _rows(opened, after))

    def close(self) -> None:
        """End the child that reads; a finished or abandoned table is forgotten."""
        if self._opened is not None:
            self._opened.table.close()
            self._opened = None

    def finish(self, file: FinishedFile, kind: str, *, refused: bool, now: datetime) -> None:
        """Move a file out of the way: to done/ or, with its reason beside it, to failed/.

        Rows that were refused are written to failed/ as a table of their own. Doing it twice is harmless, and a file
        that was replaced meanwhile stays where it is.
        """
        self.close()
        path = self.path / file.name
        if not path.is_file() or path.is_symlink() or self.digest(file.name) != file.digest:
            return
        target = self.path / (FAILED if file.problem else DONE)
        target.mkdir(exist_ok=True)
        if file.problem:
            _write_whole(target / f"{file.name}.txt", file.problem)
        elif refused:
            self._write_refused(file.name, kind, now)
        path.replace(_free_name(target, file))

    def _file(self, name: str) -> Path:
        path = self.path / name
        if path.parent != self.path or not stat.S_ISREG(path.lstat().st_mode):
            raise UnreadableFile(_("%(name)s 不是这个文件夹里的文件。", name=name))
        return path

    def _table(self, name: str, kind: str) -> tuple[Table, Plan]:
        path = self._file(name)
        with read():
            chosen = _choose(path, name, kind, self.shop.key)
        table = open_table(path, name, chosen.definition)
        try:
            return table, compile_mapping(chosen.definition, table.headers, zone=self.shop.zone)
        except DomainError:
            table.close()
            raise

    def _write_refused(self, name: str, kind: str, now: datetime) -> None:
        folder = self.path / FAILED
        folder.mkdir(exist_ok=True)
        suffix = ".csv" if name.lower().endswith((".csv", ".txt", ".tsv")) else ".xlsx"
        target = folder / f"{Path(name).stem}-{_('错误行')}{suffix}"
        scratch = folder / f".part{suffix}"
        table, plan = self._table(name, kind)
        with closing(table):
            written = write_bad_rows(scratch, table.headers, self._bad_rows(table, plan, now))
        if written:
            scratch.replace(target)
        else:
            scratch.unlink()

    def _bad_rows(self, table: Table, plan: Plan, now: datetime) -> Iterator[BadRow]:
        """Judge every row once more, as the sync did."""
        rows, memory = iter(table.rows), Rehearsal()
        while batch := list(islice(rows, BATCH)):
            yield from self._bad_of(batch, plan, memory, now)

    def _bad_of(self, batch: Sequence[Row], plan: Plan, memory: Rehearsal, now: datetime) -> Iterable[BadRow]:
        reasons: dict[int, list[str]] = {}
        records, owners = [], []
        for row in batch:
            made, why = ([], [row.reason]) if row.reason else plan.apply(row.cells)
            if why:
                reasons[row.number] = why
            records += made
            owners += [row.number] * len(made)
        with read():
            counts = rehearse((self.shop.id, self.shop.currency), records, now=now, memory=memory)
        for index, reason in counts.refused:
            reasons.setdefault(owners[index], []).append(reason)
        return [(row.number, row.cells, reasons[row.number]) for row in batch if row.number in reasons]


def _choose(path: Path, name: str, kind: str, shop_key: str) -> Chosen:
    try:
        return choose(path, name=name, kind=kind, shop_key=shop_key)
    except FileRefused:
        raise
    except Refused as error:
        with read_table(path, name=name) as table:
            headers = table.headers
        if suggest(kind, headers):
            raise
        fields = "、".join(str(field.label) for field in KINDS[kind].required)
        raise Refused(
            _(
                "没有认得的列。「%(kind)s」至少要有:%(fields)s。文件里的列有:%(headers)s。"
                "请改列名,或在导入页为这种文件保存一份映射。",
                kind=KINDS[kind].label, fields=fields, headers="、".join(header for header in headers if header),
            )
        ) from error  # fmt: skip


def _rows(opened: _Opened, after: int) -> Iterator[DropRow]:
    try:
        for row in opened.table.rows:
            opened.row = row.number
            if row.number <= after:
                continue
            made, why = ([], [row.reason]) if row.reason else opened.plan.apply(row.cells)
            yield DropRow(number=row.number, records=tuple(made), problem="; ".join(why))
    except FileRefused as error:
        raise UnreadableFile(error.message) from error


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _free_name(folder: Path, file: FinishedFile) -> Path:
    """Return where the file goes; another file of that name is kept."""
    target = folder / file.name
    return target if not target.exists() else folder / f"{target.stem}-{file.digest[:8]}{target.suffix}"


def _write_whole(path: Path, text: str) -> None:
    scratch = path.with_name(f".{path.name}.part")
    scratch.write_text(f"{text}\n", encoding="utf-8")
    scratch.replace(path)
