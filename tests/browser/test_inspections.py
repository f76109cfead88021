"""李工 inspects a lot on the phone: he is told how many to take, counts with his thumb, and reads the verdict."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import OpenPage

pytestmark = pytest.mark.browser
SKU = "ZP-GIFT-CARD"


def no_sideways(page: Page) -> None:
    """Check that nothing reaches beyond the width of the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def begin(page: Page, quantity: int, kind: str = "incoming") -> None:
    """Scan the article and begin the inspection the page told of."""
    page.goto("/inspections/new")
    page.fill("#code", SKU)
    page.click("main form .btn >> text=查找")
    page.fill("#quantity", str(quantity))
    page.locator(f"[name=kind][value={kind}]").check(force=True)
    page.click("text=看方案")
    expect(page.locator("#prepared")).to_be_visible()


def test_a_lot_is_counted_with_the_thumb_and_refused(open_page: OpenPage) -> None:
    lead, page = open_page(1280), open_page(360, username="ligong")
    lead.goto(f"/config/inspections/plans/new?sku={SKU}")
    lead.fill("#name", "祝福卡来料")
    lead.fill("#items", "克重 | 240 | 260 | g")
    lead.get_by_test_id("save-plan").click()
    expect(lead.locator("#plans")).to_contain_text("祝福卡来料")

    begin(page, 500)
    expect(page.locator("#prepared")).to_contain_text("抽 50 件")
    expect(page.locator("#prepared")).to_contain_text("严重缺陷 ≤3 接收、≥4 拒收")
    no_sideways(page)
    page.get_by_test_id("start-inspection").click()
    page.wait_for_url(re.compile(r"/inspections/IN-"))

    more = page.get_by_role("button", name="严重缺陷 加一")
    assert (more.bounding_box() or {"height": 0})["height"] >= 44
    for _tap in range(4):
        more.click()
    expect(page.locator("#found_major")).to_have_value("4")
    page.get_by_label("克重 实测值").press_sequentially("250 261")
    expect(page.locator("#values-0")).to_contain_text("超出 240–260 g:261")
    no_sideways(page)

    page.get_by_test_id("judge").click()
    page.locator("dialog[open] .btn.pri").click()
    expect(page.locator("#verdict")).to_contain_text("发现 4,达到 4,不接收")
    expect(page.locator("#verdict")).to_contain_text("检查项目「克重」不合格")
    expect(page.locator("#verdict")).to_contain_text("建议隔离这一批")
    no_sideways(page)

    page.locator("#disposition label", has_text="退供应商").click()
    page.click("text=决定处置 >> visible=true")
    expect(page.locator("#disposition .chip")).to_have_text("退供应商")
    page.locator("#verdict a", has_text="质量问题").click()
    expect(page.locator("#inspections-of")).to_contain_text("来料检验")


def test_without_scripts_an_inspection_is_the_same(open_page: OpenPage) -> None:
    page = open_page(360, javascript=False, username="ligong")
    begin(page, 30, "adhoc")  # no plan, so the usual one
    page.get_by_test_id("start-inspection").click()
    page.fill("#found_minor", "1")
    page.get_by_test_id("judge").click()
    expect(page.locator("#verdict")).to_contain_text("合格")
    expect(page.locator("#verdict")).to_contain_text("发现 1,不超过 1,接收")
