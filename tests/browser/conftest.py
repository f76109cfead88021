"""A real server with a small demonstration company, and a real Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.pages import log_in
from tests.factories.post import Sink, mail_sink

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--disable-component-update",
    "--no-first-run",
]  # fmt: skip
START_SECONDS = 120
EXPECT_MS = 30_000  # a hang, not a pace: pages answer in tenths of a second, on a busy machine in seconds
expect.set_options(timeout=EXPECT_MS)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser; skipped with one clear line where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium fonts-wqy-microhei)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def post() -> Iterator[Sink]:
    """The mail server of the site."""
    with mail_sink() as found:
        yield found


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the data of the site lie."""
    return tmp_path_factory.mktemp("browser-site")


@pytest.fixture(scope="session")
def site(home: Path, post: Sink) -> Iterator[str]:
    """The address of a running demonstration site."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    environ = os.environ | {
        "QTRACE_DATA_DIR": str(home), "QTRACE_BASE_URL": base, "QTRACE_DATABASE_URL": "",
        "QTRACE_MAIL_URL": f"smtp://127.0.0.1:{post.port}",
        "QTRACE_RATE_FACTOR": "100",  # one address and one person log in for every test
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "qtrace", "demo", "--orders", "2500"], env=environ, check=True, capture_output=True
    )
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "qtrace", "serve", "--port", str(port), "--workers", "1"],
            env=environ,
            stdout=log,
            stderr=log,
        )
        _wait(f"{base}/healthz")
        yield base
        server.terminate()
        server.wait(30)


def _wait(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(url)


@pytest.fixture
def open_page(chromium: Browser, site: str) -> Iterator[object]:
    """Open a page of a width and log in; every console error of the page fails the test."""
    contexts = []
    errors: list[str] = []

    def make(
        width: int, *, username: str = "wangjing", javascript: bool = True, dark: bool = False, height: int = 0
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height or (780 if width < 600 else 900)},
            locale="zh-CN",
            java_script_enabled=javascript,
            color_scheme="dark" if dark else "light",
            base_url=site,
        )
        context.set_default_timeout(EXPECT_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto("/login")
        log_in(page, username)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [line for line in errors if "status of 4" not in line] == []
