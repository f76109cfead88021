"""李工 scans a lot, counts what is wrong, and the system says whether it is taken in; 王姐 decides what follows."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from qtrace.core.db import write
from qtrace.inspections.models import Inspection, InspectionPhoto, InspectionPlan
from qtrace.issues.models import Issue
from qtrace.orders.models import Receipt
from tests.conftest import Browser, log_in
from tests.factories.forms import asked, make_form
from tests.factories.inspections import finish, lots, make_plan, series_of, start
from tests.factories.issues import Goods, anew, fresh, make_goods
from tests.functional.test_complaints import statements

LOT = "B2409-17"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def goods(app: Flask) -> Goods:
    """The serum with its lot and the receipt it came in with."""
    found = make_goods()
    with write() as session:
        session.add(Receipt(shop_id=found.shop, external_id="RK-0917", lot_id=found.lot, sku_id=found.sku,
                            supplier_id=found.supplier, quantity=500))  # fmt: skip
    return found


@pytest.fixture
def inspector(app: Flask) -> Browser:
    """李工's browser."""
    return log_in(app, "inspector")


@pytest.fixture
def lead(app: Flask) -> Browser:
    """王姐's browser."""
    return log_in(app, "quality_lead")


def only() -> Inspection:
    """Return the one inspection there is."""
    return fresh().scalars(select(Inspection)).one()


def photo() -> tuple[io.BytesIO, str]:
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 90, 90)).save(out, "JPEG")
    return io.BytesIO(out.getvalue()), "盖口.jpg"


def begin(browser: Browser, **values: Any) -> Any:
    """Press the button that begins an inspection."""
    return browser.post("/inspections", {"code": LOT, "kind": "incoming", "quantity": "500"} | values)


def test_the_plan_is_told_before_anything_begins(goods: Goods, inspector: Browser) -> None:
    make_plan(name="玫瑰系列来料", sku_id=goods.sku)
    page = inspector.get(f"/inspections/new?code={LOT}").text
    assert "恒美包材" in page and 'value="500"' in page  # the quantity is the receipt's
    assert "抽 50 件" in page and "严重缺陷 ≤3 接收、≥4 拒收" in page and "玫瑰系列来料" in page
    assert fresh().scalar(select(func.count()).select_from(Inspection)) == 0


def test_a_receipt_an_article_and_a_strange_number_are_each_answered(goods: Goods, inspector: Browser) -> None:
    assert LOT in inspector.get("/inspections/new?code=RK-0917").text
    assert "玫瑰精华液" in inspector.get("/inspections/new?code=ROSE-30&quantity=20").text
    assert "没有找到「NOBODY」" in inspector.get("/inspections/new?code=NOBODY").text
    piece = inspector.get(f"/inspections/new?code={LOT}", headers=HTMX).text
    assert "<html" not in piece and 'id="found"' in piece


def test_the_trace_of_a_lot_leads_to_its_inspection(goods: Goods, inspector: Browser) -> None:
    assert f"/inspections/new?code={LOT}" in inspector.get(f"/trace/lot/{LOT}").text


def test_a_lot_is_counted_and_taken_in(goods: Goods, inspector: Browser) -> None:
    make_plan()
    answer = begin(inspector)
    number = only().number
    assert answer.location == f"/inspections/{number}"
    page = inspector.get(f"/inspections/{number}").text
    assert 'name="found_major"' in page and "data-tally-add" in page
    sent = {"version": 1, "found_major": "3", "found_minor": "0", "note": "外箱完好"}
    assert inspector.post(f"/inspections/{number}/verdict", sent).status_code == 303
    page = inspector.get(f"/inspections/{number}").text
    assert "发现 3,不超过 3,接收" in page and "外箱完好" in page
    assert (only().verdict, only().disposition) == ("accepted", "accept")


def test_a_double_tap_begins_and_judges_once(goods: Goods, inspector: Browser) -> None:
    make_plan()
    begun = [begin(inspector, submit_id="a" * 32).location for _tap in range(2)]
    inspection = only()
    sent = {"version": 1, "found_major": "9", "submit_id": "b" * 32}
    judged = [inspector.post(f"/inspections/{inspection.number}/verdict", sent) for _tap in range(2)]
    assert [answer.status_code for answer in judged] == [303, 303]
    assert {*begun, *(answer.location for answer in judged)} == {f"/inspections/{inspection.number}"}
    assert fresh().scalar(select(func.count()).select_from(Issue)) == 1


def test_a_refused_lot_leads_to_its_issue_and_back(goods: Goods, inspector: Browser, lead: Browser) -> None:
    make_plan(consequence="stop")
    done = finish(start(goods), {"major": 4})
    issue = fresh().get_one(Issue, done.issue_id)
    page = inspector.get(f"/inspections/{done.number}").text
    assert "达到 4,不接收" in page and "建议隔离这一批" in page and issue.number in page
    assert done.number in lead.get(f"/issues/{issue.number}").text


def test_what_happens_with_refused_goods_is_decided_with_a_reason(goods: Goods, lead: Browser) -> None:
    make_plan()
    done = finish(start(goods), {"major": 4})
    url = f"/inspections/{done.number}/disposition"
    page = lead.post(url, {"disposition": "concession", "note": ""})
    assert page.status_code == 422 and "理由" in page.text
    assert lead.post(url, {"disposition": "concession", "note": "贴标后可卖"}).status_code == 303
    assert "贴标后可卖" in lead.get(f"/inspections/{done.number}").text
    assert lead.post(url, {"disposition": "return", "note": ""}).status_code == 409


def test_a_refused_lot_is_shown_again_once(goods: Goods, inspector: Browser) -> None:
    make_plan()
    done = finish(start(goods), {"major": 4})
    page = inspector.get(f"/inspections/new?previous={done.number}").text
    assert f"复检 {done.number}" in page and "抽 50 件" in page
    answer = inspector.post("/inspections", {"previous": done.number, "quantity": "480"})
    again = answer.location.rsplit("/", 1)[1]
    assert f"已由复检 {again} 替代" in inspector.get(f"/inspections/{done.number}").text
    second = inspector.post("/inspections", {"previous": done.number, "quantity": "480"})
    assert second.status_code == 422 and again in second.text


def test_typed_values_are_held_against_the_limits_at_once(goods: Goods, inspector: Browser) -> None:
    make_plan(items=["净含量 | 29.5 | 30.5 | g"])
    url = f"/inspections/{start(goods).number}/items/0/values?item_0.measured="
    assert "2 个都在限值内" in inspector.get(url + "30.1 29.9", headers=HTMX).text
    assert "超出 29.5–30.5 g:31.2" in inspector.get(url + "30.1 31.2", headers=HTMX).text
    assert "不是数字" in inspector.get(url + "重", headers=HTMX).text
    assert "<html" in inspector.get(url + "30").text
    assert inspector.get(url.replace("items/0", "items/7")).status_code == 404


def test_a_slip_keeps_everything_that_was_typed(goods: Goods, inspector: Browser) -> None:
    make_plan(items=["净含量 | 29.5 | 30.5 | g"])
    number = start(goods).number
    sent = {
        "version": 1,
        "found_major": "2",
        "note": "盖口有划痕",
        "item_0.measured": "三十",
        "item_0.note": "",
        "photos": photo(),
    }
    page = inspector.post(f"/inspections/{number}/findings", sent)
    assert page.status_code == 422 and "不是数字" in page.text
    assert "盖口有划痕" in page.text and 'value="三十"' in page.text and "photos.kept" in page.text
    assert only().version == 1


def test_photos_stay_with_the_inspection(goods: Goods, inspector: Browser) -> None:
    make_plan()
    number = start(goods).number
    assert inspector.post(f"/inspections/{number}/findings", {"version": 1, "photos": photo()}).status_code == 303
    kept = fresh().scalars(select(InspectionPhoto)).one()
    answer = inspector.get(f"/inspections/{number}/photos/{kept.id}")
    assert answer.status_code == 200 and answer.content_type == "image/jpeg"
    answer.close()
    assert inspector.get(f"/inspections/{number}/photos/{kept.id + 1}").status_code == 404


def test_somebody_elses_save_in_between_is_told(goods: Goods, inspector: Browser, lead: Browser) -> None:
    make_plan()
    number = start(goods).number
    assert lead.post(f"/inspections/{number}/findings", {"version": 1, "found_major": "1"}).status_code == 303
    answer = inspector.post(f"/inspections/{number}/findings", {"version": 1, "found_major": "2"})
    assert answer.status_code == 409 and "刚刚有人保存" in answer.text
    assert 'name="found_major" value="2"' in answer.text and "现在存的是 1" in answer.text


def test_the_list_is_filtered_and_counted(goods: Goods, inspector: Browser) -> None:
    make_plan()
    accepted, refused = lots(goods, "+-")
    going = start(goods)
    assert all(one.number in inspector.get("/inspections").text for one in (accepted, refused, going))
    for query, expected in (("verdict=accepted", accepted), ("verdict=undecided", refused), ("verdict=open", going)):
        page = inspector.get(f"/inspections?{query}", headers=HTMX).text
        assert re.findall(r"IN-\d{4}-\d{4}", page).count(expected.number) >= 1
        assert sum(one.number in page for one in (accepted, refused, going)) == 1
    assert accepted.number in inspector.get(f"/inspections?q={LOT}&supplier={goods.supplier}&kind=incoming").text
    assert "没有符合条件的检验" in inspector.get("/inspections?kind=return").text


def test_the_list_asks_as_much_for_many_as_for_one(goods: Goods, inspector: Browser) -> None:
    make_plan()
    lots(goods, "+")
    inspector.get("/inspections")
    with statements() as few:
        inspector.get("/inspections")
    lots(goods, "+" * 6)
    with statements() as many:
        inspector.get("/inspections")
    assert len(many) == len(few) <= 14


def test_the_list_goes_on_where_the_page_ended(
    goods: Goods, inspector: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_plan()
    done = lots(goods, "+++")
    monkeypatch.setattr("qtrace.inspections.queries.inspection_page.__kwdefaults__", {"after": "", "size": 2})
    first = inspector.get("/inspections").text
    assert done[2].number in first and done[0].number not in first
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    assert done[0].number in inspector.get(following[1].replace("&amp;", "&")).text


def test_a_plan_is_written_changed_and_put_away(goods: Goods, lead: Browser) -> None:
    values = {"name": "精华液来料", "kind": "incoming", "sku": "ROSE-30", "level": "II", "aql_major": "1.5", "aql_minor": "4.0",
              "consequence": "stop", "items": "外观\n净含量 | 29.5 | 30.5 | g"}  # fmt: skip
    wrong = lead.post("/config/inspections/plans", values | {"sku": "NOBODY"})
    assert wrong.status_code == 422 and "没有找到「NOBODY」" in wrong.text and "净含量" in wrong.text
    assert lead.post("/config/inspections/plans", values).status_code == 303
    plan = fresh().scalars(select(InspectionPlan)).one()
    assert (plan.sku_id, plan.aqls, plan.items) == (
        goods.sku, {"major": "1.5", "minor": "4.0"}, ["外观", "净含量 | 29.5 | 30.5 | g"],
    )  # fmt: skip
    url = f"/config/inspections/plans/{plan.id}"
    page = lead.get(url).text
    assert "50 · 2/3" in page and "96.1%" in page  # of a lot of 500
    assert lead.post(url, values | {"version": 1, "level": "III"}).status_code == 303
    assert lead.post(url, values | {"version": 1}).status_code == 409
    assert "精华液来料" in lead.get("/config/inspections").text
    assert lead.post(f"{url}/activity", {"active": "0"}).status_code == 303
    assert "精华液来料" not in lead.get("/config/inspections").text
    assert "精华液来料" in lead.get("/config/inspections?retired=1").text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "请填写名称"), ({"kind": "x"}, "检验类型"), ({"level": "IV"}, "检验水平"), ({"aql_major": "1.7"}, "AQL"),
        ({"aql_major": ""}, "至少选一类"), ({"consequence": ""}, "怎么办"), ({"items": "净含量 | 重"}, "限值不是数字"),
        ({"items": "外观\n外观"}, "写了两次"),
    ],
)  # fmt: skip
def test_a_plan_that_says_nothing_sensible_is_refused(
    app: Flask, lead: Browser, change: dict[str, str], words: str
) -> None:
    values = {"name": "通用", "kind": "incoming", "level": "II", "aql_major": "2.5", "consequence": "warn"}
    answer = lead.post("/config/inspections/plans", values | change)
    assert answer.status_code == 422 and words in answer.text


def test_a_stopped_series_is_resumed_and_a_good_one_relaxed_by_somebodys_word(goods: Goods, lead: Browser) -> None:
    make_plan()
    lots(goods, "-------")
    series = series_of()
    assert "暂停检验" in lead.get("/config/inspections").text
    url = f"/config/inspections/series/{series.id}"
    page = lead.get(url).text
    assert "恢复检验" in page and "加严检验" in page and page.count("不接收") >= 7
    refused = lead.post(f"{url}/decisions", {"what": "agree", "reason": "好了", "version": series.version})
    assert refused.status_code == 422
    sent = {"what": "resume", "reason": "8D 已验证", "version": series.version}
    assert lead.post(f"{url}/decisions", sent).status_code == 303
    assert series_of().state == "tightened" and "8D 已验证" in lead.get(url).text
    lots(goods, "+" * 15)
    series = series_of()
    assert "可放宽" in lead.get("/config/inspections?q=玫瑰").text
    sent = {"what": "agree", "reason": "过程稳定", "version": series.version, "steady": "1"}
    assert lead.post(f"{url}/decisions", sent).status_code == 303
    assert series_of().state == "reduced"


def test_a_stopped_article_says_so_before_it_begins(goods: Goods, inspector: Browser) -> None:
    make_plan()
    lots(goods, "-------")
    assert "已暂停检验" in inspector.get(f"/inspections/new?code={LOT}").text
    assert begin(inspector).status_code == 422


def test_the_checklist_of_a_form_is_worked_through(goods: Goods, inspector: Browser) -> None:
    form = make_form([asked("check", "inspection_checklist", "检验", items=["外观", "净含量 | 29.5 | 30.5 | g"])])
    make_plan(form_id=form.id, items=["气味"])
    number = start(goods).number
    sent = {"version": 1, "item_0.result": "fail", "item_0.note": "划痕", "item_1.note": "", "item_1.measured": "30.1",
            "item_2.result": "na", "item_2.note": ""}  # fmt: skip
    assert inspector.post(f"/inspections/{number}/verdict", sent).status_code == 303
    done = only()
    assert [row["result"] for row in done.checklist] == ["fail", "pass", "na"]
    assert done.verdict == "refused" and "项目不合格:外观" in anew(Issue, done.issue_id).description
    assert "划痕" in inspector.get(f"/inspections/{number}").text


def test_who_only_reads_sees_no_buttons(goods: Goods, app: Flask) -> None:
    make_plan()
    number = start(goods).number
    auditor = log_in(app, "auditor")
    page = auditor.get(f"/inspections/{number}").text
    assert "还在检验中" in page and "found_major" not in page
    assert auditor.post(f"/inspections/{number}/verdict", {"version": 1}).status_code == 403
    assert auditor.get("/config/inspections").status_code == 403
