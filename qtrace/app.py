"""Build the application; reads like a table of contents."""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider
from flask_login import current_user
from jinja2 import FileSystemBytecodeCache
from werkzeug.middleware.proxy_fix import ProxyFix

from qtrace import config as settings
from qtrace import features
from qtrace.accounts.access import init_access
from qtrace.core.db import init_db
from qtrace.plugins import init_plugins
from qtrace.web.addresses import RowId
from qtrace.web.assets import init_assets
from qtrace.web.csrf import init_csrf
from qtrace.web.errors import init_errors
from qtrace.web.filters import init_filters
from qtrace.web.headers import init_headers
from qtrace.web.htmx import init_htmx
from qtrace.web.limits import init_limits
from qtrace.web.pages import bottom_links, init_pages, nav_links

JSON_LOG = '{"at":"%(asctime)s","level":"%(levelname)s","logger":"%(name)s","message":"%(message)s"}'


def create_app(config: settings.Config | None = None, *, environ: Mapping[str, str] | None = None) -> Flask:
    """Return the WSGI application for these settings; touches the database only through its own engines."""
    config = config or settings.load(environ)
    app = Flask("qtrace")
    app.url_map.converters["int"] = RowId  # before any address is registered
    _configure(app, config)
    init_db(app, config.database_url, synchronous=config["SQLITE_SYNCHRONOUS"])
    init_pages(app, _language)
    init_access(app)
    init_csrf(app)
    init_limits(app, _who)
    init_htmx(app)
    init_assets(app)
    init_filters(app)
    init_errors(app)
    features.register(app)
    init_plugins(app)
    init_headers(app)
    app.context_processor(_menu)
    return app


class Json(DefaultJSONProvider):
    """JSON with Chinese as it is written."""

    ensure_ascii = False


def _configure(app: Flask, config: settings.Config) -> None:
    secret = config["SECRET_KEY"]
    base = urlsplit(config["BASE_URL"])
    hosts = {base.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"}
    hosts |= {host.strip() for host in config["TRUSTED_HOSTS"].split(",") if host.strip()}
    app.config.update(
        SECRET_KEY=secret,
        QTRACE_CONFIG=config,
        QTRACE_AUDIT_KEY=hmac.new(secret.encode(), b"audit", hashlib.sha256).digest(),
        QTRACE_DATA_DIR=config.data_dir,
        QTRACE_LANG=config["LANG"],
        QTRACE_TZ=config["TZ"],
        QTRACE_COMPANY=config["COMPANY"],
        QTRACE_NET_ALLOW=config.networks("NET_ALLOW"),
        QTRACE_RATE_FACTOR=config.number("RATE_FACTOR"),
        QTRACE_MAIL_URL=config["MAIL_URL"],
        QTRACE_BASE_URL=config["BASE_URL"].rstrip("/"),
        QTRACE_GS1_PREFIX=config["GS1_PREFIX"],
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES="translations",
        TRUSTED_HOSTS=sorted(hosts),
        MAX_CONTENT_LENGTH=config.number("MAX_UPLOAD_MB") * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="qt_flash",
        SESSION_COOKIE_SECURE=base.scheme == "https",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    cache = config.data_dir / "cache" / "templates"
    cache.mkdir(parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(cache))
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.json = Json(app)
    proxies = config.number("TRUSTED_PROXIES")
    if proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # the documented way to wrap the app
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies
        )
    log_format = JSON_LOG if config["LOG"] == "json" else "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=log_format)
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _language() -> str | None:
    return current_user.lang if current_user and current_user.is_authenticated else None


def _who() -> str:
    return str(current_user.id) if current_user.is_authenticated else request.remote_addr or ""


def _menu() -> dict[str, object]:
    if not (current_user and current_user.is_authenticated):
        return {"nav": [], "me": None}
    return {"nav": nav_links(current_user.can), "bottom_nav": bottom_links(current_user.can), "me": current_user}
