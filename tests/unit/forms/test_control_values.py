"""What single controls promise beyond the contract all of them share."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from werkzeug.datastructures import FileStorage

from qtrace.core.db import write
from qtrace.core.errors import Refused
from qtrace.forms.answers import bind, new_sent, read_answers, sent_from
from qtrace.forms.controls.identity import qr_svg
from qtrace.forms.controls.media import Attachments
from qtrace.forms.controls.number import DecimalNumber, exact
from qtrace.forms.controls.place import Region, read_region, region_name, regions, split_address
from qtrace.forms.controls.text import clean_html, mask
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.registry import MASK, FieldDefinition, Opening, Saving, Sent, Value, controls
from qtrace.forms.uploads import notes, receive
from qtrace.records.models import SCALE
from tests.conftest import NOW, user_id

OPENING = Opening(NOW, date(2026, 11, 20))
CHOICES = [
    {"value": "old", "zh": "旧包装", "en": "Old pack", "retired": True},
    {"value": "new", "zh": "新包装", "en": "New pack", "hint_zh": "2026 年起"},
]
TREE = [
    {"value": "cap", "zh": "瓶盖", "en": "Cap", "children": [{"value": "crack", "zh": "裂纹", "en": "Crack"}]},
    {"value": "box", "zh": "外箱", "en": "Box"},
]


@pytest.fixture(autouse=True)
def reader(sqlite_app: Flask) -> Iterator[None]:
    """Controls speak the reader's language."""
    with sqlite_app.test_request_context():
        yield


def field(key: str, **options: Any) -> FieldDefinition:
    """Return a field of this control."""
    return FieldDefinition("f", key, "字段", "Field", options=options or controls()[key].starter())


def read(key: str, text: str, **options: Any) -> Value:
    """Return what the control reads from one text."""
    return controls()[key].parse(field(key, **options), Sent({"f": [text]}))


def form(*fields: FieldDefinition) -> FormDefinition:
    """Return a form of one section."""
    return FormDefinition((Section("s", "节", "Section", fields),))


def test_every_option_can_be_drawn_by_a_property_panel() -> None:
    mine = [control for control in controls().values() if type(control).__module__.startswith("qtrace.forms.controls")]
    assert len(mine) > 45
    for control in mine:
        for option in control.options:
            assert option.label_zh, (control.key, option.name)
            assert option.label_en, (control.key, option.name)
            assert (option.shape is not None) == (option.kind is list)
            assert not option.choices or option.required or option.default in {c.value for c in option.choices}


EVIL = [
    "<script>alert(1)</script>x", "<p onclick=alert(1)>x</p>", "<a href='javascript:alert(1)'>x</a>", "<img src=x onerror=alert(1)>x",
    "<svg><style><img src=x onerror=alert(1)></style></svg>x", "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>x",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>x",
    "<p style='position:fixed;inset:0'>x</p>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>x", "<!-- --!><img src=x onerror=alert(1)> -->x",
    "<form action=//evil><input name=password>x</form>", "<a href='&#x6a;avascript:alert(1)'>x</a>", "<p id=main class=btn>x</p>",
]  # fmt: skip


@pytest.mark.parametrize("evil", EVIL)
def test_rich_text_keeps_nothing_that_runs_loads_or_disguises(evil: str) -> None:
    control, asked = controls()["richtext"], field("richtext")
    value = read("richtext", evil)
    for html in (str(value), str(control.to_html(asked, evil)), str(control.editable(evil))):  # type: ignore[attr-defined]
        inside = html.removeprefix('<div class="prose rich wrap-any">')
        assert not re.search(r"<(?!/?(?:p|br|strong|b|em|i|u|s|h3|h4|ul|ol|li|blockquote|a|div)\b)", inside)
        assert not re.search(r"<[^>]+\s(?:on\w+|style|src|class|id|title|name|action)=", inside)
        assert not re.search(r"href=[\"']?(?!https?:|mailto:)", inside)


@given(st.text(alphabet="<>/abp\"'= &;:\n", max_size=60))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean_html(clean_html(text)) == clean_html(text)


def test_rich_text_written_without_scripts_stays_plain_to_edit() -> None:
    control, asked = controls()["richtext"], field("richtext")
    value = read("richtext", "第一段\n同段第二行\n\n第二段 <5 mm & 完")
    assert value == "<p>第一段<br>同段第二行</p><p>第二段 &lt;5 mm &amp; 完</p>"
    assert control.send(asked, value) == {"f": ["第一段\n同段第二行\n\n第二段 <5 mm & 完"]}
    assert read("richtext", "<p> </p><p><br></p>") is None


@given(st.text(alphabet="0123456789.-+eE,_ 12%NaInf", max_size=44), st.integers(0, 6))
def test_every_number_that_is_read_fits_a_scaled_column_and_has_one_spelling(text: str, digits: int) -> None:
    try:
        number = exact(text, digits)
    except Refused:
        return
    scaled = number.scaleb(SCALE)
    assert scaled == int(scaled)
    assert abs(scaled) < 2**63
    control, asked = DecimalNumber(), FieldDefinition("f", "decimal", "数", "Number", options={"digits": digits})
    value = control.parse(asked, Sent({"f": [text]}))
    if value is not None:
        assert control.parse(asked, Sent(control.send(asked, value))) == value
        assert str(value) != "-0"


@pytest.mark.parametrize(
    ("options", "right", "wrong", "says"),
    [
        ({"min": 0, "max": "9.5"}, "9.5", "9.51", "9.5"),
        ({"min": "0.5", "step": "0.5"}, "2", "2.2", "0.5"),
        ({"digits": 1}, "0.1", "0.12", "1"),
    ],
)
def test_a_number_keeps_to_its_bounds_and_steps(options: dict[str, Any], right: str, wrong: str, says: str) -> None:
    assert Decimal(str(read("decimal", right, **options))) == Decimal(right)
    with pytest.raises(Refused, match=says):
        read("decimal", wrong, **options)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("integer", {"min": 5, "max": 1}), ("decimal", {"step": 0}), ("decimal", {"min": 0.5}), ("decimal", {"digits": 7}),
        ("measurement", {"low": "2", "high": "1"}), ("money", {"currency": "DOGE"}), ("scale", {"points": 99}),
        ("cascade", {"choices": [{"value": "a/b", "zh": "斜线"}]}), ("select", {"choices": [{"value": "a"}]}),
        ("autonumber", {"prefix": "太长"}), ("autonumber", {}), ("file", {"kinds": [".pdf"]}), ("tree_select", {"kind": "moon"}),
        ("note", {}), ("button", {"url": "javascript:alert(1)"}), ("button", {"url": "//evil.example"}), ("tags", {"suggestions": [1]}),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(key: str, options: dict[str, Any]) -> None:
    assert controls()[key].check_options(options)


def test_a_measurement_keeps_the_limits_it_was_judged_by() -> None:
    control, tight = controls()["measurement"], field("measurement", low="0.6", high="0.9", unit="N·m")
    wide = field("measurement", low="0.5", high="2", unit="N·m")
    value = control.parse(tight, Sent({"f": ["1.05"]}))
    assert value == {"value": "1.05", "pass": False, "low": "0.6", "high": "0.9"}
    assert control.show(wide, value) == "1.05 N·m 偏高 (0.6–0.9)"
    assert control.show(tight, control.parse(tight, Sent({"f": ["0.6"]}))) == "0.6 N·m 合格 (0.6–0.9)"
    assert control.show(field("measurement", unit="g"), read("measurement", "3", unit="g")) == "3 g"
    assert 'class="chip bad"' in control.to_html(tight, value)


@pytest.mark.parametrize(
    ("typed", "kept", "shown"),
    [
        ("138 0013 8000", "13800138000", "138 0013 8000"),
        ("+86 138-0013-8000", "13800138000", "138 0013 8000"),
        ("(0571)8888-1234 转 802", "057188881234-802", "057188881234-802"),
        ("0571-88881234-802", "057188881234-802", "057188881234-802"),
        ("400-820-0000", "4008200000", "4008200000"),
        ("12315", "12315", "12315"),
        ("+49 30 901820", "+4930901820", "+4930901820"),
    ],
)
def test_a_phone_number_is_kept_in_one_form(typed: str, kept: str, shown: str) -> None:
    assert read("phone", typed) == kept
    assert controls()["phone"].show(field("phone"), kept) == shown
    assert controls()["phone"].from_cell(field("phone"), shown) == kept


@given(st.text(min_size=1, max_size=40), st.integers(0, 20), st.integers(0, 20))
def test_a_mask_shows_at_most_half_and_hides_the_length(text: str, start: int, end: int) -> None:
    masked = mask(text, start, end)
    assert masked.count(MASK) - text.count(MASK) <= 4
    assert len(masked) - 4 <= max(len(text) // 2, 0)


def test_a_sensitive_value_goes_out_masked_and_is_kept_when_nobody_touches_it() -> None:
    asked = form(field("masked_text", keep_start=2, keep_end=2))
    filled = sent_from(asked, {}, {"f": "buyer_20261122"})
    assert filled.values == {"f.held": ["bu••••22"]}
    assert read_answers(asked, filled, {"f": "buyer_20261122"}).answers == {"f": "buyer_20261122"}
    assert read_answers(asked, Sent({"f.held": ["x"], "f": ["new-1"]}), {"f": "old"}).answers == {"f": "new-1"}
    assert read_answers(asked, Sent({"f.held": ["x"], "f.clear": ["1"]}), {"f": "old"}).answers == {}
    assert read_answers(asked, Sent({"f.held": ["x"]})).answers == {}
    assert sent_from(asked, {}, {"f": "buyer_20261122"}, reveal=True).values == {"f": ["buyer_20261122"]}


def test_an_assigned_value_is_taken_once_without_gaps_and_never_from_the_page() -> None:
    control, asked = controls()["autonumber"], field("autonumber", prefix="IQC")
    saving = Saving("inspection", datetime(2026, 11, 30, 17, tzinfo=UTC))
    with write():
        numbers = [control.at_save(asked, None, saving) for _n in range(3)]
        assert control.at_save(asked, numbers[0], saving) == numbers[0]
    assert numbers == ["IQC-2612-0001", "IQC-2612-0002", "IQC-2612-0003"]
    assert read_answers(form(asked), Sent({"f": ["IQC-2612-0009"]})).answers == {}
    assert read_answers(form(asked), Sent({"f": ["IQC-2612-0009"]}), {"f": numbers[0]}).answers == {"f": numbers[0]}


def test_a_qr_label_holds_the_record_and_reads_back() -> None:
    control, asked = controls()["qr_label"], field("qr_label", content="field", field="lot")
    saving = Saving("inspection", NOW, address="https://q.example.com/records/R-1", values={"lot": "B2409-17"})
    assert control.at_save(asked, None, saving) == "B2409-17"
    assert control.at_save(field("qr_label", content="address"), "old", saving) == "https://q.example.com/records/R-1"
    drawing = qr_svg('批号<"17">')
    assert drawing.count("<svg") == 1
    assert "批号" not in drawing
    side = int(re.findall(r'viewBox="0 0 (\d+)', drawing)[0])
    picture = Image.new("L", (side, side), 255)
    for path in re.findall(r'd="([^"]+)"', drawing):
        for x, y, w, h in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)", path):
            picture.paste(0, (int(x), int(y), int(x) + int(w), int(y) + int(h)))
    found = zxingcpp.read_barcodes(picture.resize((side * 6, side * 6), Image.Resampling.NEAREST))
    assert [code.text for code in found] == ['批号<"17">']


def test_numbers_of_things_say_where_they_stand_once() -> None:
    assert controls()["serial_no"].unique_with(field("serial_no")) == ()
    assert controls()["serial_no"].unique_with(field("serial_no", unique=False)) is None
    assert controls()["external_ref"].unique_with(field("external_ref", channel="shop")) == ("shop",)
    assert controls()["text"].unique_with(field("text")) is None


@pytest.mark.parametrize("key", ["select", "radio", "multiselect", "checkbox_group"])
def test_a_retired_choice_is_offered_only_where_it_is_held(sqlite_app: Flask, key: str) -> None:
    asked = field(key, choices=CHOICES)
    control = controls()[key]
    assert [choice.value for choice in control.choices(asked)] == ["new"]
    drawn = sqlite_app.jinja_env.get_template("forms/_fields.html")
    assert "旧包装" not in drawn.render(form=bind(form(asked), Sent()))
    assert "旧包装" in drawn.render(form=bind(form(asked), Sent({"f": ["old"]})))
    held = control.parse(asked, Sent({"f": ["old"]}))
    assert control.show(asked, held) == "旧包装"
    assert control.show(asked, ["gone"] if isinstance(held, list) else "gone") == "gone"


def test_several_choices_keep_to_their_count() -> None:
    asked = field("multiselect", choices=controls()["select"].starter()["choices"], fewest=2, most=2)
    control = controls()["multiselect"]
    assert control.parse(asked, Sent()) is None
    assert control.parse(asked, Sent({"f": ["a", "b"]})) == ["a", "b"]
    for wrong in (["a"], ["a", "b", "c"]):
        with pytest.raises(Refused, match="2"):
            control.parse(asked, Sent({"f": wrong}))


def test_a_cascade_stops_where_the_form_allows() -> None:
    control = controls()["cascade"]
    whole, partial = field("cascade", choices=TREE), field("cascade", choices=TREE, any_level=True)
    assert control.show(whole, control.parse(whole, Sent({"f": ["cap/crack"]}))) == "瓶盖 › 裂纹"
    assert control.from_cell(whole, "瓶盖>裂纹") == ["cap", "crack"]
    assert control.parse(whole, Sent({"f": ["box"]})) == ["box"]
    assert control.parse(partial, Sent({"f": ["cap"]})) == ["cap"]
    with pytest.raises(Refused):
        control.parse(whole, Sent({"f": ["cap"]}))


@pytest.mark.parametrize(
    ("key", "default", "filled"),
    [
        ("date", "today", {"f": ["2026-11-20"]}), ("date", "today+7", {"f": ["2026-11-27"]}), ("date", "today - 20", {"f": ["2026-10-31"]}),
        ("date", "2026-01-01", {"f": ["2026-01-01"]}), ("month", "today", {"f": ["2026-11"]}), ("time", "now", {"f": ["10:00"]}),
        ("datetime", "now", {"f": ["2026-11-20T10:00"]}), ("date_range", "today", {"f.from": ["2026-11-20"], "f.to": ["2026-11-20"]}),
        ("duration", "1:30", {"f.hours": ["1"], "f.minutes": ["30"]}), ("multiselect", "a、c", {"f": ["a", "c"]}),
        ("tags", "加急、自定", {"f": ["加急"], "f.more": ["自定"]}), ("switch", "1", {"f": ["1"]}), ("text", "无", {"f": ["无"]}),
        ("autonumber", "x", {}), ("user", "", {}),
    ],
)  # fmt: skip
def test_a_new_form_begins_with_its_defaults(key: str, default: str, filled: dict[str, list[str]]) -> None:
    asked = FieldDefinition("f", key, "字段", "Field", options=controls()[key].starter(), default=default)
    assert new_sent(form(asked), OPENING).values == filled
    assert read_answers(form(asked), Sent(filled)).ok


def test_me_and_mine_are_who_opens_the_form() -> None:
    me = user_id("quality_lead")
    opening = Opening(NOW, date(2026, 11, 20), me, 7)
    for key, default, kept in (("user", "me", me), ("users", "me", me), ("department", "mine", 7)):
        asked = FieldDefinition("f", key, "字段", "Field", default=default)
        assert new_sent(form(asked), opening).values == {"f": [str(kept)]}
        assert new_sent(form(asked), OPENING).values == {}


@pytest.mark.parametrize(
    ("text", "minutes"), [("2:30", 150), ("2小时30分", 150), ("1d 2h", 1560), ("45 min", 45), ("02:30:00", 150)]
)
def test_a_duration_is_read_as_people_write_it(text: str, minutes: int) -> None:
    assert controls()["duration"].from_cell(field("duration"), text) == minutes
    with pytest.raises(Refused):
        controls()["duration"].from_cell(field("duration"), text + "左右")


def test_every_region_has_one_full_name() -> None:
    control = Region()
    for level, length in (("province", 2), ("city", 4), ("district", 6)):
        asked = FieldDefinition("f", "region_cn", "地区", "Region", options={"level": level})
        codes = [code for code in regions() if len(code) == length and regions()[code] not in ("市辖区", "县")]
        assert len(codes) > 30
        for code in codes:
            name = region_name(code)
            if "直辖县级" not in regions()[code]:
                assert control.parse(asked, Sent({"f": [name]})) == code, name


@pytest.mark.parametrize(
    ("text", "code"),
    [("浙江杭州西湖", ""), ("浙江杭州西湖区", "330106"), ("北京朝阳区", "110105"), ("吉林省长春市朝阳区", "220104"), ("香港", "81"),
     ("湖北省仙桃市", "429004"), ("鼓楼区", ""), ("内蒙古呼和浩特市新城区", "150102"), ("东莞市", "4419"), ("浙江 / 杭州 / 西湖区", "330106")],
)  # fmt: skip
def test_a_region_is_found_by_what_people_call_it(text: str, code: str) -> None:
    if code:
        assert read_region(text, "district") == code
    else:
        with pytest.raises(Refused):
            read_region(text, "district")


def test_an_ambiguous_region_names_those_it_may_be() -> None:
    with pytest.raises(Refused, match=r"鼓楼区.*(福建省 福州市|江苏省 南京市)"):
        read_region("鼓楼区", "district")


def test_an_address_shows_its_region_and_hides_its_street() -> None:
    control, asked = controls()["address"], field("address")
    value = control.from_cell(asked, "浙江省杭州市西湖区文三路 478 号")
    assert value == {"region": "330106", "detail": "文三路 478 号"}
    assert control.show(asked, value) == "浙江省 杭州市 西湖区 ••••"
    assert control.revealed(asked, value) == "浙江省 杭州市 西湖区 文三路 478 号"
    assert control.to_condition(asked, value) == ("33", "3301", "330106")
    assert control.search_text(asked, value) == ""
    assert split_address("火星基地 1 号", "district") == ("火星基地 1 号", "")
    for exported in (control.to_cell(asked, value), control.masked(asked, value)):
        if MASK in str(exported):
            with pytest.raises(Refused):
                control.from_cell(asked, exported)
        else:
            assert control.from_cell(asked, exported) == value


def test_layout_items_are_drawn_and_hold_nothing(sqlite_app: Flask) -> None:
    items = [field("note", text_zh="先拍<b>外箱</b>", tone="warn"), field("button", url="/trace"), field("divider")]
    asked = form(
        *(
            FieldDefinition(f"i{n}", item.control, "看标准", "Standard", options=item.options, required=True)
            for n, item in enumerate(items)
        )
    )
    assert read_answers(asked, Sent({"i0": ["x"]})).answers == {}
    html = sqlite_app.jinja_env.get_template("forms/_fields.html").render(form=bind(asked, Sent()))
    assert "&lt;b&gt;外箱" in html
    assert 'href="/trace"' in html


def png(size: tuple[int, int] = (1600, 400)) -> bytes:
    """Return a drawing on a clear ground."""
    out = io.BytesIO()
    Image.new("RGBA", size, (0, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


def uploaded(app: Flask, key: str, *files: tuple[bytes, str], **options: Any) -> tuple[Sent, dict[str, str]]:
    """Return what a form with one file field receives."""
    data = {"f": [(io.BytesIO(content), name) for content, name in files]}
    with app.test_request_context("/", method="POST", data=data, content_type="multipart/form-data"):
        return receive(form(field(key, **options)), owner=1)


def test_a_signature_is_stored_as_a_small_picture(sqlite_app: Flask) -> None:
    sent, errors = uploaded(sqlite_app, "signature", (png(), "signature.png"))
    assert errors == {}
    (stored,) = sent.files["f"]
    assert stored.media_type == "image/png"
    assert list(notes(sent, owner=1)) == [stored.id]
    assert controls()["signature"].parse(field("signature"), sent) == [stored.id]
    assert "不是照片" in uploaded(sqlite_app, "signature", (b"<svg/>", "signature.png"))[1]["f"]


def test_a_film_is_kept_and_what_is_none_is_refused(sqlite_app: Flask) -> None:
    film = b"\x00\x00\x00\x20ftypisom" + b"\x00" * 100
    sent, errors = uploaded(sqlite_app, "video", (film, "leak.mp4"))
    assert errors == {}
    assert sent.files["f"][0].media_type == "video/mp4"
    assert "不是视频" in uploaded(sqlite_app, "video", (b"MZ" * 50, "leak.mp4"))[1]["f"]
    assert "最多 1 个" in uploaded(sqlite_app, "video", (film, "a.mp4"), (film, "b.mp4"))[1]["f"]


def test_files_keep_to_the_kinds_and_sizes_of_the_form(sqlite_app: Flask) -> None:
    assert uploaded(sqlite_app, "file", (b"%PDF-1.7 x", "COA.pdf"), kinds=["pdf"])[1] == {}
    assert "pdf" in uploaded(sqlite_app, "file", (b"a,b", "a.csv"), kinds=["pdf"])[1]["f"]
    large = FileStorage(io.BytesIO(b"x" * 1_100_000), "a.txt")
    with pytest.raises(Refused, match="1 MB"):
        Attachments().keep(field("file", max_mb=1), large, data_dir=Path(sqlite_app.config["QTRACE_DATA_DIR"]))


def test_a_marked_photo_stands_behind_its_original(sqlite_app: Flask) -> None:
    pair = [(png((40, 30)), "cap.png"), (png((40, 30)), "cap-marked.jpg")]
    sent, errors = uploaded(sqlite_app, "photo_markup", *pair, max_count=1)
    assert errors == {}
    assert [file.name for file in sent.files["f"]] == ["cap.jpg", "cap-marked.jpg"]
    assert "最多 2 张" in uploaded(sqlite_app, "photo_markup", *pair, *pair[:1], max_count=1)[1]["f"]
