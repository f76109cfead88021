"""A decision on a phone: from the to-do to two big buttons under the thumb, with an opinion put in by one tap."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import OpenPage, choose_flow, let_mail_out, link_in, log_in, reach_by_mail
from tests.factories.post import Sink

pytestmark = pytest.mark.browser


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


def test_the_link_of_a_mail_leads_through_the_login_to_the_decision(
    open_page: OpenPage, chromium: Browser, post: Sink
) -> None:
    lead, admin = open_page(1280), open_page(1280, username="admin")
    let_mail_out(admin)
    reach_by_mail(lead, "wang@example.com")
    choose_flow(lead, "one_check")
    hand_in(open_page(1280, username="chenxiao"))
    link = link_in(post, lead, "wang@example.com")
    phone = chromium.new_context(viewport={"width": 360, "height": 780}, locale="zh-CN").new_page()
    phone.goto(link)
    log_in(phone, "wangjing")
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
