"""A decision on a phone: from the to-do to two big buttons under the thumb, with an opinion put in by one tap."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD
from tests.factories.post import Sink

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
HANG = 60


def choose_flow(page: Page, template: str) -> None:
    """Let the records of the warehouse form be checked this way."""
    page.goto("/forms/wh/flow")
    page.locator(f"[name=template][value='{template}']").check(force=True)
    page.click("main form .btn.pri")
    page.wait_for_load_state()


def hand_in(page: Page) -> None:
    """Fill in the warehouse form."""
    page.goto("/records/wh/new")
    page.select_option("#kind", "wrong")
    with page.expect_navigation(url=re.compile(r"/records/wh/[A-Z]")):
        page.click("main form .btn.pri")


def test_an_approval_is_given_with_one_thumb(open_page: OpenPage) -> None:
    lead, clerk = open_page(360), open_page(360, username="chenxiao")
    choose_flow(lead, "one_check")
    hand_in(clerk)
    lead.goto("/me/opinions")
    lead.fill("[name=text]", "同意,按方案执行")
    lead.click("main form .btn.pri")
    lead.goto("/tasks?stage=check")
    lead.locator(".todo .narrow-only").first.click()
    lead.wait_for_url("**/decision")
    assert lead.evaluate("document.documentElement.scrollWidth") == 360
    for name in ("驳回", "同意"):
        box = lead.locator(".decide-bar .btn", has_text=name).bounding_box()
        assert box is not None
        assert box["height"] >= 44 and box["y"] + box["height"] <= lead.viewport_size["height"]  # type: ignore[index]
    lead.locator(".decide-bar .btn", has_text="驳回").click()
    expect(lead.locator(".banner.bad")).to_contain_text("请填写意见")
    lead.locator("[data-opinion]", has_text="同意,按方案执行").click()
    expect(lead.locator("#note")).to_have_value("同意,按方案执行")
    lead.get_by_test_id("approve").click()
    lead.wait_for_url(re.compile(r"/$"))
    lead.goto("/tasks?tab=done")
    choose_flow(lead, "")


def link_in(post: Sink, page: Page, address: str) -> str:
    """Return the link of the mail this address gets; the worker sends it within a second or two."""
    end = time.monotonic() + HANG
    while time.monotonic() < end:
        for mail in post.mails:
            if mail["To"] == address:
                found = re.search(r"http://\S+/n/\S+", mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
                assert found is not None
                return found[0]
        page.goto("/inbox")
    raise TimeoutError(address)


def test_the_link_of_a_mail_leads_through_the_login_to_the_decision(
    open_page: OpenPage, chromium: Browser, post: Sink
) -> None:
    lead, admin = open_page(1280), open_page(1280, username="admin")
    admin.goto("/config/senders/new?key=mail")
    admin.fill("[name=name]", "公司邮件")
    admin.fill("[name$=from]", "quality@example.com")
    admin.click("main form .btn.pri")
    expect(admin.locator("main")).to_contain_text("公司邮件")
    lead.goto("/me/notices")
    lead.locator("[name^=address-]").first.fill("wang@example.com")
    lead.click("#notice-settings .btn.pri")
    choose_flow(lead, "one_check")
    hand_in(open_page(1280, username="chenxiao"))
    link = link_in(post, lead, "wang@example.com")
    phone = chromium.new_context(viewport={"width": 360, "height": 780}, locale="zh-CN").new_page()
    phone.goto(link)
    phone.fill("#username", "wangjing")
    phone.fill("#password", PASSWORD)
    phone.click("[data-testid=login]")
    phone.wait_for_url("**/decision")
    phone.fill("#note", "从邮件里批")
    phone.get_by_test_id("approve").click()
    phone.wait_for_url(re.compile(r"/$"))
    phone.goto(link)
    expect(phone.locator("main")).not_to_contain_text("同意")
    phone.context.close()
    choose_flow(lead, "")


def test_it_is_decided_without_scripts_too(open_page: OpenPage) -> None:
    lead = open_page(1280)
    choose_flow(lead, "one_check")
    hand_in(open_page(1280, username="chenxiao"))
    plain = open_page(360, javascript=False)
    plain.goto("/tasks?stage=check")
    plain.locator(".todo .narrow-only").first.click()
    expect(plain.locator(".decide-bar .btn")).to_have_count(2)
    plain.fill("#note", "没有脚本也能批")
    plain.get_by_test_id("approve").click()
    plain.wait_for_url(re.compile(r"/$"))
    choose_flow(lead, "")
