"""A colleague is told, on the phone: the bell counts by itself, and one tap leads to the decision."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def hand_over(page: Page) -> str:
    """Hand the first to-do of the list over to 李工 and return its title."""
    page.goto("/tasks")
    task = page.locator("[id^='task-'][id]:has(a)").first.get_attribute("id")
    assert task is not None
    page.goto(f"/tasks/{task.removeprefix('task-')}")
    title = page.locator("h1").inner_text()
    page.select_option("[name=to]", label="李工")
    page.fill("[name=note]", "我明天休假")
    page.locator("form:has([name=to]) button").click()
    page.wait_for_url(lambda url: "/tasks/" not in url)
    return title


def test_the_bell_rings_on_a_page_that_lies_open_and_leads_to_the_decision(open_page: OpenPage) -> None:
    phone = open_page(360, username="ligong")
    phone.clock.install()
    phone.goto("/inbox")
    before = int(phone.locator("#bell-top .dot").inner_text()) if phone.locator("#bell-top .dot").count() else 0
    title = hand_over(open_page(1280))
    with phone.expect_response(lambda answer: "/inbox/bell" in answer.url):
        phone.clock.fast_forward(61_000)
    expect(phone.locator("#bell-top .dot")).to_have_text(str(before + 1))
    phone.click("#bell-top")
    notice = phone.locator(".notice.new").first
    expect(notice).to_contain_text(title)
    expect(notice).to_contain_text("我明天休假")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    notice.locator(".notice-link").click()
    phone.wait_for_url("**/decision")
    expect(phone.locator("#bell-top .dot")).to_have_count(0 if before == 0 else 1)
