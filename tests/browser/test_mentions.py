"""A colleague's name is completed while a comment is typed: by keys on a desk, by a tap on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def test_a_name_is_completed_by_keys_and_by_a_tap(open_page: OpenPage) -> None:
    desk, phone = open_page(1280), open_page(360, username="chenxiao")
    desk.goto("/issues")
    address = desk.locator("a[href*='/issues/Q']").last.get_attribute("href") or ""
    desk.goto(address)
    box, names = desk.locator("#comment-text"), desk.locator(".called [role=option]")
    box.click()
    desk.keyboard.type("mail@qtrace.cn")
    desk.keyboard.type(" 先冻结库存,@")
    expect(names.filter(has_text="李工")).to_have_count(1)
    expect(names.filter(has_text="王静")).to_have_count(0)  # who writes it
    expect(desk.locator("[role=status].sr").filter(has_text="位同事")).to_have_count(1)
    desk.keyboard.press("Escape")
    expect(names).to_have_count(0)
    desk.keyboard.type("ligong")
    expect(names).to_have_count(1)
    assert box.get_attribute("aria-activedescendant") == names.get_attribute("id")
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    expect(box).to_have_value("mail@qtrace.cn 先冻结库存,@李工 ")
    desk.keyboard.type("请今天回复")
    desk.locator("#comments button").click()
    expect(desk.locator(".toast")).to_contain_text("已提醒 李工")

    phone.goto(address)
    phone.locator("#comment-text").click()
    phone.keyboard.type("好的 @王")
    option = phone.locator(".called [role=option]", has_text="王静")
    expect(option).to_be_visible()
    place = option.bounding_box()
    assert place is not None
    assert place["height"] >= 44 and place["x"] + place["width"] <= 360
    option.click()
    expect(phone.locator("#comment-text")).to_have_value("好的 @王静 ")
    assert phone.evaluate("document.activeElement.id") == "comment-text"
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
