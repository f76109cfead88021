"""The story of a form: made, designed, published, changed, brought back, all without JavaScript."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from qtrace.accounts.models import Department, User
from qtrace.core import clock
from qtrace.core.db import WRITE, db, write
from qtrace.core.jobs import enqueue, run_one
from qtrace.forms.columns import columns_of
from qtrace.forms.definition import FormDefinition, dump_field
from qtrace.forms.designing import UNDO_STEPS, draft_of
from qtrace.forms.drafting import find_field
from qtrace.forms.held import JOB, KEEP
from qtrace.forms.models import Form, FormDraft, FormVersion
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import Control, FieldDefinition, Option, Shape, Storage, register_control
from qtrace.forms.scopes import forms_offered
from qtrace.forms.use import ENOUGH, Use, uses_of
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.models import Rule
from tests.conftest import NOW, Browser, log_in, user_id

NEW = {"name_zh": "到货质检", "name_en": "Incoming inspection", "kind": "inspection", "prefix": "QC", "start": ""}


@pytest.fixture
def lead(sqlite_app: Flask) -> Browser:
    """The quality lead, who designs forms."""
    return log_in(sqlite_app, "quality_lead")


def anew() -> Any:
    """Return a session that sees what the last request wrote."""
    db.session.remove()
    return db.session


def form(key: str) -> Form:
    """Return a form as it is now."""
    return anew().scalars(select(Form).where(Form.key == key)).one()


def change(browser: Browser, address: str, data: dict[str, str] | None = None, key: str = "qc") -> Any:
    """Send a change of the draft as the page would."""
    version = form(key).draft_version
    return browser.post(f"/forms/{key}/draft{address}", {"draft_version": str(version)} | (data or {}))


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements that run inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        seen.append(statement)

    engines = [db.engines[key] for key in (None, WRITE)]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield seen
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def labels(key: str = "qc") -> list[list[str]]:
    """Return the labels of the draft, section by section."""
    anew()
    return [[field.label_zh for field in section.fields] for section in draft_of(key).definition.sections]


def test_a_form_is_made_designed_published_and_filled_in(lead: Browser, sqlite_app: Flask) -> None:
    made = lead.post("/forms", NEW)
    assert made.status_code == 303
    assert made.location.endswith("/forms/qc/design")
    assert change(lead, "/fields", {"control": "text", "section": "section_1"}).status_code == 303
    assert change(lead, "/fields", {"control": "integer", "section": "section_1"}).status_code == 303
    named = change(lead, "/fields/field_1", {"label_zh": "检验项目", "id": "item", "required": "1", "in_list": "1"})
    assert named.location.endswith("?field=item")
    page = lead.get("/forms/qc/design?field=item")
    assert page.status_code == 200
    assert "检验项目" in page.text
    assert change(lead, "/fields/item/position", {"to": "down"}).status_code == 303
    assert labels() == [["整数", "检验项目"]]
    assert lead.get("/forms/qc/preview").status_code == 200
    assert lead.get("/forms/qc/impact").status_code == 200
    version = form("qc").draft_version
    done = lead.post("/forms/qc/versions", {"draft_version": str(version), "note": "第一版"})
    assert done.status_code == 303, done.text
    assert form("qc").current_version == 1
    filled = lead.post("/records/qc", {"item": "外观", "field_2": "3"})
    assert filled.status_code == 303, filled.text
    assert re.search(r'id="form-qc".*?<a href="/records/qc">1</a>', lead.get("/forms").text, re.S)
    assert [row.note for row in db.session.scalars(select(FormVersion)) if row.form_id == form("qc").id] == ["第一版"]


@pytest.mark.parametrize("template", ["inspection", "warehouse", "survey", "supplier_request"])
def test_every_shipped_template_can_be_published_as_it_is(lead: Browser, template: str) -> None:
    assert lead.post("/forms", NEW | {"start": f"template:{template}"}).status_code == 303
    published = lead.post("/forms/qc/versions", {"draft_version": "1"})
    assert published.status_code == 303, published.text
    assert lead.get("/records/qc/new").status_code == 200


def publish(browser: Browser, key: str = "qc") -> Any:
    """Publish the draft."""
    return browser.post(f"/forms/{key}/versions", {"draft_version": str(form(key).draft_version)})


@pytest.fixture
def inspection(lead: Browser) -> Browser:
    """The lead, with a published inspection of three fields."""
    lead.post("/forms", NEW)
    for control in ("text", "integer", "select"):
        change(lead, "/fields", {"control": control, "section": "section_1"})
    assert publish(lead).status_code == 303
    return lead


def refusal(answer: Any) -> str:
    """Return the text of a refused change."""
    assert answer.status_code == 422
    return str(re.sub(r"<[^>]+>", "", answer.text))


def test_what_was_published_is_never_deleted_only_retired(inspection: Browser) -> None:
    inspection.post("/records/qc", {"field_1": "外观", "field_2": "3"})
    assert "只能停用" in refusal(change(inspection, "/fields/field_1/removal"))
    assert "不能再改" in refusal(change(inspection, "/fields/field_1", {"label_zh": "项目", "id": "item"}))
    other = change(inspection, "/fields/field_2", {"label_zh": "数", "control": "text"})
    assert "保存方式相同" in refusal(other)
    change(inspection, "/fields/field_1/retirement", {"retired": "1"})
    change(inspection, "/fields", {"control": "date", "section": "section_1"})
    assert change(inspection, "/fields/field_4/removal").status_code == 303
    assert publish(inspection).status_code == 303
    assert 'id="field-field_1"' not in inspection.get("/records/qc/new").text
    number = re.search(r"/records/qc/(QC-[\d-]+)", inspection.get("/records/qc").text)
    assert number
    assert "外观" in inspection.get(f"/records/qc/{number[1]}").text


def test_one_click_brings_an_earlier_version_back_and_keeps_later_fields_retired(inspection: Browser) -> None:
    change(inspection, "/fields", {"control": "date", "section": "section_1"})
    change(inspection, "/fields/field_1", {"label_zh": "检验项目", "required": "1"})
    publish(inspection)
    restored = inspection.post("/forms/qc/versions/1/restoration", {"draft_version": str(form("qc").draft_version)})
    assert restored.status_code == 303
    row = anew().scalars(select(FormVersion).order_by(FormVersion.id.desc())).first()
    assert (row.version, row.restored_from) == (3, 1)
    fields = {field.id: field for field in draft_of("qc").definition.all_fields}
    assert fields["field_4"].retired and not fields["field_1"].required
    words = inspection.get("/forms/qc/versions?from=2&to=3").text
    assert "不再必填" in words and "停用:不再询问,数据保留" in words and "恢复自第 1 版" in words


def test_the_second_editor_hears_who_did_what_and_loses_nothing(inspection: Browser, sqlite_app: Flask) -> None:
    stale = str(form("qc").draft_version)
    change(inspection, "/fields/field_2", {"label_zh": "抽检数"})
    other = log_in(sqlite_app, "admin")
    late = other.post("/forms/qc/draft/fields", {"draft_version": stale, "control": "date", "section": "section_1"})
    assert late.status_code == 409
    assert "王姐" in late.text and "修改字段「整数」" in late.text
    assert labels() == [["单行文字", "抽检数", "下拉单选"]]
    published = other.post("/forms/qc/versions", {"draft_version": stale})
    assert published.status_code == 409 and form("qc").current_version == 1


def test_the_last_changes_are_taken_back_one_by_one_up_to_the_bound(inspection: Browser) -> None:
    before = labels()
    for n in range(UNDO_STEPS + 2):
        change(inspection, "/fields/field_1", {"label_zh": f"名称 {n}"})
    assert len(form("qc").draft_undo or []) == UNDO_STEPS
    for _step in range(UNDO_STEPS):
        assert change(inspection, "/undo").status_code == 303
    assert labels()[0][0] == "名称 1"
    assert f"最多保留最近 {UNDO_STEPS} 步" in refusal(change(inspection, "/undo"))
    assert change(inspection, "/removal").status_code == 303
    assert labels() == before and form("qc").draft is None


def test_what_was_taken_back_is_done_again_until_something_new_is_done(inspection: Browser) -> None:
    states = [draft_of("qc").definition]
    for address, data in (
        ("/sections", {"page_break": "1"}), ("/fields/field_1/position", {"section": "section_2", "index": "0"}),
        ("/fields/field_2/copies", {}), ("/sections/section_2/position", {"to": "up"}), ("/fields/field_2", {"label_zh": "抽检数"}),
    ):  # fmt: skip
        change(inspection, address, data)
        states.append(now_drawn())
    for state in reversed(states[:-1]):
        change(inspection, "/undo")
        assert now_drawn() == state
    assert (
        "撤销" in inspection.get("/forms/qc/design").text and "重做:添加分区" in inspection.get("/forms/qc/design").text
    )
    for state in states[1:]:
        assert change(inspection, "/redo").status_code == 303
        assert now_drawn() == state
    assert "没有可以重做的改动" in refusal(change(inspection, "/redo"))
    change(inspection, "/undo")
    change(inspection, "/undo")
    assert now_drawn() == states[-3]
    change(inspection, "/fields/field_3", {"label_zh": "判定"})
    assert "没有可以重做的改动" in refusal(change(inspection, "/redo"))


def now_drawn() -> FormDefinition:
    """Return the draft as it is now."""
    anew()
    return draft_of("qc").definition


def test_a_publication_leaves_nothing_to_do_again(inspection: Browser) -> None:
    change(inspection, "/fields/field_1", {"label_zh": "检验项目"})
    change(inspection, "/fields/field_2", {"label_zh": "抽检数"})
    change(inspection, "/undo")
    publish(inspection)
    assert "没有可以重做的改动" in refusal(change(inspection, "/redo"))


def test_moving_changes_sections_and_is_undone_exactly(inspection: Browser) -> None:
    before = draft_of("qc").definition
    change(inspection, "/sections", {"page_break": "1"})
    change(inspection, "/fields/field_1/position", {"section": "section_2", "index": "0"})
    change(inspection, "/fields/field_3/copies")
    change(inspection, "/sections/section_2", {"title_zh": "结论", "columns": "2", "tab_zh": "结果", "folded": "1"})
    change(inspection, "/sections/section_2/position", {"to": "up"})
    assert labels() == [["单行文字"], ["整数", "下拉单选", "下拉单选"]]
    change(inspection, "/sections/section_2/removal")
    assert labels() == [["整数", "下拉单选", "下拉单选", "单行文字"]]
    for _step in range(6):
        change(inspection, "/undo")
    anew()
    assert draft_of("qc").definition == before


def test_the_impact_names_rules_and_the_records_that_would_break(inspection: Browser) -> None:
    for text, choice in (("好", "a"), ("", "b"), ("", "b")):
        assert inspection.post("/records/qc", {"field_1": text, "field_3": choice}).status_code == 303
    with write() as session:
        rule = Rule(form_id=form("qc").id, name="外观必查", kind="required", field="field_1", changed_at=NOW)
        session.add(rule)
    change(inspection, "/fields/field_1", {"label_zh": "检验项目", "required": "1"})
    choices = {"option.choices.0.value": "a", "option.choices.0.zh": "合格"}
    change(inspection, "/fields/field_3", {"label_zh": "结论"} | choices)
    page = inspection.get("/forms/qc/impact").text
    assert "外观必查" in page and "改为必填" in page
    assert re.search(r'id="broken-field_1".*?2 条记录', page, re.S)
    assert re.search(r'id="broken-field_3".*?2 条记录.*?请从列表中选择', page, re.S)
    assert re.search(r'href="/records/qc/QC-[\d-]+"', page)


def form_version_of(key: str) -> int:
    """Return the id of the form's current version."""
    anew()
    return current_definition(key)[0]


def test_open_pages_kept_drafts_and_records_go_on_with_the_version_they_began_with(inspection: Browser) -> None:
    """The same with eight people at once is test_publishing_interrupts_nobody."""
    version, form_id = str(form_version_of("qc")), form("qc").id
    for n in range(4):
        with write():
            create_record(NewRecord(form_id, int(version), {"field_1": f"第 {n} 件"}), by=None, now=NOW)
    numbers = anew().scalars(select(Record.number).order_by(Record.id)).all()
    kept = {"form_version": version, "field_1": "写到一半", "last_field": "field_1"}
    assert inspection.post("/forms/qc/held", kept).status_code == 204
    statuses = []
    for n, number in enumerate(numbers):
        if n:
            change(inspection, "/fields", {"control": "text", "section": "section_1"})
            last = f"field_{3 + n}"
            change(inspection, f"/fields/{last}", {"label_zh": f"新增 {n}", "required": "1"})
            assert publish(inspection).status_code == 303
        data = {"version": "1", "form_version": version, "field_1": f"改过 {n}", "field_2": "5"}
        statuses.append(inspection.post(f"/records/qc/{number}", data).status_code)
    new = {"form_version": version, "field_1": "公布前打开的"}
    assert inspection.post("/records/qc", new).status_code == 303
    assert form("qc").current_version == 4
    assert statuses == [303] * 4
    restored = inspection.get("/records/qc/new?held=1")
    assert restored.status_code == 200
    assert {row.form_version_id for row in anew().scalars(select(Record))} == {int(version)}


def test_a_pilot_is_offered_only_where_it_was_bound_and_says_what_that_covers(
    inspection: Browser, sqlite_app: Flask
) -> None:
    service, store = department("客服部"), department("仓储部")
    done = inspection.post("/forms/qc/scopes", {"kind": "department", "value": str(store)})
    assert done.status_code == 303
    page = inspection.get("/forms/qc/scopes").text
    assert "仓储部" in page and "近 90 天的订单" in page and "近 90 天的客诉" in page
    assert offered("inspector") == ["到货质检", "质量问题登记"]
    assert offered("customer_service") == ["质量问题登记"]
    elsewhere = log_in(sqlite_app, "customer_service")
    assert 'href="/records/qc/new"' not in elsewhere.get("/records").text  # what was filled in is still found there
    inspection.post("/forms/qc/scopes", {"kind": "department", "value": str(service)})
    assert 'href="/records/qc/new"' in elsewhere.get("/records").text
    assert offered("customer_service") == ["到货质检", "质量问题登记"]
    assert inspection.post("/forms/qc/scopes", {"kind": "department", "value": "999"}).status_code == 422
    assert inspection.post("/forms/qc/scopes/removal").status_code == 303
    assert offered("purchasing") == ["到货质检", "质量问题登记"]
    inspection.post("/forms/qc/state", {"state": "retired"})
    assert offered("purchasing") == ["质量问题登记"]


def department(name: str) -> int:
    """Return the id of a department."""
    return anew().scalars(select(Department.id).where(Department.name == name)).one()


def offered(role: str) -> list[str]:
    """Return the names of the forms a person is offered."""
    user = anew().get(User, user_id(role))
    return [form.name_zh for form in forms_offered(user)]


def test_anybody_says_what_is_awkward_and_the_designer_answers(inspection: Browser, sqlite_app: Flask) -> None:
    staff = log_in(sqlite_app, "customer_service")
    assert "/forms/qc/remarks/new?back=/records/qc/new" in staff.get("/records/qc/new").text
    assert staff.get("/forms/qc/remarks/new?field=field_2").status_code == 200
    said = {"remark_field": "field_2", "text": "不知道填箱还是件", "back": "/records/qc/new"}
    assert staff.post("/forms/qc/remarks", said).location == "/records/qc/new"
    assert staff.post("/forms/qc/remarks", said | {"text": " "}).status_code == 422
    assert staff.get("/forms/qc/remarks").status_code == 403
    assert "1 条反馈" in inspection.get("/forms/qc/design").text
    found = inspection.get("/forms/qc/remarks").text
    remark = re.search(r'id="remark-(\d+)"', found)
    assert remark and "不知道填箱还是件" in found
    assert inspection.post(f"/forms/qc/remarks/{remark[1]}/answer", {"answer": "已写明按件"}).status_code == 303
    assert "已写明按件" in inspection.get("/forms/qc/remarks?settled=1").text
    assert "条反馈" not in inspection.get("/forms/qc/design").text


def test_the_designer_sees_which_fields_nobody_fills_and_where_people_give_up(inspection: Browser) -> None:
    change(inspection, "/fields/field_1", {"label_zh": "班次", "default": "早班"})
    publish(inspection)
    for _n in range(ENOUGH):
        assert inspection.post("/records/qc", {"field_1": "早班", "field_3": "a"}).status_code == 303
    uses = uses_of(form("qc").id)
    assert uses["field_1"] == Use(asked=ENOUGH, filled=ENOUGH, defaulted=ENOUGH)
    assert uses["field_1"].untouched and uses["field_2"].never and not uses["field_3"].untouched
    page = inspection.get("/forms/qc/design").text
    assert "没人填" in page and "总用默认值" in page
    assert inspection.get("/forms/qc/use").status_code == 200


def test_a_draft_nobody_came_back_for_counts_as_given_up_and_goes(inspection: Browser) -> None:
    kept = {"field_1": "写到一半", "field_2": "3", "last_field": "field_2", "csrf_token": inspection.token()}
    assert inspection.post("/forms/qc/held", kept).status_code == 204
    assert "继续上次填写?" in inspection.get("/records/qc/new").text
    assert "写到一半" in inspection.get("/records/qc/new?held=1").text
    row = anew().scalars(select(FormDraft)).one()
    assert row.sent == {"field_1": ["写到一半"], "field_2": ["3"]}
    with write() as session:
        session.execute(update(FormDraft).values(saved_at=NOW - KEEP - timedelta(hours=1)))
        enqueue(JOB, {}, now=NOW)
    assert run_one(clock=lambda: NOW)
    assert anew().scalars(select(FormDraft)).all() == []
    assert uses_of(form("qc").id)["field_2"].given_up == 1


def test_what_is_sent_or_thrown_away_is_no_draft_any_more(inspection: Browser) -> None:
    inspection.post("/forms/qc/held", {"field_1": "一"})
    inspection.post("/records/qc", {"field_1": "一"})
    assert anew().scalars(select(FormDraft)).all() == []
    inspection.post("/forms/qc/held", {"field_1": "二"})
    thrown = inspection.post("/forms/qc/held/removal", {"back": "/records/qc/new"})
    assert thrown.location == "/records/qc/new"
    assert anew().scalars(select(FormDraft)).all() == []


def test_a_field_that_becomes_filterable_is_indexed_and_the_columns_run_out_clearly(inspection: Browser) -> None:
    inspection.post("/records/qc", {"field_1": "外观"})
    change(inspection, "/fields/field_1", {"label_zh": "项目", "filterable": "1"})
    assert publish(inspection).status_code == 303
    assert run_one(clock=clock.now)
    assert anew().scalars(select(Record.t1)).one() == "外观"
    for n in range(12):
        change(inspection, "/fields", {"control": "text", "section": "section_1"})
        change(inspection, f"/fields/field_{4 + n}", {"label_zh": f"文字 {n}", "filterable": "1"})
    assert "最多 12 个" in inspection.get("/forms/qc/impact").text
    assert publish(inspection).status_code == 422
    assert form("qc").current_version == 2


class Lines(Control):
    """A control whose option lists fields, like a sub-table."""

    key, name_zh, name_en = "lines_for_tests", "明细", "Lines"
    storage = Storage.ROWS
    template = "forms/controls/text.html"
    options = (Option("columns", list, shape=Shape.FIELDS, label_zh="列", label_en="Columns"),)

    def starter(self) -> dict[str, object]:
        """Begin with one column."""
        column = FieldDefinition("item", "text", "项目", "Item")
        return {"columns": [dump_field(column)]}


def test_a_column_of_a_sub_table_has_properties_of_its_own(inspection: Browser, sqlite_app: Flask) -> None:
    register_control(sqlite_app, Lines())
    change(inspection, "/fields", {"control": Lines.key, "section": "section_1"})
    anew()
    before = [column.id for column in columns_of(find_field(draft_of("qc").definition, "field_4")[0])]
    added = change(inspection, "/fields/field_4/columns", {"control": "integer"})
    assert added.status_code == 303
    path = re.search(r"field=(field_4\.\w+)", added.location)
    assert path
    assert inspection.get(f"/forms/qc/design?field={path[1]}").status_code == 200
    change(inspection, f"/fields/{path[1]}", {"label_zh": "不良数", "required": "1"})
    change(inspection, f"/fields/{path[1]}/position", {"to": "up"})
    anew()
    columns = columns_of(find_field(draft_of("qc").definition, "field_4")[0])
    assert len(columns) == len(before) + 1
    assert (columns[-2].label_zh, columns[-2].required) == ("不良数", True)
    change(inspection, f"/fields/{path[1]}/removal")
    anew()
    assert [column.id for column in columns_of(find_field(draft_of("qc").definition, "field_4")[0])] == before


def test_designing_is_for_those_who_configure(inspection: Browser, sqlite_app: Flask) -> None:
    staff = log_in(sqlite_app, "inspector")
    for address in ("design", "preview", "impact", "versions", "scopes", "use"):
        assert staff.get(f"/forms/qc/{address}").status_code == 403
    assert staff.post("/forms/qc/draft/undo", {"draft_version": "4"}).status_code == 403


def test_a_large_form_is_drawn_with_few_statements(inspection: Browser) -> None:
    for _n in range(40):
        change(inspection, "/fields", {"control": "text", "section": "section_1"})
    with counted_statements() as statements:
        assert inspection.get("/forms/qc/design").status_code == 200
    assert len(statements) <= 12


def test_a_page_that_is_no_form_is_remarked_on_too_and_all_remarks_are_answered_in_one_place(
    inspection: Browser, sqlite_app: Flask
) -> None:
    staff = log_in(sqlite_app, "customer_service")
    assert "/remarks/new?page=complaint&amp;back=/complaints/new" in staff.get("/complaints/new").text
    assert "登记客诉" in staff.get("/remarks/new?page=complaint").text
    assert staff.get("/remarks/new?page=weather").status_code == 404
    said = {"page": "complaint", "text": "不知道运单号贴哪里", "back": "/complaints/new"}
    assert staff.post("/remarks", said | {"text": ""}).status_code == 422
    assert staff.post("/remarks", said).location == "/complaints/new"
    assert staff.get("/remarks").status_code == 403
    staff.post("/forms/qc/remarks", {"remark_field": "field_2", "text": "箱还是件", "back": "/"})
    page = inspection.get("/remarks").text
    assert "不知道运单号贴哪里" in page and "箱还是件" in page and "到货质检" in page
    assert re.search(r'href="/remarks">.*?反馈 <small>2</small>', inspection.get("/forms").text)
    for remark in re.findall(r'id="remark-(\d+)"', page):
        assert inspection.post(f"/remarks/{remark}/answer", {"answer": "已写明"}).status_code == 303
    assert "没有反馈" in inspection.get("/remarks").text
    assert inspection.get("/remarks?settled=1").text.count("已写明") == 2


@pytest.mark.parametrize("url", ["/issues/new", "/records/qc/new"])
def test_every_form_of_the_designer_has_the_link_for_remarks(inspection: Browser, url: str) -> None:
    assert "这里不好用?" in inspection.get(url).text
