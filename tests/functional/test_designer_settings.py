"""Every setting of every control can be changed in the designer, with an input that offers what there is."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from qtrace.core.db import db, write
from qtrace.forms.definition import FormDefinition, Section, dump_definition
from qtrace.forms.designing import draft_of
from qtrace.forms.models import Form
from qtrace.forms.registry import Control, FieldDefinition, controls
from tests.conftest import Browser, log_in

NEW = {"name_zh": "全部控件", "name_en": "Every control", "kind": "record", "prefix": "EC", "start": ""}
TABLE = {
    "fields": [
        {"id": "qty", "control": "integer", "label_zh": "数量", "label_en": "Quantity"},
        {"id": "fee", "control": "money", "label_zh": "金额", "label_en": "Amount"},
    ]
}
BESIDE = ("sku", "lot_no", "order_ref", "text")  # what a setting may name


class Inputs(HTMLParser):
    """The inputs of the property form: what each sends, and what else it could send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self.offered: dict[str, list[str]] = {}
        self.kinds: dict[str, str] = {}
        self._inside = False
        self._area = self._select = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Note an input with what it holds."""
        found = dict(attrs)
        self._inside = (self._inside or "data-autosave" in found) if tag == "form" else self._inside
        name = found.get("name", "")
        if not self._inside:
            return
        if tag == "input" and name:
            self.kinds[name] = found.get("type", "text")
            if self.kinds[name] == "checkbox":
                self.offered.setdefault(name, []).append(found["value"])
            if self.kinds[name] != "checkbox" or "checked" in found:
                self.sent.setdefault(name, []).append(found.get("value", ""))
        elif tag == "textarea":
            self._area, self.kinds[name] = name, "textarea"
            self.sent[name] = [""]
        elif tag == "select":
            self._select, self.kinds[name] = name, "select"
        elif tag == "option" and self._select:
            self.offered.setdefault(self._select, []).append(found["value"])
            if "selected" in found or self._select not in self.sent:
                self.sent[self._select] = [found["value"]]

    def handle_endtag(self, tag: str) -> None:
        """Leave an input."""
        self._inside = self._inside and tag != "form"
        self._area = "" if tag == "textarea" else self._area
        self._select = "" if tag == "select" else self._select

    def handle_data(self, data: str) -> None:
        """Take the text of a box."""
        if self._area:
            self.sent[self._area][0] += data


@pytest.fixture
def every(sqlite_app: Flask) -> Browser:
    """The lead with a draft that has one field of each control."""
    lead = log_in(sqlite_app, "quality_lead")
    assert lead.post("/forms", NEW).status_code == 303
    lay([*controls().values()])
    return lead


def lay(known: Sequence[Control]) -> None:
    """Make the draft a form with one field of each of these controls and a table with figures."""
    extra = FieldDefinition("lines", "sub_table", "明细", "Lines", options=TABLE)
    definition = FormDefinition((Section("main", "全部", "All", (*(one_of(control) for control in known), extra)),))
    with write() as session:
        session.execute(update(Form).where(Form.key == "ec").values(draft=dump_definition(definition)))


def one_of(control: Control) -> FieldDefinition:
    """Return a field of a control, as the palette would lay it down."""
    return FieldDefinition(f"a_{control.key}", control.key, control.name_zh, control.name_en, options=control.starter())


def draft_options(field: str) -> dict[str, object]:
    """Return the settings of a field of the draft as it is now."""
    db.session.remove()
    found = draft_of("ec").definition.field(field)
    assert found is not None
    return dict(found.options)


def inputs(browser: Browser, field: str) -> Inputs:
    """Return the inputs of a field's properties."""
    found = Inputs()
    found.feed(browser.get(f"/forms/ec/design?field={field}").text)
    return found


def changed(found: Inputs, option: Any) -> dict[str, list[str]]:
    """Return what is sent when somebody changes one setting."""
    name = f"option.{option.name}"
    if option.shape in ("choices", "cells"):
        part = f"{name}.0." + ("zh" if option.shape == "choices" else "c0")
        return {part: ["改过的一项"]}
    kind = found.kinds[name]
    held = found.sent.get(name, [])
    if kind == "checkbox":
        return {name: [] if held else found.offered[name][:1]}
    if kind == "select":
        other = [value for value in found.offered[name] if value and [value] != held]
        assert other, f"{name} offers nothing else"
        return {name: other[:1]}
    if kind == "number" or option.kind.__name__ == "Decimal":
        return {name: [str((option.least or 1) + (held == [str(option.least or 1)]))]}
    return {name: ["瓶身 | Bottle | body\n  瓶盖" if option.shape == "tree" else "3"]}


def test_every_setting_of_every_control_is_changed_in_its_panel(every: Browser) -> None:
    seen = 0
    for key, control in controls().items():
        options = [option for option in control.options if option.shape != "fields" and option.name != "standard"]
        if not options:
            continue
        lay([control, *(controls()[one] for one in BESIDE if one != key)])  # a short page is drawn in half the time
        found, before = inputs(every, f"a_{key}"), draft_options(f"a_{key}")
        sent = dict(found.sent)
        for option in options:
            sent |= changed(found, option)
        sent["draft_version"] = [str(db.session.scalars(select(Form.draft_version).where(Form.key == "ec")).one())]
        answer = every.post(f"/forms/ec/draft/fields/a_{key}", sent)
        assert answer.status_code == 303, (key, re.findall(r'class="banner[^"]*".*', answer.text)[:2])
        after = draft_options(f"a_{key}")
        same = [one.name for one in options if after.get(one.name, one.default) == before.get(one.name, one.default)]
        assert same == [], f"{key}: {same}"
        seen += len(options)
    assert seen > 120


def test_settings_that_name_a_field_offer_the_fields_that_fit(every: Browser) -> None:
    offered = {
        (key, option): inputs(every, f"a_{key}").offered[f"option.{option}"]
        for key, option in (
            ("defect_map", "sku"), ("lookup", "through"), ("rollup", "over"), ("similar_issues", "lot"), ("link", "form"),
            ("defect_map", "kind"),
        )
    }  # fmt: skip
    assert offered["defect_map", "sku"] == ["", "a_sku"]
    assert {"a_sku", "a_order_ref"} <= {*offered["lookup", "through"]}
    assert "a_text" not in offered["lookup", "through"]
    assert {"lines", "lines.qty", "lines.fee"} <= {*offered["rollup", "over"]}
    assert offered["similar_issues", "lot"][:2] == ["", "a_lot_no"]
    assert offered["link", "form"] == ["", "ec"]
    assert "disposition" in offered["defect_map", "kind"]


def test_a_wrong_number_is_told_at_its_input(every: Browser) -> None:
    found = inputs(every, "a_rating")
    sent = found.sent | {"option.points": ["99"], "draft_version": ["1"]}
    sent["draft_version"] = [str(db.session.scalars(select(Form.draft_version).where(Form.key == "ec")).one())]
    answer = every.post("/forms/ec/draft/fields/a_rating", sent)
    assert answer.status_code == 422
    assert 'id="p-points-error"' in answer.text and "不能大于" in answer.text


def test_the_columns_of_a_table_are_fields_of_their_own(every: Browser) -> None:
    page = every.get("/forms/ec/design?field=a_sub_table").text
    assert "field=a_sub_table.item" in page and 'id="add-column-button"' in page
    column = inputs(every, "lines.fee")
    assert "option.currency" in column.sent and "option.min" in column.sent
