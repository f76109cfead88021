"""The checklist of an inspection: what is looked at, each judged or measured against limits that stay with the record."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from itsdangerous import BadSignature, URLSafeSerializer
from markupsafe import Markup

from qtrace.catalog.controls import article_of
from qtrace.catalog.models import Standard, StandardVersion
from qtrace.catalog.standards_queries import in_use, standard_for, versions
from qtrace.conditions.tree import FieldKind
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.core.models import StoredFileRow
from qtrace.forms.answers import Bound, RowErrors
from qtrace.forms.controls.number import exact, is_beyond, limits_text
from qtrace.forms.controls.rows import NOT_IN_ROWS, escaped, split_rows, without_tail
from qtrace.forms.registry import (
    MOST_DIGITS,
    Cell,
    Control,
    FieldDefinition,
    Names,
    Option,
    OptionCell,
    OptionChoice,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
    as_decimal,
    cell_text,
    controls,
    refuse_long,
)
from qtrace.web.filters import site_zone

SALT = "qtrace-checklist"
MOST_ITEMS = 100
LONGEST_NAME, LONGEST_NOTE = 120, 300
MOST_PHOTOS = 5  # of one item
FILE_ID = re.compile(r"[0-9a-f]{32}")
RESULTS = {"pass": lazy_gettext("合格"), "fail": lazy_gettext("不合格"), "na": lazy_gettext("不适用")}
SPOKEN = {"pass": ("合格", "pass", "ok"), "fail": ("不合格", "fail", "ng"), "na": ("不适用", "na", "n/a")}
TYPED = ("result", "measured", "note")
PHOTOS = ("", "fail", "always")
PHOTO_WORDS = {"不合格要拍照": "fail", "必须拍照": "always"}
LOOKS = {"pass": "ok", "fail": "bad", "na": ""}
LIMITED = re.compile(r"(.+?)\s*\[\s*([-\d.]*)\s*~\s*([-\d.]*)\s*([^\]]*)\]")
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
ITEM = (
    OptionCell("检查什么", "What"), OptionCell("下限", "Low"), OptionCell("上限", "High"), OptionCell("单位", "Unit"),
    OptionCell("照片", "Photo", (
        OptionChoice("", "照片可拍可不拍", "Photo if wanted"), OptionChoice("fail", "不合格要拍照", "Photo where it fails"),
        OptionChoice("always", "必须拍照", "Photo always"),
    )),
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One thing that is looked at; with limits it is measured."""

    name: str
    low: str = ""
    high: str = ""
    unit: str = ""
    photo: str = ""  # "fail" where one that fails needs a photo, "always" where every one does

    @property
    def measured(self) -> bool:
        """Say whether it is judged by a number."""
        return bool(self.low or self.high)

    @property
    def limits(self) -> str:
        """Return the limits in words, empty without any."""
        text = limits_text(self.low or None, self.high or None) if self.measured else ""
        return f"{text} {self.unit}".strip() if text else ""


@dataclass(frozen=True)
class Said:
    """What somebody says of an item."""

    result: str = ""
    measured: str = ""
    note: str = ""
    photos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """What a record held when its form was shown: the items as they were, and the photos of each."""

    items: Sequence[Item]
    photos: Sequence[Sequence[str]]


@dataclass(frozen=True)
class DrawnItem:
    """An item with what was said about it, the input that takes its photos, and what is wrong."""

    index: int
    item: Item
    said: Said
    photos: Bound
    kept: int  # photos the record holds already
    error: str = ""

    @property
    def room(self) -> int:
        """Return how many photos may be added."""
        return max(MOST_PHOTOS - self.kept, 0)


class InspectionChecklist(Control):
    """Items of the form or of the article's quality standard, judged one by one; one that fails fails the whole."""

    key, name_zh, name_en = "inspection_checklist", "检验清单", "Inspection checklist"
    family = "quality"
    icon = "clipboard-check"
    storage = Storage.JSON_LIST
    compared_as = FieldKind.TEXT  # the overall result: pass, fail or na
    grouped = True
    wide = True
    public = False
    not_in_rows = NOT_IN_ROWS
    options = (
        Option("items", list, shape=Shape.CELLS, cells=ITEM, label_zh="检查项目", label_en="Items",
               help_zh="写了下限或上限的项目要填实测值。", help_en="An item with a limit asks for the measured value."),
        Option("sku", str, label_zh="商品字段", label_en="Field of the article", names=Names.FIELD, fits=("sku",),
               help_zh="加上它的质量标准里的限值。", help_en="The limits of its standard are added."),
        Option("standard", int, label_zh="固定的质量标准", label_en="Fixed standard", advanced=True, least=1),
    )  # fmt: skip

    def panel(self) -> Sequence[Option]:
        """Return the settings with every standard there is now."""
        known = {"standard": standard_choices()}
        return [replace(option, choices=known.get(option.name, ())) for option in self.options]

    def starter(self) -> dict[str, object]:
        """Return two items, one of them measured."""
        return {"items": ["外观无划痕、无漏液", "净含量 | 29.5 | 30.5 | g"]}

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that there is something to check, and that each item can be read."""
        problems = super().check_options(options)
        if problems:
            return problems
        lines = [str(line) for line in options.get("items") or []]  # type: ignore[attr-defined]  # checked to be a list
        if not lines and not options.get("sku") and not options.get("standard"):
            return [_("请写检查项目,或指定商品字段、质量标准。")]
        try:
            names = [read_item(line).name for line in lines]
        except Refused as refused:
            return [refused.message]
        double = next((name for name in names if names.count(name) > 1), None)
        return [_("「%(name)s」写了两次。", name=double)] if double else []

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a list that passes and one that fails, and lists that are not finished or contradict their limits."""

        def judged(**texts: str) -> Sent:
            return Sent({f"{field.id}.{name.replace('_', '.')}": [text] for name, text in texts.items()})

        right = [
            judged(i0_result="pass", i1_measured="30.1"),
            judged(i0_result="fail", i0_note="盖口划痕", i1_measured="29.20"),
            judged(i0_result="na", i1_result="na"),
        ]
        wrong = [judged(i0_result="pass"), judged(i0_result="maybe", i1_measured="30"), judged(i0_result="pass", i1_measured="重"),
                 judged(i0_result="pass", i1_result="pass", i1_measured="31")]  # fmt: skip
        return Samples(right, wrong)

    def items(self, field: FieldDefinition, sent: Sent) -> list[Item]:
        """Return what is looked at: what the record held already, as long as the article is the same, else what holds now."""
        frozen = self.frozen_in(field, sent)
        return self.current(field, sent) if frozen is None else frozen

    def current(self, field: FieldDefinition, sent: Sent) -> list[Item]:
        """Return the items of the form and of the standard in force, each name once."""
        found = {item.name: item for item in (read_item(line) for line in field.words("items"))}
        standard = self.standard(field, sent)
        for limit in standard.limits if standard is not None else ():
            asked = found.get(limit["name"])
            found[limit["name"]] = Item(
                limit["name"], limit["low"], limit["high"], limit["unit"], asked.photo if asked else ""
            )
        return list(found.values())[:MOST_ITEMS]

    def standard(self, field: FieldDefinition, sent: Sent) -> StandardVersion | None:
        """Return the version of the standard that is in force; None where the form names none."""
        today = clock.now().astimezone(site_zone()).date()
        fixed = field.number("standard", 0)
        if fixed and db.session.get(Standard, fixed) is not None:
            return next((one for one in versions(fixed) if one.effective_on <= today), None)
        sku = article_of(field, sent)
        return standard_for(sku, None, today) if sku else None

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return every item with its limits and its result, and the result of the whole; refuse what is not finished."""
        items, held = self.items(field, sent), self.held_photos(field, sent)
        said = [said_of(field, place, sent) for place in range(len(items))]
        added = [sent.files.get(photo_name(field, place), ()) for place in range(len(items))]
        if not any(one != Said() or files for one, files in zip(said, added, strict=True)):
            return None
        judged = [
            (item, replace(one, photos=(*held.get(place, ()), *(file.id for file in files))))
            for place, (item, one, files) in enumerate(zip(items, said, added, strict=True))
        ]
        return self.judged(judged, article_of(field, sent))

    def judged(self, said: Sequence[tuple[Item, Said]], sku: int | None = None) -> Value:
        """Return the value of items and what was said about each; refuse it naming each item that is not right."""
        rows: list[Value] = []
        wrong: dict[str, str] = {}
        for place, (item, one) in enumerate(said):
            try:
                rows.append(judge(item, one))
            except Refused as refused:
                wrong[f"{place}.result"] = refused.message
        if wrong:
            raise RowErrors(wrong, {"result": ""})
        value: dict[str, Value] = {"items": rows, "result": overall(rows)}
        return value if sku is None else value | {"sku": sku}

    def file_fields(self, field: FieldDefinition, sent: Sent) -> Sequence[FieldDefinition]:
        """Return the photo input of each item."""
        return [photo_field(field, place) for place in range(len(self.items(field, sent)))]

    def captions(self, field: FieldDefinition, value: Value) -> Mapping[str, str]:
        """Return which item each photo shows."""
        return {photo: str(row["name"]) for row in rows_of(value) for photo in photos_of(row)}

    def held_photos(self, field: FieldDefinition, sent: Sent) -> Mapping[int, Sequence[str]]:
        """Return the photos the record holds of each item, as the sealed note says."""
        note = self.note_in(field, sent)
        return dict(enumerate(note.photos)) if note else {}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return what was said about each item, with the items as they were, sealed."""
        rows = rows_of(value)
        if not rows:
            return {}
        sku = value.get("sku") if isinstance(value, Mapping) else None
        found = {f"{field.id}.frozen": [self.seal(field, rows, sku if isinstance(sku, int) else None)]}
        for place, row in enumerate(rows):
            for name in TYPED:
                if row.get(name):
                    found[f"{field.id}.i{place}.{name}"] = [str(row[name])]
        return found

    def seal(self, field: FieldDefinition, rows: Sequence[Mapping[str, Value]], sku: int | None) -> str:
        """Return the items as a note nobody can change: limits come from the standard, photos from the record."""
        items = [asdict(item_of(row)) for row in rows]
        return str(_notes().dumps([field.id, sku, items, [photos_of(row) for row in rows]]))

    def frozen_in(self, field: FieldDefinition, sent: Sent) -> list[Item] | None:
        """Return the items of a genuine note about the article that is chosen; None without one."""
        note = self.note_in(field, sent)
        return list(note.items) if note else None

    def note_in(self, field: FieldDefinition, sent: Sent) -> Note | None:
        """Return what a genuine note about the article that is chosen says; None without one."""
        try:
            name, sku, items, *photos = _notes().loads(sent.first(f"{field.id}.frozen"))
        except (BadSignature, ValueError):
            return None
        chosen = article_of(field, sent)
        if name != field.id or (chosen is not None and chosen != sku):
            return None
        return Note([Item(**item) for item in items], photos[0] if photos else [])

    def drawn(self, bound: Bound) -> list[DrawnItem]:
        """Return every item with what was said about it."""
        held, inner = self.held_photos(bound.field, bound.sent), bound.inner
        return [
            DrawnItem(
                place, item, said_of(bound.field, place, bound.sent), self.photo_input(bound, place), len(held.get(place, ())),
                inner.get(f"{place}.result", "") or inner.get(f"i{place}.photo", ""),
            )
            for place, item in enumerate(self.items(bound.field, bound.sent))
        ]  # fmt: skip

    def photo_input(self, bound: Bound, place: int) -> Bound:
        """Return the input that takes the photos of an item."""
        asked = photo_field(bound.field, place)
        return Bound(asked, controls()[asked.control], bound.sent, ())

    def results(self) -> list[tuple[str, str, str]]:
        """Return what an item can be, with the word for it and the look of its chip."""
        return [(key, str(words), LOOKS[key]) for key, words in RESULTS.items()]

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the result and what failed."""
        rows = rows_of(value)
        if not rows:
            return "—"
        failed = [str(row["name"]) for row in rows if row.get("result") == "fail"]
        result = str(RESULTS.get(str(result_of(value)), "—"))
        return _("%(result)s:%(items)s", result=result, items="、".join(failed)) if failed else result

    def to_html(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the items as a table with their limits."""
        rows = rows_of(value)
        if not rows:
            return Markup("—")
        heads = (_("项目"), _("要求"), _("实测"), _("结果"), _("说明"), _("照片"))
        body = Markup("").join(
            Markup("<tr>{}</tr>").format(
                Markup("").join(
                    Markup('<td data-label="{}">{}</td>').format(head, cell)
                    for head, cell in zip(heads, cells, strict=True)
                )
            )
            for cells in (_cells(row) for row in rows)
        )
        return Markup(
            '<table class="cards plain rows-shown"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
        ).format(Markup("").join(Markup("<th>{}</th>").format(head) for head in heads), body)

    def to_print(self, field: FieldDefinition, value: Value) -> str:
        """Return a line for each item."""
        lines = []
        for row in rows_of(value):
            parts = [
                str(row["name"]),
                item_of(row).limits,
                str(row.get("measured") or ""),
                str(RESULTS[str(row["result"])]),
                str(row.get("note") or ""),
                _photo_count(row),
            ]
            lines.append(" · ".join(part for part in parts if part))
        return "\n".join([self.show(field, value), *lines]) if lines else "—"

    def on_paper(self, field: FieldDefinition, value: Value) -> Markup:
        """Return the items as a table with their limits."""
        return self.to_html(field, value)

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return pass, fail or na."""
        return result_of(value)

    def search_text(self, field: FieldDefinition, value: Value) -> str:
        """Return the notes."""
        return " ".join(str(row["note"]) for row in rows_of(value) if row.get("note"))

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return a line for each item: 净含量 [29.5~30.5 g] | 合格 | 30.1 | 说明 | the numbers of its photos."""
        lines = []
        for row in rows_of(value):
            item = item_of(row)
            head = f"{item.name} [{item.low}~{item.high} {item.unit}".rstrip() + "]" if item.measured else item.name
            texts = [
                head, str(RESULTS[str(row["result"])]), str(row.get("measured") or ""), str(row.get("note") or ""),
                " ".join(photos_of(row)),
            ]  # fmt: skip
            lines.append(" | ".join(without_tail([escaped(text) for text in texts])))
        return "\n".join(lines) or None

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a line for each item; the limits of items the form knows are the form's.

        A cell carries no photo: it may only name photos that are here, as an exported sheet does.
        """
        known = {item.name: item for item in self.current(field, Sent())}
        words = {word: key for key, spoken in SPOKEN.items() for word in spoken}
        said: list[tuple[Item, Said]] = []
        for line in split_rows("" if cell is None else cell_text(cell)):
            found = LIMITED.fullmatch(line[0])
            item = Item(found[1], found[2], found[3], found[4].strip()) if found else Item(line[0])
            result, measured, note, photos = [*line[1:5], "", "", "", ""][:4]
            one = Said(words.get(result.lower(), result), measured, note, named_photos(photos))
            said.append((known.get(item.name, item), one))
        return self.judged(said) if said else None


def standard_choices() -> tuple[OptionChoice, ...]:
    """Return every quality standard in use, for a field that is fixed to one."""
    found = []
    for standard, sku, shop in in_use():
        name = " · ".join(part for part in (standard.name, sku.label if sku else "", shop.name if shop else "") if part)
        found.append(OptionChoice(str(standard.id), name, name))
    return tuple(found)


def said_of(field: FieldDefinition, place: int, sent: Sent) -> Said:
    """Return what was typed about an item."""
    result, measured, note = (sent.first(f"{field.id}.i{place}.{name}") for name in TYPED)
    return Said(result, measured, note)


def photo_name(field: FieldDefinition, place: int) -> str:
    """Return the name of the input that takes the photos of an item."""
    return f"{field.id}.i{place}.photo"


def photo_field(field: FieldDefinition, place: int) -> FieldDefinition:
    """Return the input that takes the photos of an item, as a field."""
    return FieldDefinition(
        photo_name(field, place), "photo", field.label_zh, field.label_en, options={"max_count": MOST_PHOTOS}
    )


def named_photos(text: str) -> tuple[str, ...]:
    """Return the photos a sheet names; refuse what is no photo that is here."""
    names = tuple(dict.fromkeys(text.split()))
    if any(not FILE_ID.fullmatch(name) or db.session.get(StoredFileRow, name) is None for name in names):
        raise Refused(_("照片和文件不能从表格导入。请导入后在页面上添加。"))
    return names


def judge(item: Item, said: Said) -> Value:
    """Return one item with its result; a measured one is judged by its limits, whatever was ticked."""
    result, measured, note = said.result, said.measured, said.note
    row: dict[str, Value] = {name: text for name, text in asdict(item).items() if text}
    note = refuse_long(note, LONGEST_NOTE)
    if item.measured and measured:
        number = exact(measured, MOST_DIGITS)
        beyond = is_beyond(
            number, as_decimal(item.low) if item.low else None, as_decimal(item.high) if item.high else None
        )
        if beyond and result == "pass":
            raise Refused(_("实测 %(n)s 超出 %(limits)s,不能判合格。", n=measured, limits=item.limits))
        result = "fail" if beyond else result or "pass"
        row["measured"] = f"{Decimal(number):f}"
    elif measured:
        row["measured"] = refuse_long(measured, LONGEST_NAME)
    if not result:
        raise Refused(_("请填实测值或选择结果。") if item.measured else _("请选择合格、不合格或不适用。"))
    if result not in RESULTS:
        raise Refused(_("请选择合格、不合格或不适用。"))
    if item.measured and not measured and result == "pass":
        raise Refused(_("请填实测值。"))
    if not said.photos and needs_photo(item, result):
        raise Refused(_("这一项要有照片。") if item.photo == "always" else _("不合格的这一项要有照片。"))
    row |= {"photos": list(said.photos)} if said.photos else {}
    return row | {"result": result} | ({"note": note} if note else {})


def overall(rows: Sequence[Value]) -> str:
    """Return the result of the whole: one item that fails fails it, and what applies nowhere is neither."""
    results = {row.get("result") for row in rows if isinstance(row, Mapping)}
    return "fail" if "fail" in results else "pass" if "pass" in results else "na"


def read_item(line: str) -> Item:
    """Read an item as the designer writes it: 名称 | 下限 | 上限 | 单位 | 照片."""
    parts = [part.strip() for part in line.split("|")]
    name, low, high, unit, photo = [*parts, "", "", "", "", ""][:5]
    photo = PHOTO_WORDS.get(photo, photo)
    if not name or len(name) > LONGEST_NAME or len(parts) > 5 or "[" in name or photo not in PHOTOS:
        raise Refused(_("「%(line)s」请写成:名称 | 下限 | 上限 | 单位 | 照片。", line=line[:40]))
    ends = [as_decimal(text) if NUMBER.fullmatch(text) else None for text in (low, high)]
    if any(text and end is None for text, end in zip((low, high), ends, strict=True)):
        raise Refused(_("「%(line)s」的限值不是数字。", line=line[:40]))
    if ends[0] is not None and ends[1] is not None and ends[0] > ends[1]:
        raise Refused(_("「%(name)s」的下限大于上限。", name=name))
    return Item(name, low, high, unit[:20], photo)


def needs_photo(item: Item, result: str) -> bool:
    """Say whether an item with this result needs a photo."""
    return result != "na" if item.photo == "always" else item.photo == "fail" and result == "fail"


def rows_of(value: Value) -> list[Mapping[str, Value]]:
    """Return the items of a kept value."""
    rows = value.get("items") if isinstance(value, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list | tuple) else []


def result_of(value: Value) -> str | None:
    """Return the result of the whole, None without one."""
    result = value.get("result") if isinstance(value, Mapping) else None
    return str(result) if result else None


def item_of(row: Mapping[str, Value]) -> Item:
    """Return the item of a kept row, with the limits of its day."""
    return Item(*(str(row.get(name) or "") for name in ("name", "low", "high", "unit", "photo")))


def photos_of(row: Mapping[str, Value]) -> list[str]:
    """Return the ids of the photos of a kept row."""
    photos = row.get("photos")
    return [str(photo) for photo in photos] if isinstance(photos, list | tuple) else []


def _cells(row: Mapping[str, Value]) -> tuple[object, ...]:
    result = str(row["result"])
    chip = Markup('<span class="chip {}">{}</span>').format(LOOKS[result], RESULTS[result])
    item = item_of(row)
    measured = f"{row['measured']} {item.unit}".strip() if row.get("measured") else "—"
    return item.name, item.limits or "—", measured, chip, row.get("note") or "—", _photo_count(row) or "—"


def _photo_count(row: Mapping[str, Value]) -> str:
    photos = photos_of(row)
    return ngettext("%(num)s 张照片", "%(num)s 张照片", len(photos)) if photos else ""


def _notes() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=SALT)
