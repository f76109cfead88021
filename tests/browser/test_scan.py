"""A photo of a code fills the box, on a phone and on a desktop."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.factories.codes import photo_of, symbol

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]
SKU = "HF-ROSE-30"
CAMERA = "[data-scan-box=source][data-scan-photo]"  # the form has a camera at each box that takes a code


def photo(folder: Path, *texts: str) -> Path:
    """Write a photo larger than what the page sends, with these codes on it."""
    path = folder / f"{len(texts)}.jpg"
    path.write_bytes(photo_of([symbol(text, scale=12) for text in texts], size=(4000, 3000)))
    return path


@pytest.mark.parametrize("width", [360, 1280])
def test_a_photo_fills_the_box_and_looks_it_up(open_page: OpenPage, width: int, tmp_path: Path) -> None:
    page = open_page(width)
    page.goto("/issues/new")
    page.set_input_files(CAMERA, photo(tmp_path, SKU))
    expect(page.locator("#found")).to_contain_text("玫瑰精华液")
    expect(page.locator("[name=source]")).to_have_value(SKU)
    assert page.locator(CAMERA).input_value() == ""  # the photo does not go along with the form

    page.set_input_files(CAMERA, photo(tmp_path))
    expect(page.locator("[data-scan-area=source]")).to_contain_text("靠近一点")

    page.set_input_files(CAMERA, photo(tmp_path, "NOBODY-1", SKU))
    expect(page.locator("[data-scan-pick]").first).to_contain_text("有记录")
    page.locator("[data-scan-pick]", has_text="NOBODY-1").click()
    expect(page.locator("#found")).to_contain_text("没有找到")
    expect(page.locator("[name=source]")).to_have_value("NOBODY-1")

    page.goto("/complaints/new")
    page.set_input_files("[data-scan-photo]", photo(tmp_path, SKU))
    expect(page.locator("#found input[name=code]")).to_have_value(SKU)

    page.goto("/trace")
    page.set_input_files("[data-scan-photo]", photo(tmp_path, SKU))
    page.wait_for_url(re.compile(f"/trace/sku/{SKU}$"))


def test_without_scripts_the_camera_is_a_page(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(360, javascript=False)
    page.goto("/trace")
    page.get_by_role("link", name="拍照扫码").click()
    page.set_input_files("#photo", photo(tmp_path, SKU))
    page.get_by_role("button", name="读出号码").click()
    page.locator("main section.card").get_by_role("link", name="追溯").click()
    page.wait_for_url(re.compile(f"/trace/sku/{SKU}$"))
