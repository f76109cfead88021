"""The list and the page of an issue."""

from collections.abc import Callable
from typing import Any

from qtrace.issues.models import Issue
from tests.unit.issues.conftest import Goods


def test_the_list_shows_open_issues(login: Any, open_issue: Callable[..., Issue], goods: Goods) -> None:
    issue = open_issue(
        sku_id=goods.sku, lot_id=goods.lot, type_id=goods.terms["t_leak"], severity_id=goods.terms["s_severe"]
    )
    answer = login("quality_lead").get("/issues")
    assert answer.status_code == 200
    assert f'id="issue-{issue.id}"' in answer.text
    assert "B2409-17" in answer.text


def test_the_page_shows_the_issue(login: Any, open_issue: Callable[..., Issue], goods: Goods) -> None:
    issue = open_issue(sku_id=goods.sku, lot_id=goods.lot, order_id=goods.order, description="整箱浸湿")
    answer = login("quality_lead").get(f"/issues/{issue.number}")
    assert answer.status_code == 200
    assert "整箱浸湿" in answer.text


def test_the_form_opens(login: Any, goods: Goods) -> None:
    answer = login("customer_service").get("/issues/new")
    assert answer.status_code == 200
    assert 'capture="environment"' in answer.text
