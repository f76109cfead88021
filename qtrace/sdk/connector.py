"""The contract between the product and a connector.

The product owns windows, bookmarks, dedupe, retries, storing and what people see; a connector only knows the wire: it
names its streams, pulls one page at a time, and turns a raw row into a record. A connector keeps nothing between calls:
what it must remember is the bookmark, which the product stores in the transaction that stores the page.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Protocol

from qtrace.sdk.records import FormRecord, Record
from qtrace.sdk.settings import SettingField, Settings
from qtrace.sdk.text import Text

Capability = Literal["drop_folder"]


@dataclass(frozen=True)
class Fact:
    """Something the connector relies on about its source, and where that is written."""

    statement: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a connector is: its key, its names, the API version it was written for, and what it relies on.

    Write `api_version` as a literal such as "1.0", so that it stays what you tested against.
    """

    key: str
    name_zh: str
    name_en: str
    api_version: str
    capabilities: frozenset[Capability] = frozenset()
    facts: tuple[Fact, ...] = ()
    facts_missing: tuple[str, ...] = ()

    @property
    def name(self) -> Text:
        """Return the name in both languages."""
        return Text(self.name_zh, self.name_en)


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One kind of record an account delivers.

    `record` is a kind of `RECORD_TYPES`, or "forms" for records of the company's own forms. A stream with cursor "time" is read in windows of at most `max_window`, each
    beginning `overlap` before the last one ended; the first begins `history` ago. With cursor "bookmark" the connector
    itself says where it stands, in `Page.bookmark`.
    """

    name: str
    record: str
    label: Text
    cursor: Literal["bookmark", "time"] = "bookmark"
    max_window: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(minutes=10)
    history: timedelta = timedelta(days=90)


@dataclass(frozen=True)
class Window:
    """Where a pull begins: the stored bookmark, and for a stream by time the half-open span [since, until)."""

    bookmark: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RawRecord:
    """One row as the source gave it; `place` says where a person finds it, `version` tells two states of it apart.

    Without a version the digest of the body is one: the same body is never stored twice.
    """

    external_id: str
    body: Mapping[str, object]
    version: str = ""
    place: str = ""


@dataclass(frozen=True)
class FinishedFile:
    """A dropped file that needs no further reading; a problem says why it could not be read at all."""

    name: str
    digest: str
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer of the source.

    `next` asks for another page and is None at the end; `bookmark` moves to this value in the transaction that stores
    the records; `notes` are findings for the administrator; `files` are moved away once the transaction is committed.
    """

    records: tuple[RawRecord, ...] = ()
    next: str | None = None
    bookmark: str | None = None
    total: int | None = None
    notes: tuple[Text, ...] = ()
    files: tuple[FinishedFile, ...] = ()


@dataclass(frozen=True)
class Health:
    """Whether the account can work; `problem` says what a person should do."""

    problem: Text | None = None


@dataclass(frozen=True)
class DropFile:
    """A file lying in the account's folder."""

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True, kw_only=True)
class DropRow:
    """One row of a dropped table: the records it holds, or the problem it has."""

    number: int
    records: tuple[Record, ...] = ()
    problem: str = ""


@dataclass
class DropTable:
    """An opened table: the columns nothing uses, and its rows."""

    unknown_columns: tuple[str, ...]
    rows: Iterator[DropRow]


class DropFolder(Protocol):
    """The account's folder; the product reads the files, in a process with limits, and moves them when they are done."""

    def list(self) -> Sequence[DropFile]:
        """Return the files that lie in the folder, the oldest first."""
        ...

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file's content."""
        ...

    def open(self, name: str, kind: str, *, after: int = 0) -> DropTable:
        """Open a table of this kind of record behind row number `after`; raise UnreadableFile when it is none.

        Columns are recognised by saved mappings and by their Chinese or English headers.
        """
        ...


class Context(Protocol):
    """Everything a connector may use of the outside world."""

    @property
    def now(self) -> datetime:
        """Return the present moment, aware."""
        ...

    @property
    def settings(self) -> Settings:
        """Return the account's checked settings."""
        ...

    @property
    def files(self) -> DropFolder:
        """Return the account's folder; only for connectors with the capability "drop_folder"."""
        ...


class Connector(Protocol):
    """A connector class; the product makes one instance, without arguments, for every sync."""

    manifest: ClassVar[Manifest]
    settings: ClassVar[tuple[SettingField, ...]]

    def streams(self) -> Sequence[Stream]:
        """Return the streams in the order in which they are synced."""
        ...

    def pull(self, ctx: Context, stream: Stream, window: Window, page: str) -> Page:
        """Return one page; `page` is empty at the start of a window and the last page's `next` after that."""
        ...

    def to_record(self, stream: Stream, raw: RawRecord) -> Record | FormRecord:
        """Return the record a raw row is, without looking anywhere else; raise BadRecord with the reason."""
        ...

    def health(self, ctx: Context) -> Health:
        """Say whether the account can work; called at the end of every sync."""
        ...
