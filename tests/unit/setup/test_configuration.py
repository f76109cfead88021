"""The configuration file: from one site to another and back again, without a database id and without surprises."""

import io
import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.accounts.models import Department
from qtrace.catalog.models import Shop, Sku
from qtrace.catalog.standards import Content, Limit, Scope, add_standard, add_version
from qtrace.classification.merging import merge_term
from qtrace.classification.models import Term
from qtrace.classification.queries import taxonomy
from qtrace.classification.service import add_taxonomy, add_term, place_term, rename_term
from qtrace.core.db import db, dispose_engines, write
from qtrace.core.errors import Conflict, Refused
from qtrace.core.models import EventRow
from qtrace.exchange.models import ImportMapping
from qtrace.forms.definition import parse_definition
from qtrace.forms.models import Form, FormScope, FormVersion
from qtrace.forms.service import publish_form
from qtrace.forms.vocabulary import vocabulary
from qtrace.issues.models import Issue, OpeningRule
from qtrace.records.flow import choose_flow
from qtrace.rules.models import Rule
from qtrace.setup.configuration import (
    apply_configuration,
    differences,
    export_configuration,
    preview_configuration,
    read_text,
    write_text,
)
from qtrace.setup.pack_commands import pack_apply, pack_export, pack_json, pack_list
from tests.conftest import NOW, log_in, make_app

BY = {"by": 1, "now": NOW}
FIELDS = [
    {"id": "zone", "control": "defect_code", "label_zh": "库区", "label_en": "Zone", "options": {"kind": "zone"}},
    {"id": "article", "control": "sku", "label_zh": "商品", "label_en": "Article"},
]
WALK = {
    "id": "of", "control": "link", "label_zh": "哪次", "label_en": "Of", "filterable": True,
    "options": {"form": "a_walked"},
}  # fmt: skip
WALKED = {
    "id": "times", "control": "rollup", "label_zh": "次数", "label_en": "Times",
    "options": {"form": "walk", "how": "count"},
}  # fmt: skip


def term(code: str, kind: str = "type") -> Term:
    """Return a term by its code."""
    return db.session.scalars(select(Term).where(Term.kind == kind, Term.code == code)).one()


def add_goods() -> int:
    """Store the article a standard is about."""
    with write() as session:
        shop = Shop(key="erp", name="总仓")
        session.add(shop)
        session.flush()
        session.add(Sku(shop_id=shop.id, external_id="S-1", name="精华液"))
        session.flush()
        return db.session.scalars(select(Sku.id)).one()


def furnish() -> None:
    """Give a site something of everything a configuration holds."""
    sku = add_goods()
    with write() as session:
        add_taxonomy("zone", "库区", "Zone", **BY)
        east = add_term("zone", "东区", "East", parent_id=None, **BY)
        add_term("zone", "一排", "Row 1", parent_id=east, **BY)
        rename_term(term("odour").id, "气味", "Smell", **BY)
        place_term(term("crushed").id, parent_id=term("expiry").id, place=0, **BY)
        merge_term(term("pilling").id, term("malfunction").id, **BY)
        merge_term(term("malfunction").id, term("broken").id, **BY)
        definition = {"sections": [{"id": "s", "title_zh": "检", "title_en": "Check", "fields": FIELDS}]}
        parsed = parse_definition(definition, vocabulary("visit"))
        publish_form("visit", parsed, name_zh="巡检", name_en="Visit", **BY)
        form = session.scalars(select(Form).where(Form.key == "visit")).one()
        form.kind = "inspection"
        choose_flow(form, "two_checks", "inspector", **BY)
        for key, field in (("walk", WALK), ("a_walked", WALKED)):  # sorted by key, the second comes first
            listed = {"sections": [{"id": "s", "title_zh": "巡", "title_en": "Walk", "fields": [field]}]}
            publish_form(key, parse_definition(listed, vocabulary(key)), name_zh=key, name_en=key, **BY)
        department = session.scalars(select(Department.id).where(Department.name == "质量部")).one()
        session.add_all([
            FormScope(form_id=form.id, kind="department", value=str(department), added_at=NOW),
            FormScope(form_id=form.id, kind="platform", value="tmall", added_at=NOW),
            Rule(
                form_id=form.id, kind="required", field="article", changed_at=NOW,
                condition={"field": "zone", "op": "eq", "value": east},
            ),
            ImportMapping(name="台账", kind="issues", definition={"columns": {"编号": "number"}}, created_at=NOW),
        ])  # fmt: skip
        session.scalars(select(OpeningRule).where(OpeningRule.key == "lot")).one().threshold = 7
        content = Content(effective_on=date(2026, 11, 1), text="无渗漏", limits=[Limit("净含量", "195", "205", "ml")])
        standard = add_standard("精华液", Scope(sku_id=sku), content, **BY)
        add_version(standard, content, **BY)


@pytest.fixture
def file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """The configuration file of a furnished site whose ids are others than the next site's."""
    home = tmp_path_factory.mktemp("site-a")
    shutil.copy(sqlite_template, home / "qtrace.db")
    with make_app(home).app_context():
        with write() as session:
            session.add(Term(id=5000, kind="handling", code="other", name_zh="别的", name_en="Other", position=99))
        furnish()
        text = write_text(export_configuration())
        db.session.remove()
        dispose_engines()
    yield text.encode()


def names() -> list[str]:
    """Return the names of all events, the oldest first."""
    return list(db.session.scalars(select(EventRow.name).order_by(EventRow.seq)))


def test_a_configuration_goes_to_another_site_and_comes_back_equal(app: Flask, file: bytes) -> None:
    add_goods()
    data = read_text(file)
    with write():
        plan = apply_configuration(data, **BY)
    assert plan.of("conflict") == []
    assert write_text(export_configuration()).encode() == file
    assert names().count("configuration_imported") == 1
    rule = db.session.scalars(select(Rule)).one()
    top = db.session.scalars(select(Term.id).where(Term.kind == "zone", Term.parent_id.is_(None))).one()
    assert rule.condition == {"field": "zone", "op": "eq", "value": top}


def test_a_second_import_changes_nothing(app: Flask, file: bytes) -> None:
    add_goods()
    with write():
        apply_configuration(read_text(file), **BY)
    before = names()
    with write():
        plan = apply_configuration(read_text(file), **BY)
    assert (plan.changes, plan.of("conflict"), names()) == (False, [], before)


def test_a_preview_lists_every_change_and_changes_nothing(app: Flask, file: bytes) -> None:
    add_goods()
    before = export_configuration(), names()
    plan = preview_configuration(read_text(file), **BY)
    assert (export_configuration(), names()) == before
    assert {(entry.section, entry.key) for entry in plan.of("new")} >= {
        ("taxonomies", "zone"), ("forms", "visit"), ("mappings", "issues/台账"), ("standards", "sku:erp/S-1@*"),
    }  # fmt: skip
    rule = next(entry for entry in plan.of("changed") if entry.section == "opening_rules")
    assert [(one.place, one.new) for one in rule.differences] == [("threshold", 7)]
    types = next(entry for entry in plan.of("changed") if entry.key == "type")
    assert ("terms.odour.name_zh", "异味", "气味") in [(one.place, one.old, one.new) for one in types.differences]


def test_a_merger_of_the_file_moves_this_sites_records(app: Flask, file: bytes) -> None:
    with write() as session:
        session.add(Issue(number="QI-1", title="起球", opened_at=NOW, type_id=term("pilling").id))
    with write():
        apply_configuration(read_text(file), **BY)
    assert db.session.scalars(select(Issue.type_id)).one() == term("broken").id


def test_an_item_in_conflict_is_named_and_left_out_wholly(app: Flask, file: bytes) -> None:
    """Without the article its standard can't be; everything else comes in."""
    with write():
        plan = apply_configuration(read_text(file), **BY)
    assert [(entry.section, entry.key) for entry in plan.of("conflict")] == [("standards", "sku:erp/S-1@*")]
    assert "商品" in plan.of("conflict")[0].problem
    assert taxonomy("zone").own
    assert db.session.scalar(select(func.count()).select_from(FormVersion)) == 4


def broken(data: dict[str, Any], section: str, key: str, **change: Any) -> dict[str, Any]:
    """Return the data with something wrong in one item."""
    data["sections"][section][key] |= change
    return data


@pytest.mark.parametrize(
    ("section", "key", "change"),
    [
        ("forms", "visit", {"definition": {"sections": []}}),
        ("forms", "visit", {"scopes": [{"kind": "shop", "name": "nowhere"}]}),
        ("forms", "visit", {"built_in": True}),
        ("forms", "issue", {"kind": "nonsense"}),
        ("taxonomies", "type", {"terms": [{"code": "x"}]}),
        ("taxonomies", "type", {"own": True}),
        ("taxonomies", "zone", {"terms": "none"}),
        ("opening_rules", "lot", {"threshold": 0}),
        ("opening_rules", "lot", {"surprise": 1}),
        ("opening_rules", "lot", {"name_zh": ["x"]}),
        ("classification_rules", "leaking", {"condition": {"field": "nothing", "op": "eq", "value": 1}}),
        ("intake_rules", "late_delivery", {"source_kind": "dream"}),
        ("mappings", "issues/台账", {"definition": "text"}),
    ],
)
def test_a_damaged_item_is_a_conflict_and_never_a_crash(
    sqlite_app: Flask, file: bytes, section: str, key: str, change: dict[str, Any]
) -> None:
    add_goods()
    plan = preview_configuration(broken(read_text(file), section, key, **change), **BY)
    assert (section, key) in [(entry.section, entry.key) for entry in plan.of("conflict")]


@pytest.mark.parametrize(
    "change", [{"kind": "magic"}, {"field": "nothing"}, {"level": "loud"}, {"form": "nowhere"}, {"condition": {"x": 1}}]
)
def test_a_rule_nobody_could_keep_is_a_conflict(sqlite_app: Flask, file: bytes, change: dict[str, Any]) -> None:
    data = read_text(file)
    key = next(iter(data["sections"]["rules"]))
    plan = preview_configuration(broken(data, "rules", key, **change), **BY)
    assert ("rules", key) in [(entry.section, entry.key) for entry in plan.of("conflict")]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"PK\x03\x04", b"[]", b"{}", b'{"format": "qtrace-configuration"}',
        b'{"format": "qtrace-configuration", "version": true, "sections": {}}',
        b'{"format": "qtrace-configuration", "version": 1, "sections": {"forms": []}}',
        b'{"format": "qtrace-configuration", "version": 1, "sections": {"forms": {"a": NaN}}}',
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(sqlite_app: Flask, content: bytes) -> None:
    with pytest.raises(Refused):
        read_text(content)


def test_a_file_of_a_newer_program_says_so(sqlite_app: Flask) -> None:
    with pytest.raises(Refused, match=r"第 2 版.*请先升级"):
        read_text(b'{"format": "qtrace-configuration", "version": 2, "sections": {}}')


def test_what_was_not_looked_at_is_not_imported(app: Flask, file: bytes) -> None:
    seen = preview_configuration(read_text(file), **BY).digest
    with write():
        rename_term(term("leaking").id, "渗漏", "Leak", **BY)
    with pytest.raises(Conflict), write():
        apply_configuration(read_text(file), seen=seen, **BY)
    assert term("leaking").name_zh == "渗漏"


def test_differences_name_the_place() -> None:
    old = {"a": [{"code": "x", "n": 1}, {"code": "y", "n": 2}], "b": 1}
    new = {"a": [{"code": "y", "n": 3}, {"code": "x", "n": 1}], "b": 1}
    found = [(one.place, one.old, one.new) for one in differences(old, new)]
    assert found == [("a.y.n", 2, 3), ("a", ["x", "y"], ["y", "x"])]


def test_the_lead_exports_previews_and_imports_on_the_page(sqlite_app: Flask, file: bytes) -> None:
    browser = log_in(sqlite_app, "quality_lead")
    assert browser.get("/config/transfer").status_code == 200
    own = browser.get("/config/transfer/file")
    assert "attachment" in own.headers["Content-Disposition"]
    assert json.loads(own.text) == export_configuration()
    upload = {"file": (io.BytesIO(file), "a.json")}
    page = browser.post("/config/transfer/preview", upload, content_type="multipart/form-data").text
    assert "terms.odour.name_zh" in page
    note, digest = (page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("note", "digest"))
    assert browser.post("/config/transfer", {"note": note, "digest": "other"}).status_code == 409
    assert browser.post("/config/transfer", {"note": note, "digest": digest}).status_code == 303
    db.session.remove()
    assert term("odour").name_zh == "气味"
    assert browser.post("/config/transfer", {"note": "forged", "digest": digest}).status_code == 422
    assert browser.post("/config/transfer/preview", {}).status_code == 422


def test_others_neither_take_nor_bring_a_configuration(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "inspector")
    assert browser.get("/config/transfer/file").status_code == 403
    assert browser.post("/config/transfer", {}).status_code == 403


def test_the_command_line_writes_and_applies_a_file(sqlite_app: Flask, file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pack.json"
    path.write_bytes(file)
    with sqlite_app.test_request_context():
        tried = pack_json(pack_apply(path, dry_run=True))
        done = pack_json(pack_apply(path, dry_run=False))
        assert tried == done
        assert len(done["conflict"]) == 1
        assert pack_export(tmp_path / "again.json") > 20
    with sqlite_app.test_request_context():
        assert pack_list(tmp_path / "again.json") == pack_list(None)
        assert "visit" in pack_list(None)["forms"]
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["sections"]["forms"]["visit"]
