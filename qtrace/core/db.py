"""The one owner of engines, sessions and column types.

Reads and writes never share a transaction: outside `write()` the ambient `db.session` is read-only; `write()` opens a
short transaction that takes the write lock at once (BEGIN IMMEDIATE on SQLite, row locks on PostgreSQL), commits at its
end and forgets every object, so that nothing loaded before or inside it is used afterwards.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    MetaData,
    Row,
    Table,
    TypeDecorator,
    event,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import DeclarativeBase, Session, registry

from qtrace.core.errors import NotFound

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

M = TypeVar("M")

WRITE = "write"
OPENED = "qtrace_write_opened"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite, which drops zones, stores it naive in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time must carry its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Return the stored time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


JsonType = JSON().with_variant(JSONB(), "postgresql")
BigInt = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """The base of every table."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: UtcDateTime,
            int: BigInt,
            dict[str, Any]: JsonType,
            list[Any]: JsonType,
            list[str]: JsonType,
        },
    )


def table_of(model: type[Base]) -> Table:
    """Return the table of a model, for statements that need rows and no objects: they run in half the time."""
    return cast(Table, model.__table__)


def create_beside(target: Table | MetaData, statements: Iterable[str], *, dialect: str) -> None:
    """Run DDL of one database after the target is created there: triggers, search tables."""
    for statement in statements:
        ddl = DDL(statement)  # type: ignore[no-untyped-call]  # DDL is untyped upstream
        event.listen(target, "after_create", ddl.execute_if(dialect=dialect))


class RoutedSession(FlaskSession):
    """A session that reads on the read engine and writes on the write engine."""

    def get_bind(self, *_args: Any, bind: Any = None, **_kwargs: Any) -> Engine | Connection:
        """Pick the engine by what the session was opened for."""
        chosen: Engine | Connection = bind or self._db.engines[WRITE if self.info.get(WRITE) else None]
        return chosen


db = SQLAlchemy(model_class=Base, session_options={"class_": RoutedSession, "expire_on_commit": False})

SessionHook = Callable[[Session], None]


def init_db(app: Flask, url: str, *, synchronous: str = "FULL") -> None:
    """Attach the read and the write engine for `url` to the app."""
    sqlite = url.startswith("sqlite")
    options: dict[str, Any] = {"url": url}
    if sqlite:
        options["connect_args"] = {"timeout": 20, "check_same_thread": False}
    else:
        options |= {"pool_pre_ping": True, "pool_size": 5, "max_overflow": 5}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    app.config["SQLALCHEMY_BINDS"] = {WRITE: dict(options)}
    db.init_app(app)
    with app.app_context():
        for key in (None, WRITE):
            _prepare(db.engines[key], sqlite=sqlite, writes=key == WRITE, synchronous=synchronous)


@contextmanager
def write() -> Iterator[Session]:
    """Open the one short write transaction, commit it at the end and drop its objects."""
    if in_write():
        raise RuntimeError("write() is already open; open it once per request or job step")
    db.session.remove()
    session = db.session()
    session.info[WRITE] = True
    try:
        for opened in current_app.extensions.get(OPENED, ()):
            opened(session)
        yield session
        session.flush()
        for hook in session.info.get("before_commit", ()):
            hook(session)
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        db.session.remove()


@contextmanager
def read() -> Iterator[Session]:
    """Give a fresh read-only snapshot; it ends with the block."""
    if in_write():
        yield db.session()
        return
    db.session.remove()
    try:
        yield db.session()
    finally:
        db.session.remove()


def in_write() -> bool:
    """Say whether the ambient session is a write transaction."""
    return bool(db.session.registry.has() and db.session().info.get(WRITE))


def require_write() -> Session:
    """Return the open write session; a programming error otherwise."""
    if not in_write():
        raise RuntimeError("this changes data and belongs inside write()")
    return db.session()


def insert_row(statement: Insert, values: Mapping[str, Any]) -> int:
    """Insert one row in the open write without making an object of it and return its id."""
    done = cast(CursorResult[Any], require_write().execute(statement, values))
    return int(cast(Row[Any], done.inserted_primary_key)[0])


def affected(statement: Executable) -> int:
    """Run an UPDATE or DELETE in the open write and return how many rows it met."""
    return cast(CursorResult[Any], require_write().execute(statement)).rowcount


def existing(model: type[M], row_id: int, *, fresh: bool = False) -> M:
    """Return the row with this id in the ambient session; NotFound without one. `fresh` reads it anew."""
    row: M | None = db.session.get(model, row_id, populate_existing=fresh)
    if row is None:
        raise NotFound
    return row


def insert_into(model: type[Base]) -> SqliteInsert:
    """Return an INSERT that can say what happens on a conflict, in the words of the site's database."""
    return _insert_into(model, sqlite=is_sqlite())


@cache
def _insert_into(model: type[Base], *, sqlite: bool) -> SqliteInsert:
    # both dialects have the same clauses; only their types know nothing of each other
    return sqlite_insert(table_of(model)) if sqlite else cast(SqliteInsert, pg_insert(table_of(model)))


def on_write(app: Flask, hook: SessionHook) -> None:
    """Run `hook` first thing in every write transaction of this app."""
    app.extensions.setdefault(OPENED, []).append(hook)


def before_commit(session: Session, hook: SessionHook) -> None:
    """Run `hook` once, last thing before this write commits."""
    session.info.setdefault("before_commit", []).append(hook)


def is_sqlite() -> bool:
    """Say whether the site runs on SQLite."""
    return db.engines[WRITE].dialect.name == "sqlite"


def dispose_engines() -> None:
    """Drop every pooled connection; required before and after a fork."""
    for key in (None, WRITE):
        db.engines[key].dispose()


def _prepare(engine: Engine, *, sqlite: bool, writes: bool, synchronous: str) -> None:
    if sqlite:
        _prepare_sqlite(engine, writes=writes, synchronous=synchronous)
    elif not writes:
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("SET TRANSACTION READ ONLY"))


def _prepare_sqlite(engine: Engine, *, writes: bool, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "busy_timeout=20000",
            "foreign_keys=ON",
            "trusted_schema=OFF",
            "journal_size_limit=67108864",
            "cache_size=-16000",
            f"query_only={'OFF' if writes else 'ON'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
