"""A flow is built with the mouse and with the keyboard alone, and read on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import OpenPage, add, choose, press

pytestmark = pytest.mark.browser
STEP = "采购催供应商先做临时措施"
AREAS = ("质量部", "客服部", "采购部")


def new_flow(page: Page, template: str) -> None:
    """Make a flow from a shipped one and open its designer."""
    page.goto(f"/flows/new?template={template}")
    page.get_by_test_id("design-flow").click()
    page.wait_for_url(re.compile(rf"/flows/{template}\w*/design"))


def steps(page: Page) -> list[str]:
    """Return the names of the cards of the trunk, in order."""
    return [name.inner_text() for name in page.locator(".fd-tree > ol > li > .fd-card b").all()]


@pytest.mark.parametrize("keys", [False, True], ids=["mouse", "keyboard"])
def test_a_flow_with_a_branch_a_countersign_and_a_timeout_is_built(open_page: OpenPage, keys: bool) -> None:
    page = open_page(1280)
    new_flow(page, "supplier_action")
    add(page, STEP, "branch", keys)
    expect(page.locator("#panel h2")).to_have_text("条件分支")
    press(page, page.locator(".fd-way-head", has_text="条件 1"), keys)
    choose(page, "#when-0-field", "涉及金额(元)", keys)
    choose(page, "#when-0-op", "大于", keys)
    page.fill("#when-0-value", "1000")
    page.press("#when-0-value", "Tab")  # leaving it saves
    expect(page.locator(".fd-way-head", has_text="条件 1")).to_contain_text("涉及金额(元) > 1000")
    press(page, page.get_by_label("在这条分支的开头添加").first, keys)
    press(page, page.locator("#add-countersign"), keys)
    expect(page.locator("#panel h2")).to_have_text("会签")
    expect(page.locator(".fd-card.on")).to_contain_text("请选择由谁处理")
    for n in range(3):
        choose(page, f"#who-{n}-kind", "一个部门的人", keys)
        expect(page.locator(f"#who-{n}-value")).to_be_visible()
        choose(page, f"#who-{n}-value", AREAS[n], keys)
        expect(page.locator(".fd-card.on")).to_contain_text(AREAS[n])
    page.fill("#due", "2")
    choose(page, "[name=due_unit]", "工作日", keys)
    press(page, page.locator("#props-advanced > summary"), keys)
    choose(page, "#overdue", "自动驳回", keys)
    expect(page.locator("#undo")).to_contain_text("修改「会签」")
    expect(page.locator(".fd-card.on")).to_contain_text("2 个工作日")
    expect(page.locator("#overdue")).to_be_visible()  # what was opened stays open
    expect(page.locator(".fd-wrong")).to_have_count(0)
    if keys:
        press(page, page.locator("#up-contain"), keys)
        expect(page.locator("#up-contain")).to_be_focused()
    else:
        page.drag_and_drop("#item-contain > .fd-card .grip", "#item-approve > .fd-card .grip")
    expect(page.locator("#undo")).to_contain_text(f"移动「{STEP}」")
    assert steps(page)[1:3] == [STEP, "质量主管审核要求"]
    for _undo in range(2):
        page.keyboard.press("Control+z")
        expect(page.locator("#redo")).to_be_enabled()
    assert steps(page)[1:4] == ["质量主管审核要求", STEP, "条件分支"]
    press(page, page.locator("#zoom-minus"), keys)
    expect(page.locator("#canvas")).to_have_class(re.compile("zoom-75"))
    press(page, page.locator("#to-impact"), keys)
    page.get_by_test_id("publish").click()
    expect(page.locator("#versions")).to_contain_text("第 1 版")


def test_a_flow_is_read_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(360)
    new_flow(page, "complaint_refund")
    expect(page.locator(".fd-way-head").first).to_be_visible()
    edges = [box["x"] for way in page.locator(".fd-way").all() if (box := way.bounding_box())]
    assert len(set(edges)) == 1  # branches under one another
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.click("#card-owner")
    expect(page.locator("#name_zh")).to_have_value("老板同意")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
