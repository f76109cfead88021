"""What every page needs: languages, the navigation, and requests with an id in the log."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from babel.support import Translations
from flask import Flask, current_app, g, request, url_for
from flask_babel import Babel, LazyString, get_translations

from qtrace.core.ids import new_id

LANGUAGES = ("zh", "en")
LANGUAGE_COOKIE = "qt_lang"
NAV = "qtrace_nav"
BOTTOM = "qtrace_bottom_nav"
SPEAKERS = "qtrace_languages"


@dataclass(frozen=True)
class NavItem:
    """One entry of the menu: shown to people with the permission, with an optional count."""

    endpoint: str
    label: LazyString
    icon: str
    permission: str = ""
    group: str = "main"
    count: Callable[[], int] | None = None
    values: tuple[tuple[str, str], ...] = ()
    shown: Callable[[], bool] | None = None


@dataclass(frozen=True)
class NavLink:
    """A menu entry as the template shows it."""

    url: str
    label: str
    icon: str
    count: int
    active: bool
    group: str


def init_pages(app: Flask, language_of: Callable[[], str | None]) -> None:
    """Set up translations and the request id; `language_of` gives the logged-in person's language."""

    def locale() -> str:
        speaks = app.extensions.get(SPEAKERS, {}).get(request.blueprint) if request else None
        if speaks:
            return str(speaks())
        chosen = request.cookies.get(LANGUAGE_COOKIE) if request else None
        lang = (language_of() if request else None) or chosen or app.config["QTRACE_LANG"]
        return lang if lang in LANGUAGES else "zh"

    Babel(app, locale_selector=locale, timezone_selector=lambda: app.config["QTRACE_TZ"])
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # added by the i18n extension
        gettext=lambda text: catalogue().ugettext(text),
        ngettext=lambda one, many, n: catalogue().ungettext(one, many, n),
        newstyle=True,
    )
    app.before_request(_name_request)
    app.after_request(_tell_request_id)
    app.context_processor(lambda: {"current_lang": locale(), "languages": LANGUAGES})


def language_by(app: Flask, blueprint: str, choose: Callable[[], str]) -> None:
    """Answer requests to this blueprint in the language `choose` names, whatever the person or a cookie says."""
    app.extensions.setdefault(SPEAKERS, {})[blueprint] = choose


def catalogue() -> Translations:
    """Return the translations of this request, found once: a page asks hundreds of times.

    They are kept where Flask-Babel itself forgets them when the language changes (`refresh`, `force_locale`).
    """
    kept = getattr(g, "_flask_babel", None) if g else None
    found: Translations | None = getattr(kept, "babel_translations", None)
    if found is None:
        found = get_translations()
        if g:
            g._flask_babel.babel_translations = found
    return found


def add_bottom(app: Flask, *items: NavItem) -> None:
    """Add entries to the bar at the foot of the phone."""
    app.extensions.setdefault(BOTTOM, []).extend(items)


def bottom_links(can: Callable[[str], bool]) -> list[NavLink]:
    """Return the phone's bar for a person who may do what `can` says."""
    items: list[NavItem] = current_app.extensions.get(BOTTOM, [])
    return [_link(item) for item in items if not item.permission or can(item.permission)]


def add_nav(app: Flask, *items: NavItem) -> None:
    """Add entries to the menu."""
    app.extensions.setdefault(NAV, []).extend(items)


def nav_links(can: Callable[[str], bool]) -> list[NavLink]:
    """Return the menu of a person who may do what `can` says."""
    items: list[NavItem] = current_app.extensions.get(NAV, [])
    allowed = [item for item in items if not item.permission or can(item.permission)]
    return [_link(item) for item in allowed if item.shown is None or item.shown()]


def _link(item: NavItem) -> NavLink:
    url = _url(item)
    active = request.endpoint is not None and (
        request.path == url or (url != "/" and request.path.startswith(f"{url.split('?')[0]}/"))
    )
    return NavLink(url, str(item.label), item.icon, item.count() if item.count else 0, active, item.group)


def _url(item: NavItem) -> str:
    """Return the entry's address; it is the same for everybody below one root."""
    known: dict[tuple[str, str, tuple[tuple[str, str], ...]], str] = current_app.extensions.setdefault(
        f"{NAV}_urls", {}
    )
    key = (request.script_root, item.endpoint, item.values)
    if key not in known:
        values: dict[str, Any] = dict(item.values)
        known[key] = url_for(item.endpoint, **values)
    return known[key]


def _name_request() -> None:
    g.request_id = new_id()[:12]


def _tell_request_id(response: Any) -> Any:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
