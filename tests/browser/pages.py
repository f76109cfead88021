"""What several stories do on the pages: log in, choose a flow, draw one, wait for a mail, take pictures."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.factories.post import Sink

OpenPage = Callable[..., Page]
PASSWORD = "demo-qtrace"
SCREENSHOTS = Path("var") / "screenshots"
HANG = 60


def log_in(page: Page, username: str) -> None:
    """Fill in the login page that lies before the one that was asked for."""
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("[data-testid=login]")
    page.wait_for_url(lambda url: "/login" not in url)  # a page asked for before would come without a login


def choose_flow(page: Page, template: str) -> None:
    """Let the records of the warehouse form be checked this way."""
    page.goto("/forms/wh/flow")
    page.locator(f"[name=template][value='{template}']").check(force=True)
    with page.expect_navigation():  # else the next page asked for is pushed aside by this one
        page.click("main form .btn.pri")


def press(page: Page, place: Locator, keys: bool) -> None:
    """Press a link or a button, with the mouse or with Enter."""
    if keys:
        place.focus()
        page.keyboard.press("Enter")
    else:
        place.click()


def add(page: Page, after: str, kind: str, keys: bool) -> None:
    """Add a node below another through the "+" between."""
    press(page, page.get_by_label(f"在「{after}」下面添加"), keys)
    first = page.locator("#add-handle")
    expect(first).to_be_focused() if keys else expect(first).to_be_visible()
    press(page, page.locator(f"#add-{kind}"), keys)


def choose(page: Page, place: str, label: str, keys: bool) -> None:
    """Choose from a list, with the arrow keys where only keys are used."""
    if not keys:
        page.select_option(place, label=label)
        return
    page.focus(place)
    labels = [text.strip() for text in page.locator(f"{place} option").all_inner_texts()]
    way = labels.index(label) - int(page.locator(place).evaluate("list => list.selectedIndex"))
    for _press in range(abs(way)):
        page.keyboard.press("ArrowDown" if way > 0 else "ArrowUp")


def let_mail_out(admin: Page) -> None:
    """Let the company send mail, where it does not yet."""
    admin.goto("/config/senders")
    if admin.locator("main", has_text="公司邮件").count():
        return
    admin.goto("/config/senders/new?key=mail")
    admin.fill("[name=name]", "公司邮件")
    admin.fill("[name$=from]", "quality@example.com")
    admin.click("main form .btn.pri")
    expect(admin.locator("main")).to_contain_text("公司邮件")


def reach_by_mail(page: Page, address: str) -> None:
    """Give the address one's notices are sent to."""
    page.goto("/me/notices")
    page.locator("[name^=address-]").first.fill(address)
    with page.expect_navigation():
        page.click("#notice-settings .btn.pri")


def link_in(post: Sink, page: Page, address: str, about: str = "") -> str:
    """Return the link of the mail this address gets about something; the worker sends it within a second or two."""
    end = time.monotonic() + HANG
    while time.monotonic() < end:
        for mail in post.mails:  # what comes close together comes in one mail, each with its own link
            text = f"{mail['Subject']}\n{mail.get_body(('plain',)).get_content()}"  # type: ignore[union-attr]
            found = re.search(rf"{re.escape(about)}(?s:.*?)(http://\S+/n/\S+)", text)
            if mail["To"] == address and found is not None:
                return found[1]
        page.goto("/inbox")
    raise TimeoutError(address)


class Camera:
    """Takes full-page pictures under var/screenshots."""

    def __init__(self, page: Page, width: int) -> None:
        self.page, self.width = page, width
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str) -> None:
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}-{self.width}.png"), full_page=True)

    def both(self, name: str) -> None:
        """Take a picture as it is, and one as a phone would show the page."""
        self(name)
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": 360, "height": 740})
        Camera(self.page, 360)(name)
        assert size is not None
        self.page.set_viewport_size(size)
