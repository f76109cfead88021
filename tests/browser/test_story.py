"""The story of one quality problem, walked on a phone and on a desktop; the pictures are for people to look at."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import Camera, OpenPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1280])
def test_a_problem_goes_from_complaint_to_proven_close(open_page: OpenPage, width: int) -> None:
    page = open_page(width)
    shot = Camera(page, width)
    expect(page.locator("main")).to_contain_text("件待办")
    shot("1-my-work")

    page.goto("/complaints")
    row = page.locator("tr[id^=complaint-]").first
    name = row.get_attribute("id")
    shot("2-complaints")
    row.locator("[data-testid^=settle-]").first.click()
    expect(page.locator(f"#{name} form.one-tap")).to_have_count(0)
    expect(page.locator(f"#{name} .chip.ok")).to_have_count(1)

    number = record_issue(page, f"瓶盖漏液 {width}")
    shot("3-issue")
    decide(page, "提交")
    page.locator("#responsibility select[name=party]").first.select_option(label="供应商")
    page.get_by_test_id("save-responsibility").click()
    expect(page.locator("#responsibility svg")).to_be_visible()
    decide(page, "提交")

    root_cause(page, number, "瓶盖扭矩低于 0.8 N·m", "抽测 32 件", "occurrence")
    root_cause(page, number, "来料检验只看外观", "检验规范 V2", "escape")
    shot("4-causes")
    decide(page, "提交")

    unfold(page, "#actions", "安排措施")
    page.fill("#action-text", "换线点检表加入扭矩项")
    page.get_by_test_id("plan-action").click()
    unfold(page, "#actions", "完成或取消")
    page.locator("#actions input[name=proof]").fill("点检表照片 3")
    page.get_by_test_id("finish-action").click()
    expect(page.locator("#actions .chip.ok")).to_be_visible()
    decide(page, "提交")

    unfold(page, "#effect", "确认结论")
    page.fill("#effect-note", "复测 50 件全部合格")
    page.get_by_test_id("accept-effect").click()
    expect(page.locator("#effect [id^=check-] .chip.ok")).to_be_visible()
    shot("5-effect")
    decide(page, "确认有效")
    expect(page.locator(".chip", has_text=re.compile("已关闭|已结案")).first).to_be_visible()
    shot("6-closed")

    page.goto(f"/issues/{number}/report")
    expect(page.locator("h1")).to_contain_text("瓶盖漏液")
    shot("7-report")
    pdf = page.request.get(f"/issues/{number}/report.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body().startswith(b"%PDF")

    page.goto("/issues?status=all")
    shot("8-issues")
    other = page.locator("table a.t").last.get_attribute("href") or ""
    page.goto("/trace/issue/" + other.rsplit("/", 1)[1])
    expect(page.locator(".lane").first).to_be_visible()
    shot("9-trace")
    page.goto("/boards/quality")
    expect(page.locator(".kpi")).to_have_count(4)
    shot("10-board")


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_no_page_scrolls_sideways(open_page: OpenPage, width: int, dark: bool) -> None:
    page = open_page(width, username="admin", dark=dark)
    for path in PAGES:
        page.goto(path)
        sideways = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert sideways <= 0, (path, width, sideways)


def test_login_list_detail_capture_and_decision_need_no_javascript(open_page: OpenPage) -> None:
    page = open_page(360, javascript=False)
    expect(page.locator("main")).to_be_visible()
    page.goto("/issues")
    expect(page.locator("table")).to_be_visible()
    number = record_issue(page, "无脚本登记")
    expect(page.locator("h1")).to_contain_text("无脚本登记")
    decide(page, "提交")
    page.goto(f"/issues/{number}")
    expect(page.locator(".stage, .stages").first).to_contain_text("定责")


def test_english_pages_show_no_chinese_words_of_ours(open_page: OpenPage) -> None:
    page = open_page(1280)
    page.locator("form[action='/language'] button").last.click()
    page.goto("/imports")
    menu = page.locator("nav").first.inner_text()
    assert re.search("[一-鿿]", menu) is None, menu
    page.locator("form[action='/language'] button").last.click()


PAGES = (
    "/", "/complaints", "/complaints/new", "/issues", "/issues/new", "/boards/quality", "/trace", "/scan", "/imports", "/channels",
    "/forms", "/config/members", "/config/members/new", "/config/status", "/config/audit", "/config/rules",
    "/config/taxonomies", "/tasks", "/me",
)  # fmt: skip


def record_issue(page: Page, title: str) -> str:
    """Record an issue by its form and return its number."""
    page.goto("/issues/new")
    page.locator("input[name=type]").first.check()
    page.locator("input[name=severity]").first.check()
    for fold in page.locator("form details.fold > summary").all():
        if "补充" in fold.inner_text():
            fold.click()
    page.fill("[name=title]", title)
    page.get_by_test_id("submit").click()
    page.wait_for_url(re.compile(r"/issues/QI-\d{4}-\d{4}"))
    return re.search(r"QI-\d{4}-\d{4}", page.url)[0]  # type: ignore[index]  # the address was just waited for


def decide(page: Page, words: str) -> None:
    """Press the decision's main button and wait for the page after it."""
    button = page.get_by_test_id("decide")
    expect(button).to_contain_text(words)
    before = page.locator("#decision input[name=version]").get_attribute("value")
    button.click()
    expect(page.locator("#decision-error")).to_have_count(0)
    expect(page.locator(f"#decision input[name=version][value='{before}']")).to_have_count(0)


def root_cause(page: Page, number: str, statement: str, evidence: str, kind: str) -> None:
    """Add an answer, prove it and mark it as a root cause."""
    if not page.locator("#whys > details[open]").count():
        page.locator("#whys > details > summary").click()
    page.locator("#whys > details input[name=statement]").fill(statement)
    page.locator("#whys > details select[name=kind]").select_option(kind)
    page.get_by_test_id("add-why").click()
    answer = page.locator("#whys .why", has_text=statement).first
    answer.get_by_role("link", name="证据与结论").first.click()
    page.fill("[name=evidence]", evidence)
    page.locator("input[name=tested][value=true]").check()
    page.get_by_label("这是根因").check()
    page.get_by_test_id("save-why").click()
    page.wait_for_url(re.compile(f"/issues/{number}"))


def unfold(page: Page, card: str, words: str) -> None:
    """Open a fold of a card if it is shut."""
    fold = page.locator(f"{card} details", has=page.locator("summary", has_text=words)).first
    if fold.get_attribute("open") is None:
        fold.locator("summary").first.click()
