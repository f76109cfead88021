"""To-dos in the browser: several approvals at once, and a colleague who stands in, on a phone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.pages import OpenPage, choose_flow

pytestmark = pytest.mark.browser


def test_several_approvals_are_ticked_confirmed_and_told_one_by_one(open_page: OpenPage) -> None:
    lead, clerk = open_page(1280), open_page(1280, username="chenxiao")
    choose_flow(lead, "one_check")
    for _record in range(2):
        clerk.goto("/records/wh/new")
        clerk.select_option("#kind", "wrong")
        with clerk.expect_navigation(url=re.compile(r"/records/wh/[A-Z]")):
            clerk.click("main form .btn.pri")
    lead.goto("/tasks?stage=check")
    expect(lead.locator("[data-picked=task]")).to_be_hidden()
    lead.locator("[data-select-all=task]").check()
    expect(lead.locator("[data-count]")).to_have_text("2")
    lead.locator(".todo .wide-only").last.click()
    expect(lead.locator(".todo.at")).to_have_count(1)
    expect(lead.locator("[data-count]")).to_have_text("2")
    lead.click("text=一起同意…")
    expect(lead.locator("ol .todo")).to_have_count(2)
    lead.click("text=同意这 2 件")
    expect(lead.locator(".banner.ok")).to_contain_text("2 件全部办成")
    lead.goto("/tasks?stage=check")
    expect(lead.locator("main")).to_contain_text("没有符合条件的待办")
    choose_flow(lead, "")


def test_a_deputy_finds_the_to_dos_on_the_phone(open_page: OpenPage) -> None:
    lead, deputy = open_page(360), open_page(360, username="ligong")
    lead.goto("/me/stand-ins")
    lead.select_option("#deputy_id", label="李工")
    lead.fill("#ends", (datetime.now(UTC) + timedelta(days=2)).date().isoformat())
    expect(lead.locator("#field-flows")).to_be_hidden()
    lead.click("main form .btn.pri")
    expect(lead.locator("main")).to_contain_text("王静 由 李工 代理")
    deputy.goto("/tasks")
    card = deputy.locator(".todo", has_text="代 王静").first
    expect(card.locator(".btn.pri")).to_be_visible()
    card.locator(".narrow-only").first.click()
    deputy.wait_for_url(re.compile(r"/(issues|records|tasks)/"))
    expect(deputy.locator("[name=verdict]").first).to_be_attached()
    lead.click("text=现在结束")
    lead.locator("dialog[open] .btn.pri").click()
    expect(lead.locator("main")).to_contain_text("已结束")
    deputy.goto("/tasks")
    expect(deputy.locator("main")).not_to_contain_text("代 王静")
