"""Files become facts: stream the rows, store them batch by batch, give refused rows back.

Rows are read and parsed outside the write lock; each batch is one short transaction that also moves the run's counts.
A run that died is simply run again: what is stored already is found unchanged.
"""

import gc
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, insert, select, update

from qtrace.core import events, files
from qtrace.core.db import db, read, require_write, write
from qtrace.core.errors import DomainError
from qtrace.core.models import StoredFileRow
from qtrace.exchange.badrows import write_bad_rows
from qtrace.exchange.choosing import choose_and_open, open_table, shop_of
from qtrace.exchange.mapping import Filled, Plan, compile_mapping, detect_kind
from qtrace.exchange.models import ImportBatch, ImportRun
from qtrace.exchange.presets import recognise
from qtrace.exchange.queries import RunDetail, detail_of, run_by_id
from qtrace.exchange.reading import Cell, Row, Table, read_table
from qtrace.exchange.reasons import Reasons, read_reasons
from qtrace.exchange.returned import headers_digest, returned_columns, without_guards
from qtrace.exchange.service import keep_file, open_run
from qtrace.exchange.spool import Spool, scratch
from qtrace.exchange.storing import Intake, Owner, Taken, intake_of
from qtrace.exchange.targets import described
from qtrace.exchange.undoing import plain
from qtrace.orders.batch import Outcome

OUTCOMES: tuple[Outcome, ...] = ("stored", "updated", "unchanged", "refused")
EXAMPLES = 3
EXAMPLES_AMONG = 2000  # rows
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
    intake: Intake
    by: int | None
    clock: Clock
    dry: bool
    bad: Spool
    reasons: Reasons
    unknown: dict[str, Counter[str]]
    examples: dict[str, list[list[str]]]
    counts: Counter[Outcome] = field(default_factory=Counter)
    read: int = 0
    wish: str = ""


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
        goes_on = run.state == "waiting" and run.read > 0
        name, file_id, dry_run = run.file_name, run.file_id, run.dry_run
        owner = Owner(run.shop_id or 0, shop.currency, run.by)
        done = _counted(run) if goes_on else Counter()
        kind = described(run.kind)
    with (
        opened or open_table(files.open_path(file_id or "", data_dir=data_dir), name, detail.mapping) as table,
        Spool(data_dir, run_id, keep=goes_on) as bad,
    ):
        plan = compile_mapping(detail.mapping, table.headers, zone=shop.zone, kind=kind, epoch_1904=table.epoch_1904)
        with read():
            intake = intake_of(plan, owner, key=str(detail.mapping.get("key", "")))
        work = _Run(
            run_id, plan, intake, owner.by, clock, dry_run, bad, read_reasons(detail.reasons if goes_on else {}),
            {name: Counter(words) for name, words in (detail.unknown if goes_on else {}).items()},
            detail.examples if goes_on else {}, done, sum(done.values()),
        )  # fmt: skip
        _start(work, table, in_write)
        if table.encoding and returned_columns(table.headers):
            table.rows = without_guards(table.rows)
        for _row in islice(table.rows, work.read):
            pass  # what an earlier go has stored
        while not work.wish and _do_batch(work, table, in_write):
            progress(_progress(work, table))
        detail = _found(work, table, detail)
        if work.wish == "pause":
            bad.kept = True
            _pause(work, detail, in_write)
            return _progress(work, table)
        refused_file = _refused_file(work, table.headers, name, data_dir) if work.counts["refused"] else None
        ended = replace(_progress(work, table), total=work.read)
    _finish(work, detail, refused_file, in_write)
    progress(ended)
    return ended


def _counted(run: ImportRun) -> Counter[Outcome]:
    counts: dict[Outcome, int] = {
        "stored": run.stored, "updated": run.updated, "unchanged": run.unchanged, "refused": run.refused,
    }  # fmt: skip
    return Counter(counts)


def _found(work: _Run, table: Table, detail: RunDetail) -> RunDetail:
    """Return what is now known of the file and its rows."""
    return replace(
        detail, ignored=[name for name in work.plan.ignored if name not in returned_columns(table.headers)],
        headers=list(table.headers), blank=table.skipped_blank, without_value=table.formulas_without_value_count,
        totals=table.totals, doubled=table.doubled, reasons=work.reasons.dump(), examples=work.examples,
        unused=[table.headers[at] for at in table.unused if table.headers[at]],
        unknown={name: dict(words.most_common()) for name, words in work.unknown.items()},
    )  # fmt: skip


def _start(work: _Run, table: Table, in_write: Callable[[], None]) -> None:
    counts = {name: work.counts[name] for name in OUTCOMES}
    with write():
        in_write()
        _set(
            work.id, state="running", message="", total=table.total_estimate, read=work.read, refused_file_id=None,
            finished_at=None, headers_digest=headers_digest(table.headers), **counts,
        )  # fmt: skip
        if not work.read and not work.dry:
            require_write().execute(delete(ImportBatch).where(ImportBatch.run_id == work.id))
        work.wish = _wish(work.id)


def _wish(run_id: int) -> str:
    return db.session.scalar(select(ImportRun.wish).where(ImportRun.id == run_id)) or ""


def _do_batch(work: _Run, table: Table, in_write: Callable[[], None]) -> bool:
    """Read and store the next rows; say whether there were any."""
    with _no_collection():
        batch = list(islice(table.rows, work.intake.batch))
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
    source, now = ("import_run", work.id), work.clock()
    if work.dry:
        with read():
            taken = work.intake.take(filled, now=now, source=source, dry=True)
        with write():
            in_write()
            reasons = _reasons(batch, good, filled, taken)
            _count_batch(work, len(batch), len(reasons), taken)
    else:
        with write():
            in_write()
            taken = work.intake.take(filled, now=now, source=source, dry=False)
            reasons = _reasons(batch, good, filled, taken)
            _count_batch(work, len(batch), len(reasons), taken)
            _remember(work.id, taken)
    for name, words in filled.unknown.items():
        work.unknown.setdefault(name, Counter()).update(words)
    _show_examples(work, good, filled, taken)
    for row in batch if reasons else ():
        if row.number in reasons:
            work.bad.add(row.number, row.cells, reasons[row.number])
            work.reasons.add(row.number, reasons[row.number])


def _reasons(batch: Sequence[Row], good: Sequence[Row], filled: Filled, taken: Taken) -> dict[int, list[str]]:
    """Return by row number why rows were refused: by the file, by the mapping, or by what stores them."""
    reasons = {row.number: [row.reason] for row in batch if row.reason}
    reasons |= {good[at].number: why for at, why in filled.reasons.items()}
    for at, why in taken.refused.items():
        reasons.setdefault(good[at].number, []).extend(why)
    return reasons


def _show_examples(work: _Run, good: Sequence[Row], filled: Filled, taken: Taken) -> None:
    """Keep the first rows of each outcome, for a person to see what they would become."""
    if work.read > EXAMPLES_AMONG:
        return
    for at, row in enumerate(good[:EXAMPLES_AMONG]):
        if at not in filled.reasons and at not in taken.refused:
            shown = work.examples.setdefault(taken.outcome_of(at), [])
            if len(shown) < EXAMPLES:
                shown.append([str(row.number), *("" if cell is None else str(cell)[:60] for cell in row.cells[:8])])


def _remember(run_id: int, taken: Taken) -> None:
    """Note what was written, so that it can be taken back."""
    rows = [
        {
            "run_id": run_id, "kind": one.kind, "made": list(one.made),
            "changed": {
                str(row_id): {name: [plain(old), plain(new)] for name, (old, new) in columns.items()}
                for row_id, columns in one.changed.items()
            },
        }
        for one in taken.written
    ]  # fmt: skip
    if rows:
        require_write().execute(insert(ImportBatch), rows)


def _count_batch(work: _Run, size: int, refused: int, taken: Taken) -> None:
    tally = Counter(taken.tally)
    tally["refused"] += refused
    if sum(tally.values()) != size:
        raise RuntimeError(f"{size} rows were read, but {dict(tally)} accounted for")
    work.read += size
    work.counts += tally
    _set(work.id, read=work.read, **{name: work.counts[name] for name in OUTCOMES})
    work.wish = _wish(work.id)


def _set(run_id: int, **values: Any) -> None:
    require_write().execute(update(ImportRun).where(ImportRun.id == run_id).values(**values))


def _progress(work: _Run, table: Table) -> Progress:
    return Progress(work.id, work.read, max(table.total_estimate, work.read), **dict(work.counts))


def _refused_file(work: _Run, headers: Sequence[str], name: str, data_dir: Path) -> files.StoredFile:
    suffix = ".csv" if name.lower().endswith((".csv", ".txt", ".tsv")) else ".xlsx"
    with tempfile.TemporaryDirectory(dir=scratch(data_dir)) as folder:
        path = Path(folder) / f"refused{suffix}"
        write_bad_rows(path, headers, work.bad.rows())
        with path.open("rb") as stream:
            return files.store(stream, display_name=f"{Path(name).stem}-{_('错误行')}{suffix}", data_dir=data_dir)


def _pause(work: _Run, detail: RunDetail, in_write: Callable[[], None]) -> None:
    with write():
        in_write()
        _set(work.id, state="paused", wish="", definition=detail.stored())


def _finish(work: _Run, detail: RunDetail, refused_file: files.StoredFile | None, in_write: Callable[[], None]) -> None:
    now = work.clock()
    cancelled = work.wish == "cancel"
    with write():
        in_write()
        if refused_file:
            keep_file(refused_file, by=work.by, now=now)
        _set(
            work.id, state="cancelled" if cancelled else "done", wish="", finished_at=now, total=work.read,
            definition=detail.stored(), refused_file_id=refused_file.id if refused_file else None,
        )  # fmt: skip
        if not work.dry:
            body = {"read": work.read, "refused": work.counts["refused"]} | ({"cancelled": True} if cancelled else {})
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
