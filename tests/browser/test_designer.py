"""A form is designed with the mouse, with the keyboard alone, and on a phone without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def new_form(page: Page, prefix: str, template: str = "") -> None:
    """Make a form and open its designer."""
    page.goto("/forms/new")
    page.check(f"[name=start][value='{template}']")
    page.fill("#name_zh", f"设计 {prefix}")
    page.fill("#prefix", prefix)
    page.click("[data-testid=create-form]")
    page.wait_for_url(f"**/forms/{prefix.lower()}/design")


def bricks(page: Page) -> list[str]:
    """Return the ids of the fields on the canvas, in order."""
    return [str(item.get_attribute("data-field")) for item in page.locator("[data-field]").all()]


def test_fields_are_dragged_changed_and_taken_back(open_page: OpenPage) -> None:
    page = open_page(1280)
    new_form(page, "DRAG", "template:warehouse")
    page.drag_and_drop("#item-photos .grip", "#item-code .grip")
    expect(page.locator("[data-field]").first).to_have_attribute("data-field", "photos")
    page.drag_and_drop("[data-control=date]", "#item-kind")
    expect(page.locator("#item-field_1")).to_be_visible()
    expect(page.locator("#panel h2")).to_have_text("日期")  # what was added is selected
    page.fill("#label_zh", "发现日期")
    page.press("#label_zh", "Tab")
    expect(page.locator("#item-field_1")).to_contain_text("发现日期")  # saved by leaving the field
    expect(page.frame_locator("#phone").locator("body")).to_contain_text("发现日期")
    expect(page.locator("#undo")).to_contain_text("修改字段")
    for last in ("添加字段", "移动字段"):
        page.click("#undo")
        expect(page.locator("#undo")).to_contain_text(last)
    page.click("#undo")
    expect(page.locator("#undo")).to_be_disabled()
    assert bricks(page)[:3] == ["code", "kind", "qty"]


@pytest.mark.parametrize("moved", [False, True], ids=["pressed", "moved"])
def test_an_answer_that_comes_during_the_next_drag_loses_neither(open_page: OpenPage, moved: bool) -> None:
    page = open_page(1280)
    new_form(page, "MOVED" if moved else "PRESS", "template:warehouse")
    late: list[Route] = []
    page.route("**/draft/fields/*/position", lambda route: late.append(route), times=1)
    page.drag_and_drop("#item-photos .grip", "#item-code .grip")
    page.hover("[data-control=date]")
    page.mouse.down()
    for place in ({"x": 30, "y": 9}, {"x": 9, "y": 9}) if moved else ():
        page.hover("#item-kind", position=place)
    with page.expect_response("**/draft/fields/*/position"):
        late[0].continue_()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")  # a swap would be over
    for place in ({"x": 30, "y": 9}, {"x": 9, "y": 9}):
        page.hover("#item-kind", position=place)
    page.mouse.up()
    expect(page.locator("#item-field_1")).to_be_visible()
    expect(page.locator("#undo")).to_contain_text("添加字段")
    assert bricks(page)[:4] == ["photos", "code", "field_1", "kind"]  # each where it was let go


def test_everything_is_reached_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(1280)
    new_form(page, "KEYS")
    for control in ("text", "integer"):
        page.focus(f"#add-{control}")
        page.keyboard.press("Enter")
        expect(page.locator("#panel h2")).to_have_text({"text": "单行文字", "integer": "整数"}[control])
    page.focus("#up-field_2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-field]").first).to_have_attribute("data-field", "field_2")
    expect(page.locator("#up-field_2")).to_be_focused()  # the button stays under the finger
    page.focus("#item-field_1 .brick-link")
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text("单行文字")
    page.focus("#label_zh")
    page.keyboard.press("Control+a")
    page.keyboard.type("检验项目")
    page.keyboard.press("Tab")
    expect(page.locator("#item-field_1")).to_contain_text("检验项目")
    page.focus("#to-impact")
    page.keyboard.press("Enter")
    page.wait_for_url("**/impact")
    page.focus("[data-testid=publish]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/versions")
    expect(page.locator("#version-1")).to_be_visible()


def test_a_phone_without_scripts_designs_too(open_page: OpenPage) -> None:
    page = open_page(360, javascript=False)
    new_form(page, "PHONE")
    page.get_by_role("link", name="添加").click()
    page.click("#add-text")
    page.get_by_role("link", name="属性").click()
    page.fill("#label_zh", "货位")
    page.click("[data-testid=save-field]")
    page.get_by_role("link", name="画布").click()
    expect(page.locator("#item-field_1")).to_contain_text("货位")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name="预览").click()
    expect(page.frame_locator("#phone").locator("body")).to_contain_text("货位")


def test_the_second_designer_hears_who_was_faster(open_page: OpenPage) -> None:
    first, second = open_page(1280), open_page(1280)
    new_form(first, "TWO")
    second.goto("/forms/two/design")
    first.click("#add-text")
    expect(first.locator("#item-field_1")).to_be_visible()
    second.click("#add-date")
    expect(second.locator("#alerts")).to_contain_text("王静")
    expect(second.locator("#item-field_1")).to_contain_text("单行文字")  # the desk is the present one
    second.click("#add-date")
    expect(second.locator("#item-field_2")).to_contain_text("日期")


def test_what_is_typed_on_a_phone_is_there_after_it_is_closed(open_page: OpenPage) -> None:
    page = open_page(360)
    page.goto("/issues/new")
    with page.expect_response(re.compile("/forms/issue/held")) as kept:
        page.locator("#source").press_sequentially("B2409-17")
    assert kept.value.status == 204
    page.goto("/issues/new")
    page.get_by_role("link", name="恢复").click()
    expect(page.locator("#source")).to_have_value("B2409-17")
    page.goto("/issues/new")
    page.get_by_role("button", name="放弃").click()
    expect(page.locator("#held")).to_have_count(0)


def test_a_form_of_several_pages_is_filled_in_step_by_step_on_a_phone(open_page: OpenPage) -> None:
    page = open_page(1280)
    new_form(page, "STEP", "template:supplier_request")
    page.click("#to-impact")
    page.click("[data-testid=publish]")
    page.wait_for_url("**/versions")
    phone = open_page(360)
    phone.goto("/records/step/new")
    expect(phone.locator("#part-problem")).to_be_visible()
    expect(phone.locator("#part-reply")).to_be_hidden()
    expect(phone.locator("[data-testid=submit]")).to_be_hidden()
    for part in ("reply", "verify"):
        phone.get_by_role("button", name="下一步").click()
        expect(phone.locator(f"#part-{part}")).to_be_visible()
    expect(phone.locator("#part-problem")).to_be_hidden()
    phone.click("[data-testid=submit]")
    expect(phone.locator("#part-problem")).to_be_visible()  # what is missing stands on the first page
    page.goto("/records/step/new")
    expect(page.locator("#part-verify")).to_be_visible()  # a wide screen shows every page
    expect(page.locator("[data-testid=submit]")).to_be_visible()
