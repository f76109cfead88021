"""李工 inspects lots of the serum: what is judged, what follows, and what can no longer be changed."""

from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from qtrace.catalog.models import Standard, StandardVersion, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import db, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.models import EventRow
from qtrace.flows.models import FlowDefinition, FlowInstance
from qtrace.flows.starting import NewStart, set_start
from qtrace.flows.templates import template_of
from qtrace.flows.versions import add_version
from qtrace.inspections.checks import Said
from qtrace.inspections.models import Inspection
from qtrace.inspections.series import as_series, decide_series, replay, steps_of
from qtrace.inspections.service import Findings, dispose, save_findings
from qtrace.issues.models import Issue
from tests.conftest import NOW, user_id
from tests.factories.inspections import finish, lots, make_plan, next_lot, series_of, start
from tests.factories.issues import Goods, anew, fresh, make_goods


@pytest.fixture
def goods(app: Flask) -> Goods:
    """The serum with its lot."""
    return make_goods()


def issue_of(inspection: Inspection) -> Issue:
    """Return the issue an inspection opened."""
    return fresh().get_one(Issue, inspection.issue_id)


def code(term_id: int | None) -> str:
    """Return the code of a term."""
    return db.session.get_one(Term, term_id).code


def names() -> list[str]:
    """Return what happened so far, the oldest first."""
    return list(fresh().scalars(select(EventRow.name).order_by(EventRow.seq)))


def test_an_inspection_begins_by_the_plan_and_the_state(goods: Goods) -> None:
    make_plan(aql_critical="0")
    inspection = start(goods)
    assert inspection.number == "IN-2611-0001" and inspection.sample == 50
    assert [(one.key, one.code, one.n, one.ac, one.re, one.state) for one in inspection.classes] == [
        ("critical", "H", 50, 0, 1, "normal"), ("major", "H", 50, 3, 4, "normal"), ("minor", "H", 50, 5, 6, "normal"),
    ]  # fmt: skip
    assert names()[-1] == "inspection_started" and inspection.tables == "GB/T 2828.1-2012"


def test_without_a_plan_the_usual_ones_hold(goods: Goods) -> None:
    inspection = start(goods)
    assert [(one.key, one.aql) for one in inspection.classes] == [("critical", "0"), ("major", "2.5"), ("minor", "4.0")]
    assert (inspection.plan_id, inspection.consequence) == (None, "warn")


def test_the_closest_plan_wins(goods: Goods) -> None:
    make_plan(name="全部")
    make_plan(name="恒美", supplier_id=goods.supplier)
    mine = make_plan(name="精华液", sku_id=goods.sku, level="III")
    make_plan(name="出货", kind="outgoing", sku_id=goods.sku)
    assert start(goods).plan_id == mine
    assert start(goods).level == "III"


def test_a_lot_within_the_acceptance_numbers_is_accepted_and_taken_in(goods: Goods) -> None:
    make_plan()
    done = finish(start(goods), {"major": 3, "minor": 5})
    assert (done.verdict, done.disposition, done.issue_id) == ("accepted", "accept", None)


def test_a_refused_lot_opens_an_issue_that_names_the_goods(goods: Goods) -> None:
    make_plan()
    done = finish(start(goods), {"major": 4, "minor": 1})
    issue = issue_of(done)
    assert (done.verdict, done.disposition) == ("refused", "")
    assert (issue.lot_id, issue.sku_id, issue.supplier_id, issue.shop_id) == (
        goods.lot,
        goods.sku,
        goods.supplier,
        goods.shop,
    )
    assert (code(issue.severity_id), code(issue.detection_point_id)) == ("major", "arrival")
    assert (issue.bad_qty, issue.checked_qty, issue.safety) == (5, 50, False)
    assert "来料检验不合格" in issue.title and done.number in issue.description and "达到 4,不接收" in issue.description


def test_a_plan_that_stops_suggests_to_keep_the_lot_apart(goods: Goods) -> None:
    make_plan(consequence="stop")
    done = finish(start(goods), {"major": 4})
    assert done.hold_suggested_at == NOW
    held = fresh().scalars(select(EventRow).where(EventRow.name == "lot_hold_suggested")).one()
    assert (held.subject_kind, held.subject_id, held.body["number"]) == ("lot", goods.lot, done.number)


def test_a_plan_that_warns_opens_an_issue_and_holds_nothing(goods: Goods) -> None:
    make_plan(consequence="warn")
    done = finish(start(goods), {"minor": 6})
    assert done.hold_suggested_at is None and "lot_hold_suggested" not in names()
    assert "预警" in issue_of(done).title and code(issue_of(done).severity_id) == "minor"


def test_a_critical_defect_is_a_matter_of_safety(goods: Goods) -> None:
    make_plan(aql_critical="0")
    issue = issue_of(finish(start(goods), {"critical": 1}))
    assert issue.safety and code(issue.severity_id) == "critical"


def test_values_beyond_the_limits_fail_the_lot_whatever_was_counted(goods: Goods) -> None:
    make_plan(items=["外观", "净含量 | 29.5 | 30.5 | g"])
    inspection = start(goods)
    done = finish(inspection, {"major": 0}, said={0: Said("pass"), 1: Said(measured="30.1 29.4 30.0")})
    assert done.verdict == "refused"
    assert done.checklist[1]["result"] == "fail" and done.checklist[1]["measured"] == "30.1 29.4 30.0"
    assert "净含量" in issue_of(done).description


def test_the_limits_of_the_standard_in_force_are_measured(goods: Goods) -> None:
    with write() as session:
        standard = Standard(name="精华液", sku_id=goods.sku, created_at=NOW)
        session.add(standard)
        session.flush()
        limits = [{"name": "粘度", "low": "10", "high": "12", "unit": "Pa·s"}]
        session.add(
            StandardVersion(
                standard_id=standard.id,
                version=1,
                effective_on=date(2026, 1, 1),
                limits=limits,
                photos=[],
                created_at=NOW,
            )
        )
    inspection = start(goods)
    assert [row["name"] for row in inspection.checklist] == ["粘度"]
    assert inspection.standard_version_id is not None and inspection.measured_n == 50


def test_a_verdict_waits_for_every_item(goods: Goods) -> None:
    make_plan(items=["外观", "气味"])
    with pytest.raises(Refused, match="气味"):
        finish(start(goods), said={0: Said("pass")})


def test_an_item_that_needs_a_photo_gets_one(goods: Goods) -> None:
    make_plan(items=["封样对照 | | | | 必须拍照"])
    with pytest.raises(Refused, match="照片"):
        finish(start(goods), said={0: Said("pass")})


def test_a_value_beyond_its_limits_cannot_be_called_good(goods: Goods) -> None:
    make_plan(items=["净含量 | 29.5 | 30.5 | g"])
    with pytest.raises(Refused, match=r"29\.4"):
        finish(start(goods), said={0: Said("pass", "29.4")})


def test_what_was_judged_is_never_changed(goods: Goods) -> None:
    make_plan()
    done = finish(start(goods), {"major": 4})
    with pytest.raises(Conflict, match="已经下了结论"), write():
        save_findings(done.id, Findings(found={"major": 0}), seen=done.version, by=user_id("inspector"), now=NOW)
    assert anew(Inspection, done.id).classes[0].found == 4


def test_two_who_save_at_once_do_not_overwrite_each_other(goods: Goods) -> None:
    make_plan()
    inspection = start(goods)
    with write():
        save_findings(inspection.id, Findings(found={"major": 2}), seen=1, by=user_id("inspector"), now=NOW)
    with pytest.raises(Conflict, match="刚刚有人保存"), write():
        save_findings(inspection.id, Findings(found={"major": 1}), seen=1, by=user_id("quality_lead"), now=NOW)


def test_a_count_beyond_the_sample_is_a_slip(goods: Goods) -> None:
    make_plan()
    with pytest.raises(Refused, match="0 到 50"):
        finish(start(goods), {"major": 51})


def test_what_happens_with_refused_goods_is_decided_once(goods: Goods) -> None:
    make_plan()
    done = finish(start(goods), {"major": 4})
    with pytest.raises(Refused, match="理由"), write():
        dispose(done.id, "concession", " ", by=user_id("quality_lead"), now=NOW)
    with write():
        dispose(done.id, "return", "", by=user_id("quality_lead"), now=NOW)
    with pytest.raises(Conflict, match="已经决定"), write():
        dispose(done.id, "rework", "", by=user_id("purchasing"), now=NOW)
    assert anew(Inspection, done.id).disposition == "return"


def test_accepted_goods_need_no_decision(goods: Goods) -> None:
    make_plan()
    done = finish(start(goods))
    with pytest.raises(Refused), write():
        dispose(done.id, "return", "", by=user_id("quality_lead"), now=NOW)


def test_two_refused_lots_tighten_the_next_one(goods: Goods) -> None:
    make_plan()
    lots(goods, "-+-")
    assert series_of().state == "tightened"
    inspection = start(goods)
    major = inspection.classes[0]
    assert (major.state, major.ac, major.re) == ("tightened", 2, 3)
    assert inspection.classes[1].state == "normal"  # every class has its own series


def test_a_lot_shown_again_counts_for_nothing_and_is_looked_at_once(goods: Goods) -> None:
    make_plan()
    first = lots(goods, "-")[0]
    again = start(goods, previous=first.id, quantity=480)
    with pytest.raises(Refused, match=again.number):
        start(goods, previous=first.id)
    assert finish(again, {"major": 50}).verdict == "refused"
    assert series_of().state == "normal" and series_of().recent == [False]
    assert [step.counted for step in steps_of(series_of().id)] == [True, False]


def test_only_a_refused_lot_is_shown_again(goods: Goods) -> None:
    make_plan()
    with pytest.raises(Refused, match="不合格"):
        start(goods, previous=lots(goods, "+")[0].id)


def test_a_lot_begun_before_the_series_moved_does_not_count_for_the_new_state(goods: Goods) -> None:
    make_plan()
    late = start(goods)
    lots(goods, "--")
    finish(late, {"major": 50})
    assert (series_of().state, series_of().refused) == ("tightened", 0)


def test_a_stopped_series_refuses_the_next_lot_until_somebody_resumes_it(goods: Goods) -> None:
    make_plan()
    lots(goods, "-------")
    series = series_of()
    assert series.state == "discontinued"
    with pytest.raises(Refused, match="暂停检验"):
        start(goods)
    with pytest.raises(Refused, match="依据"), write():
        decide_series(series.id, "resume", reason=" ", seen=series.version, by=user_id("quality_lead"), now=NOW)
    with write():
        decide_series(series.id, "resume", reason="8D 已验证", seen=series.version, by=user_id("quality_lead"), now=NOW)
    assert start(goods).classes[0].state == "tightened"


def test_reduced_inspection_waits_for_somebodys_word(goods: Goods) -> None:
    make_plan()
    lots(goods, "+" * 10)
    series = series_of()
    assert (series.score, series.state) == (30, "normal")
    with pytest.raises(Refused, match="稳定"), write():
        decide_series(series.id, "agree", reason="过程稳定", seen=series.version, by=user_id("quality_lead"), now=NOW)
    with write():
        decide_series(
            series.id, "agree", reason="过程稳定", seen=series.version, by=user_id("quality_lead"), now=NOW, steady=True
        )
    assert start(goods).classes[0].state == "reduced"
    with pytest.raises(Conflict), write():
        decide_series(
            series.id, "unsettle", reason="换了模具", seen=series.version, by=user_id("quality_lead"), now=NOW
        )


def test_the_steps_replayed_lead_to_where_the_series_stands(goods: Goods) -> None:
    make_plan()
    lots(goods, "+-+-+++++" + "++++++++++")
    series = series_of()
    with write():
        decide_series(
            series.id, "agree", reason="过程稳定", seen=series.version, by=user_id("quality_lead"), now=NOW, steady=True
        )
    lots(goods, "++-")
    for key in ("major", "minor"):
        assert replay(steps_of(series_of(key).id)) == as_series(series_of(key))
    assert [step.after for step in steps_of(series_of().id) if step.before != step.after] == [
        "tightened", "normal", "reduced", "normal",
    ]  # fmt: skip


def test_returned_goods_move_no_series(goods: Goods) -> None:
    make_plan(kind="return")
    done = finish(start(goods, kind="return"), {"major": 50})
    assert code(issue_of(done).detection_point_id) == "delivery"
    with pytest.raises(Exception, match="No row"):
        series_of(kind="return")


def test_incoming_and_outgoing_lots_are_two_series(goods: Goods) -> None:
    make_plan()
    make_plan(kind="outgoing")
    lots(goods, "--")
    assert start(goods, kind="outgoing").classes[0].state == "normal"


def test_a_supplier_under_a_new_number_keeps_its_series(goods: Goods) -> None:
    make_plan()
    lots(goods, "--")
    with write() as session:
        twin = Supplier(shop_id=goods.shop, external_id="HM-OLD", name="恒美(旧)", merged_into_id=goods.supplier)
        session.add(twin)
        session.flush()
        old = twin.id
    assert start(replace(goods, supplier=old)).classes[0].state == "tightened"


def test_a_lot_of_five_is_looked_at_piece_by_piece(goods: Goods) -> None:
    make_plan()
    inspection = start(goods, quantity=5)
    assert inspection.sample == 5 and inspection.classes[0].every


def test_an_issue_goes_through_the_shipped_flow_that_begins_for_what_was_noticed_on_arrival(goods: Goods) -> None:
    template = template_of("refused_lot")
    assert template is not None
    with write():
        add_version(template.definition, by=user_id("admin"), now=NOW)
    arrival = db.session.scalars(select(Term.id).where(Term.kind == "detection_point", Term.code == "arrival")).one()
    condition = {"field": "detection_point", "op": "eq", "value": arrival}
    with write():
        set_start(NewStart("refused_lot", "issue", condition), by=user_id("admin"), now=NOW)
    make_plan()
    make_plan(kind="return")
    incoming = finish(start(goods, lot_id=next_lot(goods, "B2410-02")), {"major": 9})
    returned = finish(start(goods, kind="return"), {"major": 9})
    flows = dict(fresh().execute(select(FlowInstance.subject_id, FlowDefinition.key).join(
        FlowDefinition, FlowDefinition.id == FlowInstance.definition_id)).all())  # fmt: skip
    assert (flows[incoming.issue_id], flows[returned.issue_id]) == ("refused_lot", "quality_issue")
