"""What scripts lay over the inputs of forms, and that everything works without them."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]


def photo(folder: Path) -> Path:
    """Write a photo larger than what a phone should send, with the place it was taken."""
    path = folder / "bottle.jpg"
    exif = Image.Exif()
    exif[0x010F] = "Camera of somebody"
    Image.new("RGB", (3000, 2200), "#a33").save(path, exif=exif)
    return path


def files_of(page: Page) -> list[str]:
    """Return the names of the files the sample would send."""
    return list(page.evaluate("[...document.getElementById('sample').files].map((file) => file.name)"))


def test_lists_open_level_by_level_and_counters_count(open_page: OpenPage) -> None:
    page = open_page(360)
    page.goto("/forms/controls/region_cn")
    for level, name in enumerate(("浙江省", "杭州市", "西湖区")):
        page.locator(".levels select").nth(level).select_option(label=name)
    page.get_by_role("button", name="看结果").click()
    expect(page.locator("#trial [role=status]")).to_contain_text("浙江省 杭州市 西湖区")
    expect(page.locator(".levels select").nth(2)).to_have_value("330106")

    page.goto("/forms/controls/cascade")
    page.locator(".levels select").nth(0).select_option("a")
    page.locator(".levels select").nth(1).select_option("b")
    page.get_by_role("button", name="看结果").click()
    expect(page.locator("#trial [role=status]")).to_contain_text("选项一 › 选项二")

    page.goto("/forms/controls/tally")
    for _tap in range(3):
        page.get_by_role("button", name="加一").click()
    page.get_by_role("button", name="减一").click()
    expect(page.locator("#sample")).to_have_value("2")


def test_what_is_written_in_the_editor_is_what_the_server_reads(open_page: OpenPage) -> None:
    page = open_page(1280)
    page.goto("/forms/controls/richtext")
    page.locator("[role=textbox]").click()
    page.keyboard.type("判定标准")
    page.get_by_role("button", name="小标题").click()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="项目符号").click()
    page.keyboard.type("漏液拒收 <script>alert(1)</script>")
    page.get_by_role("button", name="看结果").click()
    expect(page.locator("#trial [role=status]")).to_contain_text("- 漏液拒收 <script>alert(1)</script>")
    expect(page.locator("[role=textbox] h3")).to_have_text("判定标准")


def test_a_photo_is_made_small_and_drawn_on_beside_its_original(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(360)
    page.goto("/forms/controls/photo_markup")
    page.set_input_files("#sample", photo(tmp_path))
    page.get_by_role("button", name="标注 bottle.jpg").click(position={"x": 20, "y": 80})
    canvas = page.locator("dialog.markup canvas")
    expect(canvas).to_be_visible()  # the picture is decoded first, in its own time
    box = canvas.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 90, steps=4)
    page.mouse.up()
    page.get_by_role("button", name="保存标注").click()
    expect(page.locator("dialog.markup")).to_have_count(0)
    assert files_of(page) == ["bottle.jpg", "bottle-marked.jpg"]
    sent = page.evaluate(
        "new Promise(done => { const r = new FileReader(); r.onload = () => done(Array.from(new Uint8Array(r.result)));"
        " r.readAsArrayBuffer(document.getElementById('sample').files[0]) })"
    )
    with Image.open(io.BytesIO(bytes(sent))) as small:
        assert max(small.size) == 1920
        assert dict(small.getexif()) == {}
    page.get_by_role("button", name="去掉 bottle.jpg").click()
    assert files_of(page) == []


def test_a_signature_is_there_the_moment_the_finger_lifts(open_page: OpenPage) -> None:
    page = open_page(360)
    page.goto("/forms/controls/signature")
    pad = page.locator("[data-sign] canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    page.mouse.move(box["x"] + 40, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 50, steps=6)
    page.mouse.up()
    assert files_of(page) == ["signature.png"]
    page.get_by_role("button", name="重写").click()
    assert files_of(page) == []


def test_without_scripts_names_and_plain_text_do_the_same(open_page: OpenPage) -> None:
    page = open_page(360, javascript=False)
    for key, typed, shown in (
        ("region_cn", "杭州西湖区", "浙江省 杭州市 西湖区"),
        ("richtext", "第一段", "第一段"),
        ("tally", "17", "17"),
        ("measurement", "1.05", "1.05 N·m 偏高 (0.6–0.9)"),
    ):
        page.goto(f"/forms/controls/{key}")
        page.fill("#sample", typed)
        page.get_by_role("button", name="看结果").click()
        expect(page.locator("#trial [role=status]")).to_contain_text(shown)
    page.goto("/forms/controls/cascade")
    page.select_option("#sample", label="选项二 › 选项一")
    page.get_by_role("button", name="看结果").click()
    expect(page.locator("#trial [role=status]")).to_contain_text("选项二 › 选项一")
