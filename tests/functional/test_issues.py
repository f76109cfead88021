"""The story of an issue without JavaScript: record it, correct it, talk about it, hand it over."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import event, func, select

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.core.db import db, write
from qtrace.core.models import StoredFileRow
from qtrace.issues.models import Attachment, Issue, SavedView
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import LineLot, Lot, Order, OrderLine
from tests.conftest import NOW, user_id


@pytest.fixture(autouse=True)
def shop(app: Flask) -> None:
    """One order of one serum from a known lot, and the terms the form asks for."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        supplier = Supplier(shop_id=shop.id, external_id="HM", name="恒美包材")
        session.add(supplier)
        session.flush()
        sku = Sku(shop_id=shop.id, external_id="ROSE-30", name="玫瑰精华液 30ml", supplier_id=supplier.id)
        order = Order(shop_id=shop.id, external_id="6919000045", currency="CNY", placed_at=NOW)
        session.add_all([sku, order])
        session.flush()
        lot = Lot(shop_id=shop.id, external_id="B2409-17", sku_id=sku.id, supplier_id=supplier.id)
        line = OrderLine(order_id=order.id, external_id="1", sku_id=sku.id, supplier_id=supplier.id)
        session.add_all([lot, line])
        session.flush()
        session.add(LineLot(line_id=line.id, lot_id=lot.id, method="fifo", confidence=92))
        session.add(Term(kind="type", code="t_leak", name_zh="测试漏液", name_en="Leak", position=900))
        session.add(Term(kind="severity", code="s_severe", name_zh="测试重大", name_en="Severe", position=900))


def anew() -> Any:
    """Return a session that sees what the last request wrote."""
    db.session.remove()
    return db.session


def term(code: str) -> str:
    """Return the id of a term as a form sends it."""
    return str(anew().scalars(select(Term.id).where(Term.code == code)).one())


def capture(**changes: Any) -> dict[str, Any]:
    """Return the form of the phone: one number, one chip, one severity."""
    return {"source": "6919000045", "type": term("t_leak"), "severity": term("s_severe")} | changes


def photo() -> tuple[io.BytesIO, str]:
    """Return a small photo as a browser uploads it."""
    content = io.BytesIO()
    Image.new("RGB", (60, 40), "navy").save(content, "JPEG")
    content.seek(0)
    return content, "瓶盖.jpg"


def opened(**values: Any) -> Issue:
    """Open an issue of the quality lead and return it."""
    by = user_id(values.pop("by", "quality_lead"))
    with write():
        issue_id = create_issue(NewIssue(**{"title": "瓶盖漏液"} | values), by=by, now=NOW).id
    return anew().get_one(Issue, issue_id)


@contextmanager
def queries_counted() -> Iterator[list[str]]:
    """Collect the SELECTs that run inside the block."""
    seen: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_an_issue_is_recorded_on_a_phone(login: Any) -> None:
    browser = login("customer_service")
    page = browser.get("/issues/new").text
    assert 'capture="environment"' in page
    assert 'inputmode="numeric"' in page
    answer = browser.post("/issues", capture(photos=[photo()], **{"affected.bad": "3", "affected.checked": "20"}))
    assert answer.status_code == 303
    issue = anew().scalars(select(Issue)).one()
    assert answer.location == f"/issues/{issue.number}"
    assert issue.title == "测试漏液 · 玫瑰精华液 30ml"
    assert issue.lot is not None
    assert (issue.lot.external_id, issue.bad_qty, issue.checked_qty) == ("B2409-17", 3, 20)
    shown = browser.get(answer.location).text
    for text in ("6919000045", "恒美包材", "推断 92%", "15.0%", "测试重大", "瓶盖.jpg", "登记了这个问题"):
        assert text in shown


def test_the_box_shows_what_it_found_and_what_is_known_already(login: Any) -> None:
    lot_id = anew().scalars(select(Lot.id)).one()
    issue = opened(lot_id=lot_id)
    piece = (
        login("quality_lead").get("/issues/origin?source=6919000045&box=source", headers={"HX-Request": "true"}).text
    )
    assert 'id="found"' in piece
    assert "推断 92%" in piece
    assert issue.number in piece
    assert "没有找到" in login("quality_lead").get("/issues/origin?source=nope").text


def test_a_number_nobody_knows_is_kept_in_the_record(login: Any) -> None:
    browser = login("customer_service")
    browser.post("/issues", capture(source="ERP-ONLY-1"))
    issue = anew().scalars(select(Issue)).one()
    assert (issue.order_id, issue.answers["source"]) == (None, "ERP-ONLY-1")
    assert "ERP-ONLY-1" in browser.get(f"/issues/{issue.number}").text


def test_a_complaint_becomes_an_issue_that_holds_it(login: Any) -> None:
    order_id = anew().scalars(select(Order.id)).one()
    with write() as session:
        complaint = Complaint(
            number="KF-1", source_kind="staff", occurred_at=NOW, created_at=NOW, order_id=order_id, text="瓶口漏了",
            type_id=int(session.scalars(select(Term.id).where(Term.code == "t_leak")).one()),
        )  # fmt: skip
        session.add(complaint)
        session.flush()
        complaint_id = complaint.id
    browser = login("customer_service")
    page = browser.get(f"/issues/new?complaint={complaint_id}").text
    assert "瓶口漏了" in page
    assert 'value="6919000045"' in page
    form = {"type": term("t_leak"), "severity": term("s_severe"), "order": "6919000045", "complaint": str(complaint_id)}
    answer = browser.post("/issues", form)
    issue = anew().scalars(select(Issue)).one()
    assert issue.complaint_count == 1
    assert "KF-1" in browser.get(answer.location).text
    assert "并入 1 起客诉" in browser.get(answer.location).text


def test_an_invalid_form_comes_back_with_everything(login: Any) -> None:
    browser = login("customer_service")
    answer = browser.post("/issues", {"source": "6919000045", "description": "整箱浸湿", "photos": [photo()]})
    assert answer.status_code == 422
    page = answer.text
    assert "整箱浸湿" in page
    assert 'value="6919000045"' in page
    assert page.count('aria-invalid="true"') >= 2
    assert "瓶盖.jpg" in page
    assert anew().scalar(select(func.count()).select_from(StoredFileRow)) == 0
    kept = re.findall(r'name="photos\.kept" value="([^"]+)"', page)
    again = browser.post("/issues", capture(**{"photos.kept": kept}))
    assert again.status_code == 303
    assert anew().scalar(select(func.count()).select_from(Attachment)) == 1


def test_a_photo_swept_while_the_form_lay_open_is_asked_for_again(login: Any, tmp_path: Path) -> None:
    browser = login("customer_service")
    page = browser.post("/issues", {"description": "整箱浸湿", "photos": [photo()]}).text
    kept = re.findall(r'name="photos\.kept" value="([^"]+)"', page)
    for path in (tmp_path / "files").glob("*/*"):
        path.unlink()
    answer = browser.post("/issues", capture(**{"photos.kept": kept}))
    assert answer.status_code == 422
    assert "请重新添加后再提交" in answer.text
    assert "photos.kept" not in answer.text
    assert browser.post("/issues", capture()).status_code == 303


def test_a_forged_note_brings_no_photo(login: Any) -> None:
    browser = login("customer_service")
    assert browser.post("/issues", capture(**{"photos.kept": ["forged"]})).status_code == 303
    assert anew().scalar(select(func.count()).select_from(Attachment)) == 0


def test_a_file_that_is_no_photo_is_named_at_its_field(login: Any) -> None:
    answer = login("customer_service").post("/issues", capture(photos=[(io.BytesIO(b"<html>x"), "x.jpg")]))
    assert answer.status_code == 422
    assert 'id="photos-error"' in answer.text


def test_a_double_tap_makes_one_issue(login: Any) -> None:
    browser = login("customer_service")
    form = capture(submit_id="f" * 32)
    first, second = browser.post("/issues", form), browser.post("/issues", form)
    assert anew().scalar(select(func.count()).select_from(Issue)) == 1
    assert first.location == second.location


def test_columns_the_form_does_not_ask_are_not_written(login: Any) -> None:
    login("customer_service").post("/issues", capture(status="closed", number="QI-0", owner_id="1", rule_id="1"))
    issue = anew().scalars(select(Issue)).one()
    assert (issue.status, issue.rule_id) == ("open", None)
    assert issue.number.startswith("QI-")
    assert issue.number != "QI-0"


def test_a_foreign_issue_is_a_404_everywhere(login: Any) -> None:
    store = anew().scalar(select(User.department_id).where(User.id == user_id("inspector")))
    foreign = opened(by="inspector", department_id=store)
    browser = login("customer_service")
    assert browser.get(f"/issues/{foreign.number}").status_code == 404
    assert browser.post(f"/issues/{foreign.number}/comments", {"text": "hi"}).status_code == 404
    assert browser.post(f"/issues/{foreign.number}/attachments", {"files": [photo()]}).status_code == 404
    assert browser.get(f"/issues/{foreign.number}/files/1").status_code == 404
    assert foreign.number not in browser.get("/issues?status=all").text


def test_two_editors_and_one_is_told_what_changed(login: Any) -> None:
    issue = opened()
    first, second = login("inspector"), login("quality_lead")
    form = {"type": term("t_leak"), "severity": term("s_severe"), "version": "1"}
    assert first.post(f"/issues/{issue.number}", form | {"title": "瓶盖裂"}).status_code == 303
    answer = second.post(f"/issues/{issue.number}", form | {"title": "泵头裂"})
    assert answer.status_code == 409
    assert "李工" in answer.text
    assert 'value="泵头裂"' in answer.text
    assert anew().get_one(Issue, issue.id).title == "瓶盖裂"
    assert second.post(f"/issues/{issue.number}", form | {"title": "泵头裂", "version": "2"}).status_code == 303


def test_editing_starts_from_what_is_there(login: Any) -> None:
    issue = opened(description="整箱浸湿", bad_qty=3, checked_qty=20, lot_id=anew().scalars(select(Lot.id)).one())
    page = login("quality_lead").get(f"/issues/{issue.number}/edit").text
    assert "整箱浸湿" in page
    assert 'value="B2409-17"' in page
    assert 'value="20"' in page


def test_a_comment_stands_on_the_page_as_text(login: Any) -> None:
    issue, browser = opened(), login("customer_service")
    answer = browser.post(f"/issues/{issue.number}/comments", {"text": "<b>换线点检表</b>"})
    assert answer.status_code == 303
    assert "&lt;b&gt;换线点检表" in browser.get(f"/issues/{issue.number}").text
    piece = browser.post(f"/issues/{issue.number}/comments", {"text": "好"}, headers={"HX-Request": "true"})
    assert piece.text.lstrip().startswith('<section class="card" id="comments">')
    assert browser.post(f"/issues/{issue.number}/comments", {"text": "  "}).status_code == 422


def test_files_are_shown_only_when_they_are_photos(login: Any) -> None:
    issue, browser = opened(), login("quality_lead")
    files = [photo(), (io.BytesIO(b"<script>alert(1)</script>"), "记录.html")]
    assert browser.post(f"/issues/{issue.number}/attachments", {"files": files}).status_code == 303
    image, page = anew().scalars(select(Attachment).order_by(Attachment.id)).all()
    shown = browser.get(f"/issues/{issue.number}/files/{image.id}")
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    taken = browser.get(f"/issues/{issue.number}/files/{page.id}")
    assert taken.mimetype == "application/octet-stream"
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in taken.headers["Content-Security-Policy"]
    assert taken.headers["X-Content-Type-Options"] == "nosniff"
    shown.close()
    taken.close()
    removal = f"/issues/{issue.number}/attachments/{page.id}/removal"
    assert browser.post(removal).status_code == 303
    assert "移除了文件 记录.html" in browser.get(f"/issues/{issue.number}").text
    other = opened()
    assert browser.get(f"/issues/{other.number}/files/{image.id}").status_code == 404


def test_an_issue_is_handed_over(login: Any) -> None:
    issue, browser = opened(), login("quality_lead")
    url = f"/issues/{issue.number}/owner"
    assert browser.post(url, {"owner_id": str(user_id("inspector")), "note": "请抽测扭矩"}).status_code == 303
    page = browser.get(f"/issues/{issue.number}").text
    assert "把待办转交给 李工" in page
    assert "请抽测扭矩" in page
    assert login("owner").post(url, {"owner_id": "1"}).status_code == 403


def test_a_stage_is_decided_on_the_page(login: Any) -> None:
    issue, browser = opened(), login("quality_lead")
    url = f"/issues/{issue.number}/decisions"
    assert 'id="decision"' in browser.get(f"/issues/{issue.number}").text
    assert browser.post(url, {"verdict": "submit", "version": "1"}).status_code == 303
    late = browser.post(url, {"verdict": "return", "version": "1", "note": "资料不全"})
    assert late.status_code == 409
    assert "资料不全" in late.text
    refused = browser.post(url, {"verdict": "terminate", "version": "2"})
    assert refused.status_code == 422
    assert 'id="decision-error"' in refused.text
    assert browser.post(url, {"verdict": "terminate", "version": "2", "note": "重复登记"}).status_code == 303
    assert anew().get_one(Issue, issue.id).status == "terminated"
    assert 'id="decision"' not in login("owner").get(f"/issues/{issue.number}").text
    assert browser.post(url, {"verdict": "explode"}).status_code == 422


def test_filters_become_a_saved_view(login: Any) -> None:
    browser = login("quality_lead")
    answer = browser.post("/issues/views", {"name": "超时的", "status": "open", "overdue": "1"})
    assert answer.status_code == 303
    view = anew().scalars(select(SavedView)).one()
    assert (view.query, view.user_id) == ("status=open&overdue=1", user_id("quality_lead"))
    assert "超时的" in browser.get("/issues").text
    assert "超时的" not in login("owner").get("/issues").text
    assert login("owner").post(f"/issues/views/{view.id}/removal").status_code == 404
    assert browser.post(f"/issues/views/{view.id}/removal").status_code == 303


def test_the_list_finds_and_pages_without_javascript(login: Any) -> None:
    for n in range(55):
        opened(title=f"内件破损 {n}")
    browser = login("quality_lead")
    page = browser.get("/issues?q=破损").text
    assert page.count('<tr id="issue-') == 50
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    rest = browser.get(following.group(1).replace("&amp;", "&")).text
    assert rest.count('<tr id="issue-') == 5


def test_an_empty_search_says_what_to_do(login: Any) -> None:
    assert "没有找到「泵头」" in login("quality_lead").get("/issues?q=泵头").text


def test_the_queries_of_the_list_do_not_grow_with_its_rows(login: Any) -> None:
    browser = login("quality_lead")
    opened()
    browser.get("/issues")
    with queries_counted() as few:
        browser.get("/issues")
    for _n in range(30):
        opened()
    with queries_counted() as many:
        browser.get("/issues")
    assert len(many) == len(few)
    assert sum(" issue" in statement or "term" in statement for statement in many) <= 8


def test_the_queries_of_the_page_do_not_grow_with_its_story(login: Any, counted: Callable[[Issue], int]) -> None:
    issue, browser = opened(), login("quality_lead")
    browser.post(f"/issues/{issue.number}/comments", {"text": "一"})
    before = counted(issue)
    for n in range(12):
        browser.post(f"/issues/{issue.number}/comments", {"text": str(n)})
    assert counted(issue) <= before


@pytest.fixture
def counted(login: Any) -> Callable[[Issue], int]:
    """Count the queries of an issue's page."""
    browser = login("owner")

    def count(issue: Issue) -> int:
        browser.get(f"/issues/{issue.number}")
        with queries_counted() as seen:
            browser.get(f"/issues/{issue.number}")
        return len(seen)

    return count
