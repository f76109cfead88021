"""62,774 real reviews become records of a new form with two drop-downs and a rule, with the browser alone.

The nightly run takes all of them; otherwise every twentieth comes, and the one without a word.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import SHARED

pytestmark = [pytest.mark.browser, pytest.mark.real]
OpenPage = Callable[..., Page]
REVIEWS = SHARED / "data" / "reviews" / "online_shopping_10_cats.csv"
CATEGORIES = ("书籍", "平板", "手机", "水果", "洗发水", "热水器", "蒙牛", "衣服", "计算机", "酒店")
IMPORT_MS = 240_000  # a limit for a hang; the import itself takes a few seconds


def saved(page: Page, act: Callable[[], object]) -> None:
    """Do something in the designer and wait until it is saved."""
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/draft" in answer.url):
        act()


def add_field(page: Page, control: str, field: str, label: str) -> None:
    """Lay a field on the canvas and name it."""
    saved(page, lambda: page.click(f"#add-{control}"))
    expect(page.locator(f"#item-{field}")).to_be_visible()
    page.fill("#label_zh", label)
    saved(page, lambda: page.press("#label_zh", "Tab"))


def list_choices(page: Page, names: tuple[str, ...]) -> None:
    """Give a drop-down these choices instead of those it begins with, and let lists filter by it."""
    page.locator("#p-choices summary").click()
    page.fill("textarea[name$='.paste']", "\n".join(names))
    saved(page, lambda: page.press("textarea[name$='.paste']", "Tab"))
    for _starter in range(3):
        saved(page, lambda: page.locator("#p-choices button[name$='.drop']").first.click())
    for box in ("in_list", "filterable"):
        saved(page, lambda box=box: page.check(f"[name={box}]"))


def the_reviews() -> pd.DataFrame:
    """Return the reviews of this run."""
    if not REVIEWS.is_file():
        pytest.skip("needs ../shared/data/reviews")
    reviews = pd.read_csv(REVIEWS)
    assert (len(reviews), int(reviews["review"].isna().sum())) == (62_774, 1)
    if os.environ.get("QTRACE_TEST_EXAMPLES"):
        return reviews
    return pd.concat([reviews[reviews["review"].isna()], reviews[reviews["review"].notna()].iloc[::20]])


def counts(page: Page) -> list[int]:
    """Return what the page of a run says: read, stored, updated, unchanged, refused."""
    return [int(text.replace(",", "")) for text in page.locator("dl.facts dd").all_inner_texts()[:5]]


def make_the_form(page: Page) -> None:
    """Design and publish a form with two drop-downs and a text, and a rule that the text must be there."""
    page.goto("/forms/new")
    page.fill("#name_zh", "商品评价")
    page.fill("#prefix", "RV")
    page.click("[data-testid=create-form]")
    page.wait_for_url("**/forms/rv/design")
    add_field(page, "select", "field_1", "品类")
    list_choices(page, CATEGORIES)
    add_field(page, "select", "field_2", "评价")
    list_choices(page, ("好评", "差评"))
    add_field(page, "textarea", "field_3", "内容")
    page.click("#to-impact")
    page.click("[data-testid=publish]")
    page.wait_for_url("**/versions")
    page.goto("/rules/new?form=rv&kind=required&field=field_3")
    page.click("[data-testid=save-rule]")
    page.wait_for_url("**/rules?form=rv")


def import_the_file(page: Page, path: Path) -> None:
    """Send the file, say what its columns and its words mean, try it, and import it."""
    page.goto("/imports")
    page.set_input_files("input[type=file]", path)
    page.select_option("select[name=kind]", "form:rv")
    page.click("[data-testid=upload]")
    page.wait_for_url("**/mapping**")
    for place, label in enumerate(("品类", "评价", "内容")):
        page.select_option(f"#col-{place}", label=label)
    page.fill("#save_as", "十类商品评价")
    page.click("[data-testid=start]")
    page.wait_for_selector("#words", timeout=IMPORT_MS)  # 1 and 0 mean nothing to the form yet
    for word, label in (("1", "好评"), ("0", "差评")):
        row = page.locator("#words tr", has=page.get_by_text(word, exact=True))
        row.locator("select").select_option(label=label)
    page.click("[data-testid=words]")
    page.wait_for_selector("[data-testid=real-run]", timeout=IMPORT_MS)
    page.click("[data-testid=real-run]")
    page.wait_for_selector("[data-testid=undo]", timeout=IMPORT_MS)


def test_reviews_become_records_of_a_form_made_in_the_browser(open_page: OpenPage, tmp_path: Path) -> None:
    reviews, path = the_reviews(), tmp_path / "评价.csv"
    reviews.to_csv(path, index=False)
    page = open_page(1280)
    make_the_form(page)
    import_the_file(page, path)
    assert counts(page) == [len(reviews), len(reviews) - 1, 0, 0, 1]

    written = reviews[reviews["review"].notna()]
    page.goto("/records/rv?group=f.field_1")
    shown = dict(
        zip(page.locator("#groups li a").all_inner_texts(), page.locator("#groups .n").all_inner_texts(), strict=True)
    )
    assert {name: int(text) for name, text in shown.items()} == written["cat"].value_counts().to_dict()
    page.locator("#groups").get_by_role("link", name="酒店").click()
    expect(page.locator("#records tbody tr").first).to_contain_text("酒店")
