"""What the list of issues costs, beside a bare Flask page that renders the same template with everything prefetched.

Allowed are 1.5 times the bare page and 10 ms for the counts beside the filters and the saved views.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from flask import Flask, render_template, template_rendered
from flask_babel import Babel
from flask_login import LoginManager
from markupsafe import Markup
from sqlalchemy import inspect
from werkzeug.local import LocalProxy
from werkzeug.test import EnvironBuilder

from bench.figures import Sheet
from bench.filling import fill
from bench.site import make_site
from qtrace.accounts.models import User
from qtrace.accounts.service import add_user_hashed, ensure_department
from qtrace.accounts.sessions import open_session
from qtrace.core import clock
from qtrace.core.db import Base, dispose_engines, write
from qtrace.issues import queries

SMALL = 10_000
LARGE = int(os.environ.get("QTRACE_BENCH_ROWS", "1000000"))
PAGE = "/issues"
ROUNDS, REQUESTS = 7, 12
BARE_RATIO, FACETS_MS, GROWTH = 1.5, 10, 1.3
# Flask and the extensions put these into every context themselves, in the bare page as well.
AMBIENT = frozenset({"request", "session", "g", "current_user", "config", "csrf", "csrf_token", "can"})
Call = Callable[[], None]


def measure(sheet: Sheet) -> None:
    """Add the figures of the list page at both sizes and of the bare page."""
    with tempfile.TemporaryDirectory(prefix="qtrace-list-") as folder:
        small, small_token = _filled(Path(folder) / "small", min(SMALL, LARGE))
        large, large_token = _filled(Path(folder) / "large", LARGE)
        bare = bare_page(large, large_token)
        with _timed_facets() as facets:
            calls = {
                "list_10k": wsgi_call(small, PAGE, small_token),
                "list_1m": wsgi_call(large, PAGE, large_token),
                "list_bare": wsgi_call(bare, PAGE, large_token),
                "list_1m_department": wsgi_call(large, PAGE, _colleague(large)),
            }
            costs = _medians(calls, facets)
        for app in (small, large):
            with app.app_context():
                dispose_engines()
    _add(sheet, costs)


def _add(sheet: Sheet, costs: Mapping[str, tuple[float, float]]) -> None:
    sheet.add("list_1m_rows", LARGE, "issues")  # says so when the run was made smaller
    for name, (cpu, _facets) in costs.items():
        sheet.add(f"{name}_cpu", cpu, "ms")
    (ten, _facets), (million, facets), (bare, _none) = costs["list_10k"], costs["list_1m"], costs["list_bare"]
    allowed = BARE_RATIO * bare + FACETS_MS
    sheet.add("list_facets", facets, "ms", FACETS_MS)
    sheet.add("list_without_facets_to_bare", (million - facets) / bare, "x")
    sheet.add("list_10k_of_allowed", ten / allowed * 100, "%", 100)
    sheet.add("list_1m_of_allowed", million / allowed * 100, "%", 100)
    sheet.add("list_growth", million / ten, "x", GROWTH)


def _filled(folder: Path, rows: int) -> tuple[Flask, str]:
    folder.mkdir()
    app, token = make_site(folder)
    begun = time.perf_counter()
    fill(app, rows, now=clock.now())
    print(f"# filled {rows} issues in {time.perf_counter() - begun:.1f} s", flush=True)
    return app, token


def _colleague(app: Flask) -> str:
    """Return the login of somebody who sees the own department only."""
    now = clock.now()
    with app.test_request_context():
        with write():
            department = ensure_department("质量部")
            user = add_user_hashed("colleague", "李工", "-", ["inspector"], by=None, now=now, department_id=department)
        with write():
            return open_session(user, ip="127.0.0.1", agent="bench", now=now)


def bare_page(app: Flask, token: str) -> Flask:
    """Return a bare Flask app whose one page renders what the real page rendered, without accounts and database."""
    name, context = _captured(app, token)
    bare = Flask("bare", template_folder=app.template_folder, static_folder=app.static_folder)
    translations = str(Path(app.root_path) / "translations")
    bare.config.update(QTRACE_TZ=app.config["QTRACE_TZ"], SECRET_KEY="bench")
    bare.config.update(BABEL_DEFAULT_LOCALE="zh", BABEL_TRANSLATION_DIRECTORIES=translations)
    Babel(bare)
    LoginManager(bare).request_loader(lambda _request: context["me"])
    bare.url_map = app.url_map
    env = app.jinja_env.overlay()
    token_field = Markup(
        f'<input type="hidden" name="csrf_token" value="{"x" * 64}"><input type="hidden" name="submit_id" value="{"x" * 32}">'
    )
    own = {"csrf": lambda: token_field, "csrf_token": lambda: "x" * 64, "can": context["me"].can}
    env.globals = {**app.jinja_env.globals, **own}
    bare.jinja_env = env
    bare.view_functions = {"issues.index": lambda: render_template(name, **context, **own)}
    return bare


def _captured(app: Flask, token: str) -> tuple[str, dict[str, Any]]:
    seen: list[tuple[str, dict[str, Any]]] = []

    def keep(_app: Flask, template: Any, context: dict[str, Any], **_more: Any) -> None:
        known: dict[int, Any] = {}
        kept = {key: detached(value, known) for key, value in context.items() if key not in AMBIENT}
        seen.append((template.name, kept))

    with template_rendered.connected_to(keep, app):
        wsgi_call(app, PAGE, token)()
    return seen[0]


def detached(value: Any, known: dict[int, Any]) -> Any:
    """Return the value with every stored row in it as a plain object; `known` holds the rows already changed."""
    if isinstance(value, LocalProxy):
        return detached(value._get_current_object(), known)
    if isinstance(value, Base):
        return _plain_row(value, known)
    if type(value) is dict:
        return {key: detached(item, known) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(detached(item, known) for item in value)
    return value


def _plain_row(row: Base, known: dict[int, Any]) -> Any:
    if id(row) not in known:
        plain = known[id(row)] = SimpleNamespace()
        state = inspect(row)
        for name in set(state.mapper.attrs.keys()) - state.unloaded:
            setattr(plain, name, detached(getattr(row, name), known))
        if isinstance(row, User):
            plain.can = row.permissions.__contains__
            plain.is_authenticated = True
    return known[id(row)]


def wsgi_call(app: Flask, path: str, token: str) -> Call:
    """Return a function that sends one request straight into the app and refuses every answer but 200."""
    built = EnvironBuilder(path=path, headers=[("Cookie", f"qt={token}"), ("Host", "127.0.0.1:8000")]).get_environ()

    def call() -> None:
        answers: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None) -> Callable[[bytes], None]:
            answers.append(status)
            return lambda _bytes: None

        parts: Iterable[bytes] = app(dict(built), start)
        size = sum(len(part) for part in parts)
        getattr(parts, "close", lambda: None)()
        if not answers[0].startswith("200") or size < 1000:
            raise RuntimeError(f"{path} answered {answers[0]} with {size} bytes")

    return call


@contextmanager
def _timed_facets() -> Iterator[list[float]]:
    """Give the list to which the counts beside the filters and beside the saved views add their CPU seconds."""
    spent: list[float] = []

    def timed(real: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: Any) -> Any:
            begun = time.process_time()
            try:
                return real(*args)
            finally:
                spent.append(time.process_time() - begun)

        return count

    with (
        patch.object(queries, "facets", timed(queries.facets)),
        patch.object(queries, "counts", timed(queries.counts)),
    ):
        yield spent


def _medians(calls: Mapping[str, Call], facets: list[float]) -> dict[str, tuple[float, float]]:
    """Return each call's median CPU and facet CPU in ms; the rounds take turns, so noise meets all alike."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for call in calls.values():
        for _warm in range(3):
            call()
    for _round in range(ROUNDS):
        for name, call in calls.items():
            facets.clear()
            begun = time.process_time()
            for _request in range(REQUESTS):
                call()
            cost = time.process_time() - begun
            found[name].append((cost / REQUESTS * 1000, sum(facets) / REQUESTS * 1000))
    return {name: _middle(pairs) for name, pairs in found.items()}


def _middle(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(cpu for cpu, _ in pairs), statistics.median(facets for _, facets in pairs)
