"""How long a site takes to answer first, how much memory it keeps, and what its first page weighs on a phone."""

import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bench.figures import Sheet
from bench.site import Server, free_port, make_site, request

STARTS = 3
SETTLED_SECONDS = 10
WARM_THREADS, WARM_REQUESTS = 8, 25
START_SECONDS, MEMORY_MB, PAGE_KB, PAGE_REQUESTS = 2, 190, 60, 6
FIRST_PAGE = "/"
LINKS = frozenset({"stylesheet", "icon", "manifest", "preload", "modulepreload"})
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


def measure(sheet: Sheet) -> None:
    """Add the figures of start, memory and first page."""
    with tempfile.TemporaryDirectory(prefix="qtrace-start-") as name, _compiled(Path(name)):
        folder = Path(name) / "site"
        folder.mkdir()
        _app, token = make_site(folder)
        sheet.add("start", statistics.median(_starts(folder)), "s", START_SECONDS)
        server = Server(folder, free_port())
        try:
            server.wait()
            time.sleep(SETTLED_SECONDS)
            sheet.add("memory_started", server.memory_mb(), "MB")
            _warm(server.port, token)
            sheet.add("memory_idle", server.memory_mb(), "MB", MEMORY_MB)
            weights = page_weights(server.port, token)
        finally:
            server.stop()
    print(f"# first page: {', '.join(f'{path} {size}' for path, size in weights.items())}", flush=True)
    sheet.add("first_page", sum(weights.values()) / 1000, "KB", PAGE_KB)
    sheet.add("first_page_requests", len(weights), "requests", PAGE_REQUESTS)


@contextmanager
def _compiled(folder: Path) -> Iterator[None]:
    """Let the servers keep compiled modules, as an installed site has them, without leaving any in the sources."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    try:
        yield
    finally:
        del os.environ["PYTHONPYCACHEPREFIX"]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


def _starts(folder: Path) -> list[float]:
    """Return the seconds from exec to the first answer, without the very first start, which compiles."""
    found = []
    for _start in range(STARTS + 1):
        server = Server(folder, free_port())
        try:
            found.append(server.wait())
        finally:
            server.stop()
    return found[1:]


def _warm(port: int, token: str) -> None:
    """Send pages over many connections at once, so that every web process has rendered some."""

    def run() -> None:
        for _request in range(WARM_REQUESTS):
            request(port, "GET", "/issues", token=token)

    threads = [threading.Thread(target=run) for _ in range(WARM_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def page_weights(port: int, token: str) -> dict[str, int]:
    """Return the bytes on the wire, headers and compressed body, of the first page and of all that it fetches."""
    page = PageParts()
    path, found = FIRST_PAGE, {}
    for _redirect in range(3):
        status, headers, body = request(port, "GET", path, token=token, gzip=True)
        found[path] = _weight(headers, body)
        if status not in {301, 302, 303, 307, 308}:
            break
        path = urljoin(path, headers["Location"])
    if status != 200:
        raise RuntimeError(f"the first page {path} answered {status}")
    page.feed(_plain(port, path, token))
    waiting = [urljoin(path, part) for part in page.parts]
    while waiting:
        path = _own_path(waiting.pop(0))
        if path and path not in found:
            status, headers, body = request(port, "GET", path, token=token, gzip=True)
            if status != 200:
                raise RuntimeError(f"{path} answered {status}")
            found[path] = _weight(headers, body)
            if urlsplit(path).path.endswith(".css"):
                waiting += [urljoin(path, part) for part in css_addresses(_plain(port, path, token))]
    return found


class PageParts(HTMLParser):
    """The addresses a browser fetches for a page: styles, scripts, pictures, icons."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what this element makes the browser fetch."""
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and LINKS & set(given.get("rel", "").split()):
            self.parts.append(given.get("href", ""))
        elif tag in {"script", "img", "source", "video", "audio"}:
            self.parts.append(given.get("src", ""))
        elif tag in {"use", "image"}:
            self.parts.append(given.get("href", given.get("xlink:href", "")))


def css_addresses(text: str) -> list[str]:
    """Return what a style sheet fetches; data addresses are part of it already."""
    return [first or second for first, second in CSS_ADDRESS.findall(text) if not (first or second).startswith("data:")]


def _own_path(address: str) -> str:
    """Return the path and query of an address on the site, an empty text for everything else."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _weight(headers: dict[str, str], body: bytes) -> int:
    return (
        len(body) + sum(len(name) + len(value) + 4 for name, value in headers.items()) + len("HTTP/1.1 200 OK\r\n\r\n")
    )


def _plain(port: int, path: str, token: str) -> str:
    return request(port, "GET", path, token=token)[2].decode("utf-8")
