"""王姐 loads last year's ledger: she points at the headers, says what the columns and words mean, and takes it back."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select

from qtrace.catalog.models import Shop
from qtrace.core import clock, jobs
from qtrace.core.db import db, read, write
from qtrace.exchange.choosing import pattern_of
from qtrace.exchange.kinds import KINDS
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.targets import described
from qtrace.issues.models import Issue
from qtrace.records.models import Record
from tests.conftest import SHARED, Browser, log_in
from tests.factories.forms import make_form

LEDGERS = SHARED / "data" / "ledgers"
Login = Callable[[str], Browser]

COLUMNS = {
    "ledger_test.xls": {"报告编号": "external_id", "故障描述": "title", "发现时间": "found_at", "故障初判": "responsible_party"},
    "ledger_test.xlsx": {"报告编号": "external_id", "故障描述": "title", "发现时间": "found_at"},
    "ledger_test2.xls": {"信息编号": "external_id", "故障描述": "title", "发现时间": "found_at", "责任初判": "responsible_party"},
    "ledger_test3.xls": {"模块编号": "external_id", "故障状态": "title", "故障日期": "found_at", "故障部件、厂家及版本 / IGBT": "supplier"},
    "ledger_test4.xls": {"信息编号": "external_id", "故障描述": "title", "发现时间": "found_at", "严重度": "severity"},
}  # fmt: skip


@pytest.fixture
def login(sqlite_app: Flask) -> Login:
    """Log in as the person of a role; the database does not matter here."""
    return lambda role: log_in(sqlite_app, role)


def ledger(*, second: bool = False) -> bytes:
    """Return a ledger as people keep them: a title, merged headers of two rows, odd cells, a line of totals."""
    book = Workbook()
    page = book.active
    assert page is not None
    page.append([None, "2025 年质量台账"])
    page.append([None, "报告编号", "故障描述", "责任初判", "数量", None, "发现时间"])
    page.append([None, None, None, None, "检查", "不良", None])
    page.append([None, "Z1", "瓶口漏液", "供应商甲", 20, 3, 45658])
    page.append([None, "Z2", "外箱压坏", "承运商乙", "/", "#", 45659])
    page.append([None, "Z3", "标签贴错", "供应商甲", 5, 1, "昨天"])
    page.append([None, "合计", None, None, 25, 4, None])
    for cells in ("B1:G1", "E2:F2", "B2:B3", "C2:C3", "D2:D3", "G2:G3"):
        page.merge_cells(cells)
    if second:
        book.create_sheet("说明").append(["无关", "内容"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(browser: Browser, content: bytes, name: str = "台账2025-01.xlsx", **fields: str) -> str:
    """Upload a file and return the address of the answer."""
    data = {"file": (io.BytesIO(content), name), "kind": "", "mapping": "", "shop": "", **fields}
    answer = browser.post("/imports", data, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def work(app: Flask) -> None:
    """Do the background jobs that wait."""
    with app.app_context():
        while jobs.run_one(clock=clock.now):
            pass


def newest() -> ImportRun:
    """Return the newest run."""
    with read():
        return db.session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(1)).one()


def count(model: type) -> int:
    """Return how many rows a table has."""
    with read():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


MAPPED = {
    "kind": "issues", "col-0": "external_id", "col-1": "title", "col-2": "responsible_party", "col-3": "checked_qty",
    "col-4": "bad_qty", "col-5": "found_at", "empty": "/ #", "save_as": "质量台账", "pattern": "台账*.xlsx",
}  # fmt: skip


def test_a_ledger_goes_in_through_the_wizard_and_comes_out_again(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ledger(), dry_run="1", kind="issues")
    page = browser.get(mapping).text
    assert "表头有两行" in page
    assert "数量 / 不良" in page
    assert "45658 → 2025-01-01" in page
    assert 'value="responsible_party" selected' in page
    show = browser.post(mapping, MAPPED).headers["Location"]
    work(sqlite_app)
    done = browser.get(show).text
    assert (newest().stored, newest().refused, count(Issue)) == (0, 3, 0)
    assert "跳过合计行和表尾:第 7 行" in done
    assert ("供应商甲" in done, "承运商乙" in done, 'id="words"' in done) == (True, True, True)
    words = {"word-responsible_party-0": "supplier", "word-responsible_party-1": "-"}
    again = browser.post(f"{show}/words", words).headers["Location"]
    work(sqlite_app)
    dry = browser.get(again).text
    assert (newest().stored, newest().refused, newest().dry_run) == (2, 1, True)
    assert ("会新增" in dry, "瓶口漏液" in dry, "第 6 行" in dry) == (True, True, True)
    real = browser.post(f"{again}/real-run").headers["Location"]
    work(sqlite_app)
    assert (newest().stored, count(Issue)) == (2, 2)
    refused = browser.get(f"{real}/refused")
    mended = mend(refused.data)
    refused.close()
    fixed = upload(browser, mended, "台账2025-01-错误行.xlsx")
    work(sqlite_app)
    assert (newest().stored, newest().refused, newest().mapping, count(Issue)) == (1, 0, "质量台账", 3)
    assert "上一次导入退回的行" in browser.get(fixed).text
    assert "导入的质量问题会终止" in browser.get(real).text
    undone = browser.post(f"{real}/undo")
    assert undone.status_code == 303
    page = browser.get(real).text
    assert "已撤销:终止 2 个质量问题" in page, page[page.index("run-") :]
    with read():
        states = db.session.scalars(select(Issue.status).order_by(Issue.id)).all()
    assert states == ["terminated", "terminated", "open"]


def test_strange_words_get_their_meaning_before_the_rehearsal(sqlite_app: Flask, login: Login) -> None:
    """王姐 had to import a ledger twice only to be asked what 供应商甲 means."""
    browser = login("quality_lead")
    mapping = upload(browser, ledger(), dry_run="1", kind="issues")
    page = browser.get(mapping).text
    assert ('name="words-responsible_party" value="责任初判"' in page, "看了前 3 行" in page) == (True, True)
    assert [word in page[page.index('id="words"') :] for word in ("供应商甲", "承运商乙", "瓶口漏液")] == [
        True,
        True,
        False,
    ]
    meant = {
        "words-responsible_party": "责任初判",
        "word-responsible_party-0": "supplier",
        "word-responsible_party-1": "-",
    }
    again = browser.post(mapping, MAPPED | meant | {"look": "1"}).text
    assert again.count('<option value="supplier" selected>') == 1
    assert "说法都认得" in browser.post(mapping, MAPPED | {"col-2": "text", "look": "1"}).text
    browser.post(mapping, MAPPED | meant)
    work(sqlite_app)
    assert (newest().stored, newest().refused) == (2, 1)


def test_words_said_of_another_column_are_not_taken(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ledger(), dry_run="1", kind="issues")
    stale = {"words-responsible_party": "故障描述", "word-responsible_party-0": "supplier"}
    show = browser.post(mapping, MAPPED | stale).headers["Location"]
    work(sqlite_app)
    assert newest().refused == 3
    assert 'id="words"' in browser.get(show).text


def test_a_column_of_very_many_words_says_how_many_are_not_listed(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    rows = "".join(f"Z{n},漏液,说法{n}\n" for n in range(130))
    mapping = upload(browser, f"报告编号,故障描述,责任初判\n{rows}".encode(), "l.csv", dry_run="1", kind="issues")
    page = browser.get(mapping).text
    assert (page.count('name="word-responsible_party-'), "还有 30 个说法" in page) == (100, True)


def test_with_several_shops_the_wizard_asks_for_the_shop(sqlite_app: Flask, login: Login) -> None:
    """The page said 「有几个店铺,请指明是哪一个」 and had nowhere to say it."""
    with write() as session:
        session.add_all([Shop(key="tmall", name="天猫店"), Shop(key="pdd", name="拼多多店")])
    browser = login("quality_lead")
    mapping = upload(browser, ledger(), dry_run="1", kind="issues")
    assert "拼多多店" in browser.get(mapping).text
    refused = browser.post(mapping, MAPPED)
    assert (refused.status_code, "请选择这些数据是哪个店铺的" in refused.text) == (422, True)
    assert browser.post(mapping, MAPPED | {"shop": "pdd"}).status_code == 303
    with read():
        assert newest().shop_id == db.session.scalars(select(Shop.id).where(Shop.key == "pdd")).one()


def test_the_wizard_says_which_name_is_wrong(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ledger(), dry_run="1", kind="issues")
    refused = browser.post(mapping, MAPPED | {"save_as": "台账/2025"})
    assert (
        refused.status_code,
        "「保存为」的名字里不能有斜杠" in refused.text,
        'value="台账/2025"' in refused.text,
    ) == (422, True, True)


def mend(content: bytes) -> bytes:
    """Write a real day over "昨天" in the file of refused rows."""
    book = load_workbook(io.BytesIO(content))
    page = book.active
    assert page is not None
    for row in page.iter_rows():
        for cell in row:
            if cell.value == "昨天":
                cell.value = "2025-01-03"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_next_months_file_is_read_by_the_saved_mapping(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    browser.post(upload(browser, ledger(), kind="issues"), MAPPED)
    upload(browser, ledger(), "台账2025-02.xlsx")
    assert (newest().mapping, newest().state) == ("质量台账", "waiting")
    with read():
        assert db.session.scalars(select(ImportMapping.pattern)).all() == ["台账*.xlsx"]


def test_another_sheet_and_other_headers_can_be_chosen(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, ledger(second=True), dry_run="1")
    address = mapping.replace("/mapping", "/sheet")
    first = browser.get(address).text
    assert ('value="2" checked' in first, "<option>说明</option>" in first) == (True, True)
    assert "无关" in browser.get(f"{address}?sheet=说明").text
    sent = {"sheet": "Sheet", "header_row": "3", "header_rows": "1"}
    assert browser.post(address, sent).headers["Location"] == mapping
    page = browser.get(mapping).text
    assert ("表头由您指定" in page, "检查" in page, "数量 / 检查" in page) == (True, True, False)
    bare = {"sheet": "说明", "header_row": "1", "header_rows": "0"}
    browser.post(address, bare)
    assert "A列" in browser.get(mapping).text
    assert browser.post(address, {"sheet": "没有", "header_row": "1", "header_rows": "1"}).status_code == 422
    assert browser.post(address, {"sheet": "Sheet", "header_row": "x", "header_rows": "1"}).status_code == 422


def test_a_file_without_headers_is_imported_by_its_letters(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, b"1001,2026-01-01,9.9\n1002,2026-01-02,8\n", "o.csv", kind="orders")
    assert "没有找到表头" in browser.get(mapping).text
    browser.post(mapping, {"kind": "orders", "col-0": "external_id", "col-1": "placed_at", "save_as": "无表头"})
    work(sqlite_app)
    assert (newest().stored, newest().state) == (2, "done")


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_template_of_a_kind_comes_back_without_a_mapping(sqlite_app: Flask, login: Login, kind: str) -> None:
    browser = login("quality_lead")
    answer = browser.get(f"/imports/template?kind={kind}")
    book = load_workbook(io.BytesIO(answer.data))
    page = book.worksheets[0]
    assert (page.freeze_panes, book.worksheets[1].sheet_state) == ("A2", "hidden")
    answer.close()
    values = {"whole": 3, "number": 4, "time": "2026-11-01 10:00", "day": "2026-11-01", "text": "5"}
    words = {
        "lot_method": "manual",
        "currency": "CNY",
        "allocated": 2,
        **dict.fromkeys(("part", "merged_into", "replaced_by"), "6"),
        "kind": {"aftersales": "refund", "lines": "item"}.get(kind, ""),
    }
    page.append([
        one.choices[0].label if one.choices else "" if one.name in TERM_NAMES else words.get(one.name, values[one.type])
        for one in described(kind).fields
    ])  # fmt: skip
    out = io.BytesIO()
    book.save(out)
    show = upload(browser, out.getvalue(), "填好的.xlsx", dry_run="1")
    work(sqlite_app)
    run = newest()
    assert (run.kind, run.state, run.stored, run.refused) == (kind, "done", 1, 0), browser.get(show).text


TERM_NAMES = ("type", "severity", "responsible_party", "detection_point", "disposition")


def test_the_template_of_an_own_form_has_lists_and_notes_and_comes_back(sqlite_app: Flask, login: Login) -> None:
    make_form()
    browser = login("quality_lead")
    answer = browser.get("/imports/template?kind=form:inspection")
    book = load_workbook(io.BytesIO(answer.data))
    answer.close()
    page = book.worksheets[0]
    assert [cell.value for cell in page[1]][:4] == ["检验项目", "结论", "抽检数", "检验日期"]
    assert page["A1"].comment and "必填" in page["A1"].comment.text
    lists = page.data_validations.dataValidation
    assert [str(one.sqref) for one in lists] == ["B2:B5001", "E2:E5001"]
    assert [cell.value for cell in book.worksheets[1]["B"]] == ["合格", "不合格"]
    page.append(["外观", "合格", 20, "2026-11-01", "是", ""])
    out = io.BytesIO()
    book.save(out)
    upload(browser, out.getvalue(), "质检.xlsx")
    work(sqlite_app)
    assert (newest().kind, newest().stored, count(Record)) == ("form:inspection", 1, 1)
    assert newest().definition["mapping"]["key"] == "item"


def test_runs_are_paused_continued_and_cancelled_by_buttons(sqlite_app: Flask, login: Login) -> None:
    browser = login("quality_lead")
    mapping = upload(browser, b"a,b\n1,2\n", "o.csv", kind="orders")
    browser.post(mapping, {"kind": "orders", "col-0": "external_id", "save_as": ""})
    show = mapping.removesuffix("/mapping")
    assert browser.post(f"{show}/pause").status_code == 409
    assert browser.post(f"{show}/continuation").status_code == 409
    assert browser.post(f"{show}/cancellation").status_code == 303
    work(sqlite_app)
    assert "已取消" in browser.get(show).text
    draft = upload(browser, b"a,b\n1,2\n", "o.csv", kind="orders").removesuffix("/mapping")
    assert browser.post(f"{draft}/cancellation").headers["Location"] == "/imports"
    assert newest().state == "cancelled"


def test_what_was_said_in_another_shop_or_role_stays_closed(sqlite_app: Flask, login: Login) -> None:
    browser = login("customer_service")
    for address in ("/imports/template?kind=orders", "/imports/1/sheet", "/imports/1"):
        assert browser.get(address).status_code == 403
    for address in ("/imports/1/undo", "/imports/1/pause", "/imports/1/words"):
        assert browser.post(address).status_code == 403


def test_names_with_other_numbers_have_one_pattern() -> None:
    assert pattern_of("台账2025-01.xlsx") == "台账*.xlsx"
    assert pattern_of("订单.csv") == "订单.csv"


@pytest.mark.real
@pytest.mark.parametrize("name", COLUMNS)
def test_real_ledgers_go_in_with_one_saved_mapping_each(sqlite_app: Flask, login: Login, name: str) -> None:
    path: Path = LEDGERS / name
    if not path.is_file():
        pytest.skip("the ledgers are not on this machine")
    browser = login("quality_lead")
    upload(browser, path.read_bytes(), name, kind="issues")
    with read():
        headers = newest().definition["headers"]
    fields = {f"col-{headers.index(header)}": field for header, field in COLUMNS[name].items()}
    show = f"/imports/{newest().id}"
    browser.post(f"{show}/mapping", {"kind": "issues", "empty": "/ # -", "save_as": name, "pattern": "", **fields})
    work(sqlite_app)
    unknown = newest().definition["unknown"].get("responsible_party", {})
    if unknown:
        words = {f"word-responsible_party-{at}": "supplier" for at, _word in enumerate(unknown)}
        browser.post(f"{show}/words", words)
        work(sqlite_app)
    upload(browser, path.read_bytes(), name)
    work(sqlite_app)
    again = newest()
    assert (again.mapping, again.stored, again.refused) == (name, 0, 0)
    assert again.unchanged == count(Issue) == again.read > 0
    with write():
        pass
