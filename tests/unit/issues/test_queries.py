"""Reads of issues: who sees what, filters, paging, facets, search."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound
from qtrace.issues import queries
from qtrace.issues.filters import Filters, read_filters
from qtrace.issues.models import Issue
from qtrace.issues.queries import Reader
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, add_helper, open_task
from qtrace.web.filters import site_zone
from tests.conftest import NOW, user_id
from tests.unit.issues.conftest import Goods


def reader(role: str = "quality_lead") -> Reader:
    """Return the person of a role, asking now."""
    return Reader(db.session.get_one(User, user_id(role)), NOW, site_zone())


def titles(filters: Filters, role: str = "quality_lead") -> list[str]:
    """Return the titles on the first page."""
    return [row.title for row in queries.issue_page(filters, reader(role)).rows]


def department_of(role: str) -> int:
    """Return the department of the person of a role."""
    found = db.session.scalar(select(User.department_id).where(User.id == user_id(role)))
    assert found is not None
    return found


def test_a_foreign_department_sees_nothing(open_issue: Callable[..., Issue]) -> None:
    issue = open_issue(by="inspector", department_id=department_of("inspector"))
    assert titles(Filters(), "customer_service") == []
    with pytest.raises(NotFound):
        queries.visible_issue(issue.number, reader("customer_service").user)
    assert titles(Filters(), "inspector") == [issue.title]
    assert titles(Filters(), "owner") == [issue.title]


@pytest.mark.parametrize("how", ["owner", "helper", "pool"])
def test_whoever_has_an_open_todo_sees_the_issue_until_it_is_done(open_issue: Callable[..., Issue], how: str) -> None:
    issue = open_issue(by="inspector", department_id=department_of("inspector"))
    buyer, lead = user_id("purchasing"), user_id("quality_lead")
    with write() as session:
        task_id = open_task(
            NewTask(
                kind="action", subject=("issue", issue.id), title="索赔", url="/", owner_id=buyer if how == "owner" else None,
                role_key="purchasing" if how == "pool" else "",
            ),
            by=lead,
            now=NOW,
        )  # fmt: skip
        if how == "helper":
            add_helper(task_id, user_id=buyer, by=session.get_one(User, lead), now=NOW)
    assert queries.visible_issue(issue.number, reader("purchasing").user).id == issue.id
    assert titles(Filters(), "purchasing") == [issue.title]
    with write() as session:
        session.get_one(Task, task_id).state = "done"
    assert titles(Filters(), "purchasing") == []


def test_filters_narrow_the_list(open_issue: Callable[..., Issue], goods: Goods) -> None:
    leak, severe = goods.terms["t_leak"], goods.terms["s_severe"]
    open_issue(
        title="漏", type_id=leak, severity_id=severe, lot_id=goods.lot, sku_id=goods.sku, courier_line="中通·杭州→四川"
    )
    open_issue(title="裂", supplier_id=goods.supplier, order_id=goods.order, now=NOW - timedelta(days=40))
    wanted = {
        "type=t_leak": ["漏"], f"type={leak}": ["漏"], "severity=s_severe": ["漏"], "type=none": ["裂"],
        f"lot={goods.lot}": ["漏"], f"sku={goods.sku}": ["漏"], f"supplier={goods.supplier}": ["裂"],
        f"order={goods.order}": ["裂"], "courier_line=中通·杭州→四川": ["漏"], "owner=me": ["漏", "裂"], "owner=none": [],
        "status=closed": [], "stage=record": ["漏", "裂"], "opened_from=2026-11-01": ["漏"], "opened_to=2026-11-01": ["裂"],
        "overdue=1": ["裂"], "q=裂": ["裂"], "party=p_supplier": [], "owner=moon": [], "shop=99": [], "rule=99": [],
    }  # fmt: skip
    found = {text: titles(read_filters(dict([text.split("=", 1)]))) for text in wanted}
    assert found == wanted


def test_ids_name_the_very_records(open_issue: Callable[..., Issue]) -> None:
    first, _second = open_issue(title="甲"), open_issue(title="乙")
    assert titles(Filters(ids=str(first.id))) == ["甲"]


def test_two_characters_are_found_in_chinese(open_issue: Callable[..., Issue], goods: Goods) -> None:
    open_issue(title="包装箱压扁,内件破损", lot_id=goods.lot)
    open_issue(title="少发赠品")
    assert titles(Filters(q="破损")) == ["包装箱压扁,内件破损"]
    assert titles(Filters(q="B2409-17")) == ["包装箱压扁,内件破损"]
    assert titles(Filters(q="QI-2611-0002")) == ["少发赠品"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_paging_walks_every_row_once(open_issue: Callable[..., Issue], size: int) -> None:
    for n in range(7):  # three share one moment, so that the id must break the tie
        open_issue(title=str(n), now=NOW - timedelta(hours=n // 3))
    seen: list[int] = []
    after = ""
    while True:
        page = queries.issue_page(Filters(), reader(), after=after, size=size)
        seen += [row.id for row in page.rows]
        after = page.next
        if not after:
            break
    expected = db.session.scalars(select(Issue.id).order_by(Issue.opened_at.desc(), Issue.id.desc())).all()
    assert seen == list(expected)


@pytest.mark.parametrize(
    "cursor", ["", "x", "2026-11-20_1", "2026-11-20T00:00:00+00:00_x", "_1", "2026-11-20T00:00:00_1"]
)
def test_a_malformed_cursor_starts_at_the_top(app: Flask, cursor: str) -> None:
    assert queries.read_cursor(cursor) is None


def test_facets_count_the_matches(open_issue: Callable[..., Issue], goods: Goods) -> None:
    for _n in range(3):
        open_issue(type_id=goods.terms["t_leak"], severity_id=goods.terms["s_severe"])
    open_issue(type_id=goods.terms["t_broken"])
    found = queries.facets(Filters(), reader())
    assert found.type == {goods.terms["t_leak"]: 3, goods.terms["t_broken"]: 1}
    assert found.severity == {goods.terms["s_severe"]: 3, 0: 1}
    assert found.stage == {"record": 4}
    assert not found.partial


def test_counts_of_many_views_are_one_query(open_issue: Callable[..., Issue]) -> None:
    open_issue()
    assert queries.counts([Filters(status="open"), Filters(status="closed"), Filters(owner="me")], reader()) == [
        1,
        0,
        1,
    ]


def test_open_issues_of_the_same_lot_are_hinted(open_issue: Callable[..., Issue], goods: Goods) -> None:
    same = open_issue(lot_id=goods.lot)
    open_issue()
    found = queries.open_issues_like(reader().user, lot_id=goods.lot, sku_id=None)
    assert [issue.id for issue in found] == [same.id]
    assert queries.open_issues_like(reader().user, lot_id=None, sku_id=None) == []
