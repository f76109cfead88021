"""Write verbs of imports: open a run, decide a draft, remember a mapping, keep a file."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select, update

from qtrace.catalog.queries import shop_by_key
from qtrace.catalog.service import ensure_shop
from qtrace.core import files
from qtrace.core.db import affected, require_write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.jobs import enqueue
from qtrace.core.models import StoredFileRow
from qtrace.exchange.choosing import Chosen, shop_of
from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import check_definition
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.queries import RunDetail, detail_of, run_by_id
from qtrace.exchange.returned import headers_digest, in_front, of_returned
from qtrace.exchange.targets import described

IMPORT = "import"
DRAFT = "draft"
MAX_PATTERN = 120


def open_run(
    chosen: Chosen,
    *,
    file_name: str,
    file_id: str | None,
    dry_run: bool,
    by: int | None,
    now: datetime,
    parent_id: int | None = None,
) -> int:
    """Write down the run that is to be done and, for a real run, its shop and mapping; return its id."""
    session = require_write()
    shop_id = chosen.shop.id
    if not dry_run:
        shop_id = _settled_shop(chosen)
        if chosen.mapping_name:
            save_mapping(chosen.mapping_name, chosen.definition, now=now)
    run = ImportRun(
        kind=chosen.kind, mapping=chosen.mapping_name, shop_id=shop_id, file_id=file_id, file_name=files.clean_name(file_name),
        definition=RunDetail(chosen.definition, list(chosen.ignored), list(chosen.headers)).stored(),
        dry_run=dry_run, started_at=now, by=by, parent_id=parent_id, headers_digest=headers_digest(chosen.headers),
    )  # fmt: skip
    session.add(run)
    session.flush()  # for the run's id, which its events and its page carry
    return run.id


def save_mapping(name: str, definition: Mapping[str, Any], *, now: datetime, pattern: str | None = None) -> None:
    """Remember a mapping under its name and kind; a changed one replaces the old. None leaves the pattern as it is."""
    kind = str(definition["kind"])
    check_definition(definition, described(kind))
    session = require_write()
    row = session.scalar(select(ImportMapping).where(ImportMapping.name == name, ImportMapping.kind == kind))
    if row is None:
        row = ImportMapping(name=name, kind=kind, created_at=now)
        session.add(row)
    row.definition, row.used_at = dict(definition), now
    if pattern is not None:
        row.pattern = pattern


def set_preset(mapping_id: int, *, pattern: str, shop_key: str, dropped: bool) -> None:
    """Say for which file names a saved mapping is meant; refuse to read dropped files by names nobody gave."""
    clean = pattern.strip()
    if len(clean) > MAX_PATTERN or "/" in clean or "\\" in clean:
        raise Refused(_("文件名最多 %(n)s 个字,不能有斜杠。", n=MAX_PATTERN), field="pattern")
    if dropped and not clean.strip("*. "):
        raise Refused(_("请写明文件名,例如 订单*.xlsx。"), field="pattern")
    if shop_key and shop_by_key(shop_key) is None:
        raise Refused(_("没有这个店铺,请刷新页面。"), field="shop")
    row = require_write().get_one(ImportMapping, mapping_id)
    row.pattern, row.shop_key, row.dropped = clean, shop_key, dropped


def open_draft(
    *,
    file_name: str,
    file_id: str,
    detail: RunDetail,
    kind: str,
    shop_id: int | None,
    dry_run: bool,
    by: int,
    now: datetime,
) -> int:
    """Write down a file whose mapping a person still has to decide; return the run's id."""
    session = require_write()
    run = ImportRun(
        kind=kind, shop_id=shop_id, file_id=file_id, file_name=files.clean_name(file_name), dry_run=dry_run, state=DRAFT,
        definition=detail.stored(), started_at=now, by=by,
    )  # fmt: skip
    session.add(run)
    session.flush()  # for the run's id, which the address of its mapping page carries
    return run.id


def read_draft_anew(run_id: int, detail: RunDetail) -> None:
    """Note that a draft's sheet or headers are others than found."""
    changed = update(ImportRun).where(ImportRun.id == run_id, ImportRun.state == DRAFT)
    if not affected(changed.values(definition=detail.stored())):
        raise Conflict(_("这个文件已经开始导入了,请看导入记录。"))


def settle_draft(run_id: int, chosen: Chosen, *, save_as: str, pattern: str, now: datetime) -> None:
    """Give a draft its mapping, remember that under a name when one is given, and put the run in the queue."""
    if save_as:
        save_mapping(save_as, chosen.definition, now=now, pattern=pattern)
    run = run_by_id(run_id)
    settled = (
        update(ImportRun)
        .where(ImportRun.id == run_id, ImportRun.state == DRAFT)
        .values(
            kind=chosen.kind, mapping=save_as, shop_id=chosen.shop.id if run.dry_run else _settled_shop(chosen),
            definition=RunDetail(chosen.definition, list(chosen.ignored), list(chosen.headers)).stored(),
            state="waiting", started_at=now,
        )
    )  # fmt: skip
    if not affected(settled):
        raise Conflict(_("这个文件已经开始导入了,请看导入记录。"))
    queue_run(run_id, now=now)


def queue_run(run_id: int, *, now: datetime) -> None:
    """Leave the run to the worker."""
    run = run_by_id(run_id)
    enqueue(IMPORT, {"run_id": run_id}, now=now, dedupe_key=f"import-{run_id}-{run.read}-{run.wish}")


def pause(run_id: int) -> None:
    """Ask a real run to stop after the rows it is at; it can go on later."""
    _ask(run_id, "pause", (ImportRun.state == "running") & ImportRun.dry_run.is_(False))


def go_on(run_id: int, *, now: datetime) -> None:
    """Let a paused run go on where it stopped."""
    paused = update(ImportRun).where(ImportRun.id == run_id, ImportRun.state == "paused")
    if not affected(paused.values(state="waiting", wish="")):
        raise Conflict(_("这次导入没有暂停,请刷新页面。"))
    queue_run(run_id, now=now)


def cancel(run_id: int, *, now: datetime) -> None:
    """Stop a run for good; what it has stored stays."""
    state = run_by_id(run_id).state
    if state == "draft":
        run_by_id(run_id).state = "cancelled"
        return
    _ask(run_id, "cancel", ImportRun.state.in_(("waiting", "running", "paused")))
    if state == "paused":
        require_write().execute(update(ImportRun).where(ImportRun.id == run_id).values(state="waiting"))
        queue_run(run_id, now=now)


def _ask(run_id: int, wish: str, where: ColumnElement[bool]) -> None:
    if not affected(update(ImportRun).where(ImportRun.id == run_id, where).values(wish=wish)):
        raise Conflict(_("这次导入已经结束,请刷新页面。"))


def repeat_for_real(run_id: int, *, by: int, now: datetime) -> int:
    """Open a real run with a dry run's file and mapping and put it in the queue; return its id."""
    dry = run_by_id(run_id)
    if not dry.dry_run or dry.state != "done" or not dry.file_id:
        raise Conflict(_("只有完成了的试导入才能转为正式导入。"))
    shop = shop_of(dry)
    detail = detail_of(dry)
    chosen = Chosen(dry.kind, dry.mapping, detail.mapping, shop, tuple(detail.headers), tuple(detail.ignored))
    new_id = open_run(chosen, file_name=dry.file_name, file_id=dry.file_id, dry_run=False, by=by, now=now)
    queue_run(new_id, now=now)
    return new_id


def repeat_with_words(run_id: int, words: Mapping[str, Mapping[str, str]], *, by: int, now: datetime) -> int:
    """Open a run that knows what more words mean: of the whole file after a dry run, else of the refused rows.

    A mapping saved under a name learns the words too.
    """
    run = run_by_id(run_id)
    file_id = run.file_id if run.dry_run else run.refused_file_id
    if run.state not in ("done", "cancelled") or not file_id:
        raise Conflict(_("这次导入没有可以再导入的行。"))
    detail = detail_of(run)
    columns = {name: dict(column) for name, column in detail.mapping["columns"].items()}
    for name, meant in words.items():
        columns[name]["map"] = {**columns[name].get("map", {}), **meant}
    definition = detail.mapping | {"columns": columns}
    headers = detail.headers
    if not run.dry_run:
        definition = of_returned(definition)
        headers = [*in_front(), *headers]
    if run.mapping:
        save_mapping(run.mapping, detail.mapping | {"columns": columns}, now=now)
    chosen = Chosen(run.kind, run.mapping, definition, shop_of(run), tuple(headers), ())
    stored = require_write().get_one(StoredFileRow, file_id)
    new_id = open_run(
        chosen, file_name=stored.name, file_id=file_id, dry_run=run.dry_run, by=by, now=now,
        parent_id=None if run.dry_run else run_id,
    )  # fmt: skip
    queue_run(new_id, now=now)
    return new_id


def keep_file(stored: files.StoredFile, *, by: int | None, now: datetime) -> None:
    """Write down a file that is in the store."""
    require_write().add(
        StoredFileRow(
            id=stored.id, name=stored.name, media_type=stored.media_type, size=stored.size, sha256=stored.sha256,
            created_at=now, created_by=by,
        )
    )  # fmt: skip


def _settled_shop(chosen: Chosen) -> int | None:
    """Return the shop of facts, opened where it is not yet; records of an own form belong to none."""
    shop = chosen.shop
    if chosen.kind not in KINDS:
        return shop.id
    if shop.id is not None:
        return shop.id
    return ensure_shop(shop.key, name=shop.name, platform=shop.platform, currency=shop.currency, zone=shop.zone)
