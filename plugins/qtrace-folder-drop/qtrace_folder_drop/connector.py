"""Read tables from a folder: the name says what a file holds, the headers say what its columns are."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import ClassVar, cast

from qtrace import sdk
from qtrace_folder_drop.memory import Memory

PAGE_ROWS = 500
SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".ods")
# In the order in which records name one another; a file belongs to the longest beginning that fits its name.
KINDS: dict[str, tuple[sdk.Text, tuple[str, ...]]] = {
    "suppliers": (sdk.Text("供应商", "Suppliers"), ("suppliers", "供应商")),
    "products": (sdk.Text("商品", "Products"), ("products", "商品", "货品")),
    "lots": (sdk.Text("批次", "Lots"), ("lots", "批次")),
    "receipts": (sdk.Text("采购入库", "Receipts"), ("receipts", "采购入库", "入库")),
    "orders": (sdk.Text("订单", "Orders"), ("orders", "订单")),
    "lines": (sdk.Text("订单明细", "Order lines"), ("lines", "订单明细", "明细")),
    "shipments": (sdk.Text("包裹", "Parcels"), ("shipments", "包裹", "运单", "物流")),
    "reviews": (sdk.Text("评价", "Reviews"), ("reviews", "评价", "评论")),
    "aftersales": (sdk.Text("售后", "After-sales"), ("aftersales", "售后", "退款")),
}


class FolderDrop:
    """The connector; all it remembers is its bookmark."""

    manifest: ClassVar[sdk.Manifest] = sdk.Manifest(
        key="folder_drop",
        name_zh="文件夹投放",
        name_en="Folder drop",
        api_version="1.0",
        capabilities=frozenset({"drop_folder"}),
        facts=(sdk.Fact("A file nobody has written to for a while is complete", "README.md, When a file is read"),),
        facts_missing=("Whether the exporting program writes in place or renames; the waiting time covers both.",),
    )
    settings: ClassVar[tuple[sdk.SettingField, ...]] = (
        sdk.SettingField(
            name="settle_seconds",
            label=sdk.Text("等待秒数", "Seconds to wait"),
            kind="number",
            hint=sdk.Text(
                "文件多久没有变化才读取,避免读到没写完的文件。", "A file is read once unchanged for this long."
            ),
            default=30,
            least=0,
            most=86400,
        ),
    )

    def streams(self) -> Sequence[sdk.Stream]:
        """Return one stream per kind of file."""
        return [sdk.Stream(name=kind, record=kind, label=label) for kind, (label, _) in KINDS.items()]

    def pull(self, ctx: sdk.Context, stream: sdk.Stream, window: sdk.Window, page: str) -> sdk.Page:  # noqa: ARG002 - all is in the bookmark
        """Return the next rows of the oldest complete file of this kind."""
        memory = Memory.read(window.bookmark)
        settle = timedelta(seconds=int(ctx.settings["settle_seconds"]))
        mine = [file for file in ctx.files.list() if kind_of(file.name) == stream.name]
        ready = [file for file in mine if memory.is_complete(file, ctx.now, settle)]
        memory = memory.looking([file for file in mine if file not in ready], ctx.now)
        left_over = []
        for file in ready:
            digest = ctx.files.digest(file.name)
            if digest not in memory.done:
                return _read(ctx, stream, file, digest, memory)
            left_over.append(sdk.FinishedFile(file.name, digest, memory.done[digest]))
        return sdk.Page(bookmark=memory.text(), files=tuple(left_over))

    def to_record(self, stream: sdk.Stream, raw: sdk.RawRecord) -> sdk.Record:  # noqa: ARG002 - the row knows its kind
        """Return the row's record."""
        if "problem" in raw.body:
            raise sdk.BadRecord(str(raw.body["problem"]))
        return cast(sdk.Record, raw.body["record"])

    def health(self, ctx: sdk.Context) -> sdk.Health:
        """Name the files that no kind claims."""
        strange = [file.name for file in ctx.files.list() if kind_of(file.name) is None]
        if not strange:
            return sdk.Health()
        names = "、".join(strange[:10])
        return sdk.Health(
            sdk.Text(
                f"这些文件看不出是哪一类,没有读取:{names}。文件名请以 {_beginnings()} 开头。",
                f"These files are of no known kind and were not read: {names}. Names begin with {_beginnings()}.",
            )
        )


def kind_of(name: str) -> str | None:
    """Return the kind of record a file of this name holds."""
    lowered = name.lower()
    fitting = [(len(word), kind) for kind, (_, words) in KINDS.items() for word in words if lowered.startswith(word)]
    return max(fitting)[1] if fitting and lowered.endswith(SUFFIXES) else None


def _read(ctx: sdk.Context, stream: sdk.Stream, file: sdk.DropFile, digest: str, memory: Memory) -> sdk.Page:
    after = memory.row if memory.file == digest else 0
    try:
        table = ctx.files.open(file.name, stream.record, after=after)
        rows = list(islice(table.rows, PAGE_ROWS))
    except sdk.UnreadableFile as error:
        problem = str(error)
        raw = sdk.RawRecord(external_id=f"file:{digest[:16]}", body={"problem": problem}, place=file.name)
        finished = (sdk.FinishedFile(file.name, digest, problem),)
        return sdk.Page(records=(raw,), next="more", bookmark=memory.finished(digest, problem).text(), files=finished)
    ended = len(rows) < PAGE_ROWS
    memory = memory.finished(digest) if ended else memory.at(digest, rows[-1].number)
    return sdk.Page(
        records=tuple(raw for row in rows for raw in _raws(file, digest, row)),
        next="more",
        bookmark=memory.text(),
        notes=_notes(file, table.unknown_columns) if after == 0 else (),
        files=(sdk.FinishedFile(file.name, digest),) if ended else (),
    )


def _raws(file: sdk.DropFile, digest: str, row: sdk.DropRow) -> list[sdk.RawRecord]:
    place = f"{file.name} #{row.number}"
    if row.problem:
        return [sdk.RawRecord(external_id=f"{digest[:16]}#{row.number}", body={"problem": row.problem}, place=place)]
    return [
        sdk.RawRecord(external_id=sdk.key_of(record), body={"record": record}, place=place) for record in row.records
    ]


def _notes(file: sdk.DropFile, columns: tuple[str, ...]) -> tuple[sdk.Text, ...]:
    if not columns:
        return ()
    names = "、".join(columns)
    return (sdk.Text(f"{file.name} 里没有用到的列:{names}。", f"Columns of {file.name} that nothing uses: {names}."),)


def _beginnings() -> str:
    return "、".join(words[0] for _, words in KINDS.values())
