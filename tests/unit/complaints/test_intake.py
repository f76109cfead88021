"""Source records become complaints once each, ever, with the links that are sure."""

from datetime import timedelta
from decimal import Decimal

from flask import Flask
from sqlalchemy import select

from qtrace.classification.models import ClassificationRule, Term
from qtrace.complaints.models import Complaint, IntakeRule
from qtrace.core import search
from qtrace.core.db import db, write
from qtrace.core.models import EventRow, Setting
from qtrace.sdk import records as r
from tests.conftest import NOW
from tests.unit.complaints.conftest import DAY, Put, complaints, line, only, order, review


def test_a_review_of_two_stars_becomes_a_complaint_with_its_links(put: Put) -> None:
    put(order("A1"), line("A1"), r.Shipment(external_id="ZT1", order="A1", courier="中通", line="中通·杭州→四川"))
    put(review("A1", "瓶盖松,漏液了", stars=2))
    found = only()
    assert (found.number, found.source_kind, found.stars, found.status) == ("CP-2611-0001", "review", 2, "open")
    assert found.sku and found.lot and found.supplier and found.order
    assert (found.sku.external_id, found.lot.external_id, found.supplier.external_id) == ("ROSE-30", "B2409-17", "HM")
    assert (found.order.external_id, found.courier_line) == ("A1", "中通·杭州→四川")


def test_the_words_suggest_type_severity_and_party_with_the_reason(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1", "瓶盖松,漏液了"))
    found = only()
    assert found.type and found.severity and found.responsible_party
    codes = (found.type.code, found.severity.code, found.responsible_party.code)
    assert codes == ("leaking", "major", "supplier")
    assert found.suggested_by == "漏液"
    assert not found.safety


def test_a_safety_word_raises_safety(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1", "用了两次脸上过敏红肿"))
    assert only().safety


def test_three_stars_are_no_complaint(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1", stars=3))
    assert complaints() == []


def test_the_same_review_again_or_changed_makes_no_second_complaint(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1"))
    put(review("A1"))
    put(review("A1", "改了一下:还是漏液"))
    assert len(complaints()) == 1


def test_a_review_that_falls_to_one_star_becomes_one(put: Put) -> None:
    put(order("A1"), review("A1", stars=5))
    put(review("A1", stars=1))
    assert len(complaints()) == 1


def test_an_order_delivered_later_than_promised_is_one_by_the_minute(put: Put) -> None:
    promised = NOW - 3 * DAY
    put(
        order("LATE", promised_at=promised, delivered_at=promised + timedelta(minutes=1)),
        order("ONTIME", promised_at=promised, delivered_at=promised),
        order("UNDELIVERED", promised_at=promised),
    )
    found = only()
    assert found.order and found.type
    assert (found.order.external_id, found.type.code, found.source_kind) == ("LATE", "late_delivery", "order")


def test_an_after_sale_with_a_quality_reason_names_its_line_and_its_money(put: Put) -> None:
    put(order("A1"), line("A1"), line("A1", "2", sku="TOTE", supplier="PJ", lot=""))
    put(
        r.AfterSale(external_id="S1", order="A1", line="1", reason="漏液", refund=Decimal("12.5"), opened_at=NOW - DAY),
        r.AfterSale(external_id="S2", order="A1", reason="不想要了", opened_at=NOW - DAY),
        r.AfterSale(external_id="S3", order="A1", reason="质量一般,不喜欢", opened_at=NOW - DAY),
    )
    found = only()
    assert found.sku and found.lot
    assert (found.raw_reason, found.amount_minor, found.currency) == ("漏液", 1250, "CNY")
    assert (found.sku.external_id, found.lot.external_id) == ("ROSE-30", "B2409-17")


def test_where_the_lines_of_the_order_differ_nothing_is_guessed(put: Put) -> None:
    put(order("A1"), line("A1"), line("A1", "2", sku="TOTE", lot="J-1"), review("A1"))
    found = only()
    assert (found.sku_id, found.lot_id, found.line_id) == (None, None, None)
    assert found.supplier and found.supplier.external_id == "HM"


def test_a_review_that_names_its_article_is_linked_to_its_line(put: Put) -> None:
    put(order("A1"), line("A1"), line("A1", "2", sku="TOTE", lot="J-1"), review("A1", sku="TOTE"))
    found = only()
    assert found.sku and found.lot
    assert (found.sku.external_id, found.lot.external_id) == ("TOTE", "J-1")


def test_an_uncertain_lot_is_not_taken_over(put: Put) -> None:
    put(order("A1"), line("A1", lot_method="fifo", lot_confidence=40), review("A1"))
    assert only().lot_id is None


def test_a_review_of_an_unknown_order_is_kept_and_linked_when_the_lines_come(put: Put) -> None:
    put(review("A1"))
    assert only().sku_id is None
    put(order("A1"), line("A1"))
    found = only()
    assert found.sku and found.sku.external_id == "ROSE-30"
    assert found.lot and found.supplier


def test_completing_links_overwrites_nothing(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1"))
    with write() as session:
        complaint = session.get_one(Complaint, only().id)
        kept, complaint.supplier_id = complaint.sku_id, None
    put(line("A1", quantity=2))
    assert only().sku_id == kept
    assert only().supplier_id is not None


def test_a_rule_may_look_at_the_article_and_its_category(put: Put) -> None:
    with write() as session:
        clause = {
            "all": [
                {"field": "category", "op": "eq", "value": "护肤"},
                {"field": "sku", "op": "contains", "value": "玫瑰"},
            ]
        }
        rule = ClassificationRule(
            key="own", name_zh="玫瑰", name_en="Rose", condition=clause, sets={"type": "malfunction"}, position=-1
        )
        session.add(rule)
    put(
        r.Product(external_id="ROSE-30", name="玫瑰精华液", category="护肤"),
        order("A1"),
        line("A1"),
        review("A1", "不行"),
    )
    found = only()
    assert found.type and (found.type.code, found.suggested_by) == ("malfunction", "玫瑰")


def test_a_batch_is_numbered_without_gaps_and_told_once(put: Put) -> None:
    put(*(order(f"A{n}") for n in range(5)), *(line(f"A{n}") for n in range(5)))
    put(*(review(f"A{n}", days=n) for n in range(5)))
    assert sorted(row.number for row in complaints()) == [f"CP-2611-000{n}" for n in range(1, 6)]
    told = db.session.scalars(select(EventRow).where(EventRow.name == "complaints_opened")).all()
    assert [row.body["count"] for row in told] == [5]
    assert sorted(told[0].body["ids"]) == sorted(row.id for row in complaints())


def test_what_the_buyer_said_is_found_by_two_characters(put: Put) -> None:
    put(order("A1"), line("A1"), review("A1", "到手就是破损的"))
    found = db.session.scalars(select(Complaint.number).where(search.matching("complaint", "破损", Complaint.id)))  # type: ignore[arg-type]
    assert list(found) == ["CP-2611-0001"]


def test_the_department_of_the_setting_gets_the_complaints(put: Put, app: Flask) -> None:
    with write() as session:
        session.add(Setting(key="intake_department", value={"id": 2}))
    put(order("A1"), line("A1"), review("A1"))
    assert only().department_id == 2


def test_a_rule_that_is_off_catches_nothing(put: Put) -> None:
    with write() as session:
        for rule in session.scalars(select(IntakeRule)):
            rule.enabled = False
    put(order("A1"), review("A1"))
    assert complaints() == []


def test_every_shipped_type_of_the_rules_exists(app: Flask) -> None:
    codes = set(db.session.scalars(select(Term.code).where(Term.kind == "type")))
    assert {rule.sets["type"] for rule in db.session.scalars(select(IntakeRule))} <= codes
