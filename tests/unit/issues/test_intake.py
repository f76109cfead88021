"""Problems kept elsewhere come in once each, with a number, a flow and what they name."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.core import events
from qtrace.core.db import db, read, write
from qtrace.exchange.importing import Finished, import_file
from qtrace.flows.models import FlowInstance
from qtrace.issues.intake import rehearse, store
from qtrace.issues.models import ImportedIssue, Issue
from qtrace.orders.batch import Rehearsal
from qtrace.orders.models import Order
from qtrace.orders.upsert import Counts
from qtrace.sdk.records import Order as OrderRecord
from qtrace.sdk.records import QualityIssue, Record
from qtrace.tasks.models import Task
from tests.conftest import NOW
from tests.unit.issues.conftest import Goods

SOURCE = ("import_run", 1)
CSV = """问题编号,问题标题,问题描述,问题类型,严重程度,订单号,SKU,批号,供应商,不良数量,检查数量,发现时间
Q-1,瓶口漏液,三瓶渗漏,测试漏液,测试重大,6919000045,ROSE-30,B2409-17,HM,3,50,2026-11-01 09:00
Q-2,外箱压坏,,t_broken,,8000000001,NEW-SKU,,,,,2026/11/2
Q-3,没有这个类型,,飞走了,,,,,,,,
Q-1,瓶口漏液,同一个编号,测试漏液,,,,,,,,
"""


def put(goods: Goods, *records: Record) -> Counts:
    """Store the records in the shop."""
    with write():
        return store(goods.shop, records, now=NOW, by=None, source=SOURCE)


def issues() -> list[Issue]:
    """Return the issues in the order they came."""
    return list(db.session.scalars(select(Issue).order_by(Issue.id)))


def run(app: Flask, path: Path, *, dry_run: bool = False) -> Finished:
    """Import the file."""
    folder: Path = app.config["QTRACE_DATA_DIR"]
    return import_file(path, kind="issues", shop_key="douyin", dry_run=dry_run, data_dir=folder, clock=lambda: NOW)


def test_an_issue_gets_its_number_its_flow_its_task_and_its_event(goods: Goods) -> None:
    assert put(goods, QualityIssue(external_id="Q-1", title="瓶口漏液")).outcomes == ("stored",)
    (issue,) = issues()
    assert issue.number.startswith("QI-2611-")
    assert (issue.status, issue.stage) == ("open", "record")
    assert db.session.scalar(select(func.count()).select_from(FlowInstance)) == 1
    assert db.session.scalar(select(func.count()).select_from(Task).where(Task.subject_id == issue.id)) == 1
    assert [event.name for event in events.timeline("issue", issue.id)][-1:] == ["issue_opened"]


def test_what_the_problem_names_is_linked(goods: Goods) -> None:
    put(
        goods,
        QualityIssue(
            external_id="Q-1", title="瓶口漏液", type="t_leak", severity="测试重大", order="6919000045", sku="ROSE-30",
            lot="B2409-17", supplier="HM", bad_qty=3, checked_qty=50,
        ),
    )  # fmt: skip
    (issue,) = issues()
    assert (issue.order_id, issue.sku_id, issue.lot_id, issue.supplier_id) == (
        goods.order, goods.sku, goods.lot, goods.supplier,
    )  # fmt: skip
    assert (issue.type_id, issue.severity_id) == (goods.terms["t_leak"], goods.terms["s_severe"])
    assert "原编号:Q-1" in issue.description


def test_what_has_not_come_in_yet_is_noted_by_its_number(goods: Goods) -> None:
    put(goods, QualityIssue(external_id="Q-1", title="压坏", order="8000000001"))
    (issue,) = issues()
    assert db.session.get_one(Order, issue.order_id).external_id == "8000000001"


def test_a_second_time_changes_nothing_even_if_the_source_says_something_else(goods: Goods) -> None:
    put(goods, QualityIssue(external_id="Q-1", title="瓶口漏液"))
    again = put(
        goods, QualityIssue(external_id="Q-1", title="改过的标题"), QualityIssue(external_id="Q-2", title="新的")
    )
    assert again.outcomes == ("unchanged", "stored")
    assert [issue.title for issue in issues()] == ["瓶口漏液", "新的"]


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        (QualityIssue(external_id="Q", title=""), "「标题」是空的"),
        (QualityIssue(external_id="", title="x"), "「问题编号」是空的"),
        (QualityIssue(external_id="Q" * 121, title="x"), "最多 120 个"),
        (QualityIssue(external_id="Q", title="x\x00"), "无法保存的字符"),
        (QualityIssue(external_id="Q", title="x", severity="很大"), "没有「很大」这个分类"),
        (QualityIssue(external_id="Q", title="x", bad_qty=-1), "不能是 -1"),
        (QualityIssue(external_id="Q", title="x", bad_qty=3, checked_qty=2), "不能大于检查数量"),
        (QualityIssue(external_id="Q", title="x", found_at=NOW.replace(year=2027)), "晚于现在"),
    ],
)
def test_a_problem_that_cannot_become_an_issue_is_refused_with_its_reason(
    goods: Goods, problem: QualityIssue, why: str
) -> None:
    counts = put(goods, problem)
    assert counts.outcomes == ("refused",)
    assert why in counts.refused[0][1]
    assert issues() == []


def test_facts_and_problems_of_one_batch_keep_their_places(goods: Goods) -> None:
    counts = put(
        goods,
        QualityIssue(external_id="Q-1", title="", order="9"),
        OrderRecord(external_id="9"),
        QualityIssue(external_id="Q-2", title="漏液", order="9"),
    )
    assert counts.outcomes == ("refused", "stored", "stored")
    assert [at for at, _why in counts.refused] == [0]


def test_a_rehearsal_says_the_same_and_writes_nothing(goods: Goods) -> None:
    memory = Rehearsal()
    problems = [QualityIssue(external_id="Q-1", title="漏液"), QualityIssue(external_id="Q-2", title="")]
    with read():
        first = rehearse((goods.shop, "CNY"), problems, now=NOW, memory=memory)
        second = rehearse((goods.shop, "CNY"), problems, now=NOW, memory=memory)
    assert (first.outcomes, second.outcomes) == (("stored", "refused"), ("unchanged", "refused"))
    assert issues() == []


def test_a_file_of_issues_is_imported_twice_and_stored_once(app: Flask, goods: Goods, tmp_path: Path) -> None:
    path = tmp_path / "质量问题.csv"
    path.write_text(CSV, encoding="utf-8")
    rehearsed = run(app, path, dry_run=True).as_json()
    first = run(app, path).as_json()
    second = run(app, path).as_json()
    counts = ("read", "stored", "updated", "unchanged", "refused")
    assert [first[name] for name in counts] == [4, 2, 0, 1, 1]
    assert [rehearsed[name] for name in counts] == [4, 2, 0, 1, 1]
    assert [second[name] for name in counts] == [4, 0, 0, 3, 1]
    assert "「问题类型」的「飞走了」没有对应的选项" in Path(first["refused_file"]).read_text("utf-8-sig")
    assert first["ignored"] == []
    assert [issue.title for issue in issues()] == ["瓶口漏液", "外箱压坏"]
    assert issues()[0].opened_at.isoformat() == "2026-11-01T01:00:00+00:00"
    assert db.session.scalar(select(func.count()).select_from(ImportedIssue)) == 2


def test_the_headers_alone_say_that_a_file_holds_issues(app: Flask, goods: Goods, tmp_path: Path) -> None:
    path = tmp_path / "导出.csv"
    path.write_text("异常单号,问题标题,责任方,不良数量\nX1,漏液,供应商,2\n", encoding="utf-8")
    done = import_file(path, shop_key="douyin", data_dir=app.config["QTRACE_DATA_DIR"], clock=lambda: NOW)
    assert (done.kind, done.progress.stored) == ("issues", 1)
