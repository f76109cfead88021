"""Controls whose rows choose from taxonomies: who is responsible, what happens to the goods, where the defect sits."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from flask import Flask, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from qtrace.accounts.access import can
from qtrace.catalog.checklist import standard_choices
from qtrace.catalog.controls import article_of
from qtrace.catalog.models import Standard
from qtrace.catalog.standards_queries import standard_for, versions
from qtrace.classification.queries import is_kind, taxonomies
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.forms.answers import Bound
from qtrace.forms.controls.rows import Row, Rows, cell_field, column, escaped, without_tail
from qtrace.forms.registry import (
    Choice,
    FieldDefinition,
    Names,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Value,
    controls,
    register_control,
)
from qtrace.web.filters import site_zone

WHOLE = 100
LONGEST = 300
SHARE = re.compile(r"(.+?)\s*(\d{1,3})\s*[%%]\s*")
PLACE = re.compile(r"\(?\s*(\d{1,4})\s*[,,]\s*(\d{1,4})\s*\)?")
EDGE = 1000  # places are told in thousandths of the picture
ZONES = (
    ("1", "左上", "Top left"), ("2", "上", "Top"), ("3", "右上", "Top right"),
    ("4", "左", "Left"), ("5", "中间", "Middle"), ("6", "右", "Right"),
    ("7", "左下", "Bottom left"), ("8", "下", "Bottom"), ("9", "右下", "Bottom right"),
)  # fmt: skip
ZONE_VALUES = frozenset(value for value, _zh, _en in ZONES)


class ResponsibilitySplit(Rows):
    """Who bears how much of it; the shares add up to 100 %."""

    key, name_zh, name_en = "responsibility_split", "责任划分", "Responsibility split"
    family = "quality"
    icon = "split"
    public = False
    compared_as = FieldKind.LIST  # the parties
    sums: ClassVar[str] = "percent"
    sum_goal = str(WHOLE)

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return the party, its share and why."""
        return (
            column("party", "tree_select", "责任方", "Party", required=True, options={"kind": "responsible_party"}),
            column("percent", "integer", "占比", "Share", required=True, options={"min": 1, "max": WHOLE, "unit": "%"}),
            column("reason", "text", "依据", "Reason", options={"max_length": LONGEST}),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return shares that make a whole, and ones that do not."""
        parties = [choice.value for choice in first_choices(self, field, "party")]

        def split(*shares: tuple[str, str]) -> Sent:
            cells = [
                (f"{i}.{name}", text)
                for i, share in enumerate(shares)
                for name, text in zip(("party", "percent"), share, strict=True)
            ]
            return Sent({f"{field.id}.{name}": [text] for name, text in cells})

        right = [split((parties[0], "100")), split((parties[0], "60"), (parties[1], "40"))]
        wrong = [
            split((parties[0], "60")),
            split((parties[0], "60"), (parties[0], "40")),
            split(("0", "100")),
            split(("", "100")),
        ]
        return Samples(right, wrong)

    def finish(self, field: FieldDefinition, rows: list[Row]) -> Value:
        """Return the shares; refuse them unless they make a whole and name each party once."""
        parties = [row["party"] for row in rows]
        if len(set(parties)) < len(parties):
            raise Refused(_("同一个责任方写了两次。请合并成一行。"))
        total = sum(int(str(row["percent"])) for row in rows)
        if total != WHOLE:
            raise Refused(_("各方占比合计 %(total)d%%,应等于 100%%。", total=total))
        return list(rows)

    def row_text(self, field: FieldDefinition, row: Row) -> str:
        """Return 供应商 60%."""
        return f"{self._party(field, row)} {row.get('percent')}%"

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return every share in a line."""
        return _("、").join(self.row_text(field, row) for row in self.rows_in(value)) or "—"

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the shares as bars."""
        rows = self.rows_in(value)
        if not rows:
            return Markup("—")
        bars = (
            Markup(
                '<div class="split-row"><span>{}</span><progress max="100" value="{}"></progress><b class="num">{}%</b>{}</div>'
            ).format(
                self._party(field, row),
                row.get("percent"),
                row.get("percent"),
                Markup('<small class="wrap-any">{}</small>').format(row["reason"]) if row.get("reason") else "",
            )
            for row in rows
        )
        return Markup('<div class="split-shown">{}</div>').format(Markup("").join(bars))

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the shares in a line."""
        return escape(self.to_print(field, value))

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the parties."""
        return tuple(str(row.get("party")) for row in self.rows_in(value)) or None

    def cell_line(self, field: FieldDefinition, row: Row) -> str:
        """Return 供应商 60% | 依据."""
        head = f"{self._party(field, row)} {row.get('percent')}%"
        return " | ".join(without_tail([escaped(head), escaped(str(row.get("reason") or ""))]))

    def read_line(self, field: FieldDefinition, texts: Sequence[str]) -> tuple[Row, dict[str, str]]:
        """Read 供应商 60% | 依据."""
        found = SHARE.fullmatch(texts[0])
        if found is None:
            return {}, {"percent": _("「%(text)s」请写成:供应商 60%%", text=texts[0][:40])}
        return super().read_line(field, [found[1], found[2], *texts[1:]])

    def _party(self, field: FieldDefinition, row: Row) -> str:
        one = self.columns(field)[0]
        return controls()[one.control].show(one, row.get("party"))


class Disposition(Rows):
    """What happens to how many of the goods."""

    key, name_zh, name_en = "disposition", "处置", "Disposition"
    family = "quality"
    icon = "route"
    public = False
    compared_as = FieldKind.LIST  # what is done
    sums: ClassVar[str] = "quantity"
    sum_goal = ""
    options = (Option("unit", str, label_zh="单位", label_en="Unit", default="件"),)

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return what is done, with how many, and a note."""
        return (
            column("what", "tree_select", "处置", "Disposition", required=True, options={"kind": "disposition"}),
            column(
                "quantity",
                "integer",
                "数量",
                "Quantity",
                required=True,
                options={"min": 1, "unit": field.text("unit", "件")},
            ),
            column("note", "text", "说明", "Note", options={"max_length": LONGEST}),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return goods sent two ways, and rows that lack something."""
        ways = [choice.value for choice in first_choices(self, field, "what")]
        start = f"{field.id}."
        right = {
            f"{start}0.what": ways[:1],
            f"{start}0.quantity": ["20"],
            f"{start}1.what": ways[1:2],
            f"{start}1.quantity": ["5"],
        }
        wrong: list[Mapping[str, list[str]]] = [
            {f"{start}0.what": ways[:1]}, {f"{start}0.what": ways[:1], f"{start}0.quantity": ["0"]},
            {f"{start}0.what": ["0"], f"{start}0.quantity": ["1"]},
        ]  # fmt: skip
        return Samples([Sent(right)], [Sent(one) for one in wrong])

    def row_text(self, field: FieldDefinition, row: Row) -> str:
        """Return 退供应商 20 件."""
        return " ".join(text for one, text in self.texts(field, row) if one.id != "note")

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return every way in a line."""
        return _("、").join(self.row_text(field, row) for row in self.rows_in(value)) or "—"

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return what is done."""
        return tuple(str(row.get("what")) for row in self.rows_in(value)) or None


@dataclass(frozen=True)
class Picture:
    """What the places are marked on; without an address a plain grid stands for the article."""

    url: str = ""
    name: str = ""


class DefectMap(Rows):
    """Where on the article the defects are: a tap on its picture, or a zone from a list, with the kind of defect."""

    key, name_zh, name_en = "defect_map", "缺陷位置图", "Defect map"
    family = "quality"
    icon = "target"
    compared_as = FieldKind.LIST  # the kinds of defect
    quiet = frozenset({"zone"})
    options = (
        Option("sku", str, label_zh="商品字段", label_en="Field of the article",
               names=Names.FIELD, fits=("sku",), help_zh="用它的质量标准照片作底图。", help_en="Its standard's photo is the picture."),
        Option("standard", int, label_zh="固定的质量标准", label_en="Fixed standard", advanced=True, least=1),
        Option("kind", str, label_zh="缺陷用哪棵分类树", label_en="Tree of defects", default="type", advanced=True),
    )  # fmt: skip

    def panel(self) -> Sequence[Option]:
        """Return the settings with every tree and every standard there is now."""
        trees = tuple(OptionChoice(tree.key, tree.name_zh, tree.name_en) for tree in taxonomies())
        known = {"kind": trees, "standard": standard_choices()}
        return [replace(option, choices=known.get(option.name, ())) for option in self.options]

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the tree exists."""
        kind = options.get("kind", "type")
        return super().check_options(options) + (
            [] if is_kind(kind) else [_("没有这个分类树:%(kind)s。", kind=str(kind))]
        )

    def columns(self, field: FieldDefinition) -> Sequence[FieldDefinition]:
        """Return where, what and a note."""
        zones = {"choices": [{"value": value, "zh": zh, "en": en} for value, zh, en in ZONES]}
        return (
            column("zone", "select", "位置", "Place", options=zones),
            column(
                "code", "tree_select", "缺陷", "Defect", required=True, options={"kind": field.text("kind", "type")}
            ),
            column("note", "text", "说明", "Note", options={"max_length": LONGEST}),
        )

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a tap and a zone, and places off the picture or without a defect."""
        code = [choice.value for choice in first_choices(self, field, "code")][:1]
        start = f"{field.id}.0."
        wrong: list[Mapping[str, list[str]]] = [
            {f"{start}x": ["1200"], f"{start}y": ["10"], f"{start}code": code}, {f"{start}x": ["10"], f"{start}y": ["10"]},
            {f"{start}code": code},
        ]  # fmt: skip
        return Samples(
            [
                Sent({f"{start}x": ["320"], f"{start}y": ["150"], f"{start}code": code}),
                Sent({f"{start}zone": ["9"], f"{start}code": code}),
            ],
            [Sent(one) for one in wrong],
        )

    def read_row(self, field: FieldDefinition, index: str, sent: Sent) -> tuple[Row, dict[str, str]]:
        """Return the place of the tap, or the middle of the zone where the zone is another, with the other cells."""
        row, wrong = super().read_row(field, index, sent)
        zone, start = row.pop("zone", None), f"{field.id}.{index}."
        texts = (sent.first(f"{start}x"), sent.first(f"{start}y"))
        tapped = place_of(",".join(texts)) if all(texts) else None
        if all(texts) and tapped is None:
            wrong["zone"] = _("位置不在图上。请重新点一下。")
        return self._placed(row, wrong, tapped if zone in (None, zone_of(*tapped) if tapped else "") else None, zone)

    def read_line(self, field: FieldDefinition, texts: Sequence[str]) -> tuple[Row, dict[str, str]]:
        """Read 320,150 | 漏液 | 说明, or a zone's name instead of the numbers."""
        tapped = place_of(texts[0])
        row, wrong = super().read_line(field, ["", *texts[1:]] if tapped else texts)
        return self._placed(row, wrong, tapped, row.pop("zone", None))

    def _placed(
        self, row: Row, wrong: dict[str, str], tapped: tuple[int, int] | None, zone: Value
    ) -> tuple[Row, dict[str, str]]:
        place = tapped or (middle_of(str(zone)) if zone else None)
        if place is None:
            wrong.setdefault("zone", _("请在图上点一下,或选一个位置。"))
            return row, wrong
        return {"x": place[0], "y": place[1], **row}, wrong

    def send_row(self, field: FieldDefinition, index: str, row: Row) -> dict[str, list[str]]:
        """Return the place as it was tapped, with its zone."""
        x, y = _xy(row)
        start = f"{field.id}.{index}."
        return super().send_row(field, index, row) | {
            f"{start}x": [str(x)], f"{start}y": [str(y)], f"{start}zone": [zone_of(x, y)],
        }  # fmt: skip

    def texts(self, field: FieldDefinition, row: Row) -> list[tuple[FieldDefinition, str]]:
        """Return the cells with the zone in words."""
        return super().texts(field, row | {"zone": zone_of(*_xy(row))})

    def cell_line(self, field: FieldDefinition, row: Row) -> str:
        """Return 320,150 | 漏液 | 说明."""
        x, y = _xy(row)
        rest = super().cell_line(field, row).partition("|")[2].strip()
        return f"{x},{y} | {rest}"

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the kinds of defect."""
        return tuple(dict.fromkeys(str(row.get("code")) for row in self.rows_in(value))) or None

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return a small map with numbered marks, and the list they number."""
        rows = self.rows_in(value)
        if not rows:
            return Markup("—")
        marks = Markup("").join(mark_svg(place, *_xy(row)) for place, row in enumerate(rows, start=1))
        lines = Markup("").join(Markup("<li>{}</li>").format(self.row_text(field, row)) for row in rows)
        return Markup('<div class="map-shown">{}<ol>{}</ol></div>').format(grid_svg(marks), lines)

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the map with its list."""
        return self.to_html(field, value)

    def picture(self, bound: Bound) -> Picture:
        """Return the photo of the standard of the article that was chosen; a plain grid where there is none."""
        if not can("catalog.read"):  # the photo would not be sent to this reader
            return Picture()
        fixed = bound.field.number("standard", 0)
        if fixed and db.session.get(Standard, fixed) is not None:
            found = next(iter(versions(fixed)), None)
        else:
            sku = article_of(bound.field, bound.sent)
            found = standard_for(sku, None, clock.now().astimezone(site_zone()).date()) if sku else None
        if found is None or not found.photos:
            return Picture()
        photo = url_for("standards.photo_show", standard_id=found.standard_id, file_id=found.photos[0])
        return Picture(photo, _("质量标准照片"))

    def zone_words(self) -> list[str]:
        """Return the words of the nine zones in reading order."""
        english = str(get_locale() or "zh").startswith("en")
        return [en if english else zh for _value, zh, en in ZONES]

    def marks(self, bound: Bound) -> Markup:
        """Return the marks of the rows that are on the page."""
        found = Markup("")
        for row in self.drawn(bound):
            place = place_of(f"{bound.part(f'{row.index}.x')},{bound.part(f'{row.index}.y')}")
            zone = bound.part(f"{row.index}.zone")
            if place is None or (zone and zone != zone_of(*place)):
                place = middle_of(zone) if zone in ZONE_VALUES else None
            found += mark_svg(row.place, *place) if place else Markup("")
        return found

    def hidden(self, bound: Bound, index: str) -> list[tuple[str, str]]:
        """Return what a row sends without showing it: the exact place of the tap."""
        return [(name, bound.part(f"{index}.{name}")) for name in ("x", "y")]


def place_of(text: str) -> tuple[int, int] | None:
    """Return the place `320,150` in thousandths; None when it is none or off the picture."""
    found = PLACE.fullmatch(text.strip())
    if found is None:
        return None
    x, y = int(found[1]), int(found[2])
    return (x, y) if x <= EDGE and y <= EDGE else None


def zone_of(x: int, y: int) -> str:
    """Return the zone of a 3×3 grid in which a place lies, 1 to 9 in reading order."""
    return str(min(y * 3 // EDGE, 2) * 3 + min(x * 3 // EDGE, 2) + 1)


def middle_of(zone: str) -> tuple[int, int]:
    """Return the middle of a zone."""
    at = int(zone) - 1
    return (at % 3 * 2 + 1) * EDGE // 6, (at // 3 * 2 + 1) * EDGE // 6


def mark_svg(place: int, x: int, y: int) -> Markup:
    """Return a numbered mark for a picture of 1000 × 1000."""
    return Markup('<g class="mark" transform="translate({},{})"><circle r="46"/><text dy="18">{}</text></g>').format(
        x, y, place
    )


def grid_svg(inside: Markup) -> Markup:
    """Return the plain grid with marks on it."""
    return Markup(
        '<svg class="map-grid" viewBox="0 0 1000 1000" role="img" aria-label="{}"><path d="M333 0V1000M667 0V1000M0 333H1000M0 667H1000"/>{}</svg>'
    ).format(_("缺陷位置图"), inside)


def first_choices(control: Rows, field: FieldDefinition, name: str) -> Sequence[Choice]:
    """Return what a column offers."""
    one = next(one for one in control.columns(field) if one.id == name)
    return controls()[one.control].choices(cell_field(field, "0", one))


def _xy(row: Row) -> tuple[int, int]:
    x, y = row.get("x"), row.get("y")
    return (x if isinstance(x, int) else 0), (y if isinstance(y, int) else 0)


def register_row_controls(app: Flask) -> None:
    """Register the controls whose rows choose from taxonomies."""
    for control in (ResponsibilitySplit(), Disposition(), DefectMap()):
        register_control(app, control)
