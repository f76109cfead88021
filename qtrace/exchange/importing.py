"""Files become facts: stream the rows, store them batch by batch, give refused rows back.

Rows are read and parsed outside the write lock; each batch is one short transaction that also moves the run's counts.
A run that died is simply run again: what is stored already is found unchanged.
"""

import gc
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from flask_babel import gettext as _
from sqlalchemy import update

from qtrace.core import events, files
from qtrace.core.db import db, read, require_write, write
from qtrace.core.errors import DomainError
from qtrace.core.models import StoredFileRow
from qtrace.exchange.badrows import write_bad_rows
from qtrace.exchange.choosing import choose_and_open, open_table, shop_of
from qtrace.exchange.mapping import Filled, Plan, compile_mapping, detect_kind
from qtrace.exchange.models import ImportRun
from qtrace.exchange.presets import recognise
from qtrace.exchange.queries import RunDetail, detail_of, run_by_id
from qtrace.exchange.reading import Cell, Row, Table, read_table
from qtrace.exchange.service import keep_file, open_run
from qtrace.issues.intake import rehearse, store
from qtrace.orders.batch import Outcome, Rehearsal
from qtrace.orders.upsert import Counts

BATCH = 2000
BATCH_OF_ISSUES = 50  # each starts a flow; the write lock is held for a batch
PREVIEW_ROWS = 5

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Progress:
    """How far a run is; read = stored + updated + unchanged + refused."""

    run_id: int
    read: int = 0
    total: int = 0
    stored: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Finished:
    """The result of a run, for the command line."""

    progress: Progress
    kind: str
    mapping: str
    shop: str
    dry_run: bool
    ignored: tuple[str, ...]
    blank: int
    refused_file: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the counts under their public names; read = the sum of the next four."""
        done = self.progress
        return {
            "read": done.read, "stored": done.stored, "updated": done.updated, "unchanged": done.unchanged,
            "refused": done.refused, "refused_file": str(self.refused_file) if self.refused_file else None,
            "kind": self.kind, "mapping": self.mapping, "shop": self.shop, "dry_run": self.dry_run,
            "ignored": list(self.ignored), "blank": self.blank,
        }  # fmt: skip


@dataclass(frozen=True)
class Preview:
    """A first look at any table."""

    headers: tuple[str, ...]
    header_row: int
    rows: int
    first: tuple[tuple[Cell, ...], ...]
    sheet: str
    sheets: tuple[str, ...]
    encoding: str
    kind: str | None


@dataclass
class _Run:
    """The working state of a run."""

    id: int
    plan: Plan
    shop_id: int | None
    currency: str
    by: int | None
    clock: Clock
    memory: Rehearsal | None
    bad: TextIO
    counts: Counter[Outcome] = field(default_factory=Counter)
    read: int = 0


def preview(path: Path, *, name: str | None = None) -> Preview:
    """Return the headers, the number of rows and the first rows of any table."""
    with read_table(path, name=name or path.name) as table:
        first = tuple(tuple(row.cells) for row in islice(table.rows, PREVIEW_ROWS))
        rows = len(first) + sum(1 for _row in table.rows)
        found = recognise(table.headers)
        kind = found[1]["kind"] if found else detect_kind(table.headers)
        return Preview(
            tuple(table.headers), table.header_row, rows, first, table.sheet, tuple(table.sheets), table.encoding, kind
        )


def import_file(
    path: Path,
    *,
    kind: str | None = None,
    mapping: str | None = None,
    shop_key: str | None = None,
    dry_run: bool = False,
    data_dir: Path,
    clock: Clock,
    progress: Callable[[Progress], None] | None = None,
) -> Finished:
    """Import a file here and now; the mapping is a saved name, a preset's name, or the path of a JSON file."""
    chosen, table = choose_and_open(path, name=path.name, kind=kind, mapping=mapping, shop_key=shop_key)
    with table:
        with write():
            run_id = open_run(chosen, file_name=path.name, file_id=None, dry_run=dry_run, by=None, now=clock())
        done = run_import(run_id, data_dir=data_dir, clock=clock, table=table, progress=progress)
    with read():
        run = run_by_id(run_id)
        detail = detail_of(run)
        refused = _named_copy(run, data_dir) if run.refused_file_id else None
    return Finished(
        done, chosen.kind, chosen.mapping_name, chosen.shop.key, dry_run, chosen.ignored, detail.blank, refused
    )


def run_import(
    run_id: int,
    *,
    data_dir: Path,
    clock: Clock,
    table: Table | None = None,
    progress: Callable[[Progress], None] | None = None,
    in_write: Callable[[], None] | None = None,
) -> Progress:
    """Do a run from its first row, of `table` or of its stored file; `in_write` is called inside each batch's write, which lets a job keep its lease."""
    try:
        return _run(run_id, data_dir, clock, table, progress or _quiet, in_write or _nothing)
    except DomainError as error:
        _fail(run_id, error.message, clock())
        raise
    except Exception:
        _fail(run_id, _("导入中断,已导入的数据保留。再次导入会从头核对,不会重复。"), clock())
        raise


def _run(
    run_id: int,
    data_dir: Path,
    clock: Clock,
    opened: Table | None,
    progress: Callable[[Progress], None],
    in_write: Callable[[], None],
) -> Progress:
    with read():
        run = run_by_id(run_id)
        detail, shop = detail_of(run), shop_of(run)
        name, file_id, dry_run, by, shop_id = run.file_name, run.file_id, run.dry_run, run.by, run.shop_id
    with (
        opened or open_table(files.open_path(file_id or "", data_dir=data_dir), name, detail.mapping) as table,
        tempfile.TemporaryFile("w+", encoding="utf-8", dir=_scratch(data_dir)) as bad,
    ):
        plan = compile_mapping(detail.mapping, table.headers, zone=shop.zone)
        work = _Run(run_id, plan, shop_id, shop.currency, by, clock, Rehearsal() if dry_run else None, bad)
        _start(work, table, in_write)
        while _do_batch(work, table, in_write):
            progress(_progress(work, table))
        detail = replace(
            detail, ignored=list(plan.ignored), headers=list(table.headers), blank=table.skipped_blank,
            without_value=table.formulas_without_value_count,
        )  # fmt: skip
        refused_file = _refused_file(work, table.headers, name, data_dir) if work.counts["refused"] else None
        done = replace(_progress(work, table), total=work.read)
    _finish(work, detail, refused_file, in_write)
    progress(done)
    return done


def _scratch(data_dir: Path) -> Path:
    folder = data_dir / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _start(work: _Run, table: Table, in_write: Callable[[], None]) -> None:
    with write():
        in_write()
        _set(
            work.id, state="running", message="", total=table.total_estimate, read=0, stored=0, updated=0, unchanged=0,
            refused=0, refused_file_id=None, finished_at=None,
        )  # fmt: skip


def _do_batch(work: _Run, table: Table, in_write: Callable[[], None]) -> bool:
    """Read and store the next rows; say whether there were any."""
    with _no_collection():
        batch = list(islice(table.rows, BATCH_OF_ISSUES if work.plan.kind == "issues" else BATCH))
        if batch:
            _store_batch(work, batch, in_write)
    return bool(batch)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the garbage collector: a batch makes many values and hardly a cycle, and the search took a quarter."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _store_batch(work: _Run, batch: Sequence[Row], in_write: Callable[[], None]) -> None:
    good = [row for row in batch if not row.reason]
    filled = work.plan.fill([row.cells for row in good])
    reasons = {row.number: [row.reason] for row in batch if row.reason}
    reasons |= {good[at].number: why for at, why in filled.reasons.items()}
    if work.memory is None:
        with write():
            in_write()
            assert work.shop_id is not None
            counts = store(work.shop_id, filled.frames, now=work.clock(), by=work.by, source=("import_run", work.id))
            tally = _tally(good, filled, counts, reasons)
            _count_batch(work, len(batch), len(reasons), tally)
    else:
        with read():
            shop = (work.shop_id or 0, work.currency)
            counts = rehearse(shop, filled.frames, now=work.clock(), memory=work.memory)
        tally = _tally(good, filled, counts, reasons)
        with write():
            in_write()
            _count_batch(work, len(batch), len(reasons), tally)
    for row in batch if reasons else ():
        if row.number in reasons:
            work.bad.write(
                json.dumps([row.number, row.cells, reasons[row.number]], ensure_ascii=True, default=_written) + "\n"
            )


def _tally(rows: Sequence[Row], filled: Filled, counts: Counts, reasons: dict[int, list[str]]) -> Counter[Outcome]:
    """Count what became of the rows that could be read, and add the reasons of those that were refused."""
    of_row: list[list[Outcome]] = [[] for _row in rows]
    for frame in filled.frames.frames:
        for index in frame.index:
            of_row[index // filled.parts].append(counts.outcomes[index])
    for index, reason in counts.refused:
        reasons.setdefault(rows[index // filled.parts].number, []).append(reason)
    together = Counter(tuple(of_row[at]) for at in range(len(rows)) if at not in filled.reasons)
    tally: Counter[Outcome] = Counter()
    for outcomes, times in together.items():
        tally[_row_outcome(outcomes)] += times
    del tally["refused"]
    return tally


def _row_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """Return what became of a row that made several records: the first one's outcome counts."""
    if "refused" in outcomes:
        return "refused"
    if outcomes and outcomes[0] == "unchanged" and set(outcomes) != {"unchanged"}:
        return "updated"
    return outcomes[0] if outcomes else "unchanged"


def _count_batch(work: _Run, size: int, refused: int, tally: Counter[Outcome]) -> None:
    tally["refused"] = refused
    if sum(tally.values()) != size:
        raise RuntimeError(f"{size} rows were read, but {dict(tally)} accounted for")
    work.read += size
    work.counts += tally
    _set(work.id, read=work.read, **{name: work.counts[name] for name in ("stored", "updated", "unchanged", "refused")})


def _set(run_id: int, **values: Any) -> None:
    require_write().execute(update(ImportRun).where(ImportRun.id == run_id).values(**values))


def _progress(work: _Run, table: Table) -> Progress:
    return Progress(work.id, work.read, max(table.total_estimate, work.read), **dict(work.counts))


def _refused_file(work: _Run, headers: Sequence[str], name: str, data_dir: Path) -> files.StoredFile:
    suffix = ".csv" if name.lower().endswith((".csv", ".txt", ".tsv")) else ".xlsx"
    with tempfile.TemporaryDirectory(dir=_scratch(data_dir)) as folder:
        path = Path(folder) / f"refused{suffix}"
        write_bad_rows(path, headers, _bad_rows(work.bad), gettext=_)
        with path.open("rb") as stream:
            return files.store(stream, display_name=f"{Path(name).stem}-{_('错误行')}{suffix}", data_dir=data_dir)


def _bad_rows(spool: TextIO) -> Iterator[tuple[int, list[Cell], list[str]]]:
    spool.seek(0)
    for line in spool:
        number, cells, reasons = json.loads(line)
        yield number, cells, reasons


def _written(value: object) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)


def _finish(work: _Run, detail: RunDetail, refused_file: files.StoredFile | None, in_write: Callable[[], None]) -> None:
    now = work.clock()
    with write():
        in_write()
        if refused_file:
            keep_file(refused_file, by=work.by, now=now)
        _set(
            work.id, state="done", finished_at=now, total=work.read, definition=detail.stored(),
            refused_file_id=refused_file.id if refused_file else None,
        )  # fmt: skip
        if work.memory is None:
            body = {"read": work.read, "refused": work.counts["refused"]}
            events.record("import_finished", subject=("import_run", work.id), by=work.by, now=now, body=body)


def _fail(run_id: int, message: str, now: datetime) -> None:
    with write():
        _set(run_id, state="failed", message=message, finished_at=now)


def _named_copy(run: ImportRun, data_dir: Path) -> Path:
    stored = db.session.get(StoredFileRow, run.refused_file_id)
    assert stored is not None
    target = data_dir / "refused" / f"{run.id}-{stored.name}"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(files.open_path(stored.id, data_dir=data_dir).read_bytes())
    return target


def _quiet(_progress: Progress) -> None:
    return None


def _nothing() -> None:
    return None
