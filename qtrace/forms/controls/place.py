"""Controls that hold places in China: a region, and an address whose street is masked."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.controls.choice import ARROW
from qtrace.forms.controls.text import one_line, refuse_mask
from qtrace.forms.registry import (
    MASK,
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Storage,
    Value,
    cell_text,
    refuse_long,
)

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
REGIONS = next(VENDOR.glob("regions-cn-*.json")).name
CODE_LENGTHS = {"province": 2, "city": 4, "district": 6}
UNNAMED = ("市辖区", "省直辖县级行政区划", "自治区直辖县级行政区划", "县")  # levels people never say
ENDINGS = re.compile(r"(特别行政区|维吾尔自治区|壮族自治区|回族自治区|自治区|省|市|地区|盟)$")
MAX_DETAIL = 200
SAMPLE_REGION = "330106"
SHOWN_MATCHES = 3

LEVEL = Option(
    "level", str, label_zh="填到哪一级", label_en="Down to", default="district",
    choices=(OptionChoice("province", "省", "Province"), OptionChoice("city", "市", "City"),
             OptionChoice("district", "区县", "District")),
)  # fmt: skip


class Regional(Control):
    """A control with a region in it."""

    family = "place"
    options = (LEVEL,)
    source = REGIONS

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the provinces and cities, which a browser without scripts suggests while one types."""
        return [Choice(code, region_name(code)) for code in regions() if len(code) <= CODE_LENGTHS["city"]]

    def code_of(self, typed: str) -> str:
        """Return the code of what stands in the box, for the lists a script draws; empty when it means no one region."""
        codes = [typed] if typed in regions() else _spellings().get(_plain(typed), ())
        return codes[0] if len(codes) == 1 else ""


class Region(Regional):
    """A province, city or district, kept as its code, which begins with those of the levels above."""

    key, name_zh, name_en = "region_cn", "省市区", "Region (China)"
    storage = Storage.TEXT

    def samples(self, field: FieldDefinition) -> Samples:
        """Return a region by code and by name, and names that are none or several."""
        right = ["330106", "浙江省杭州市西湖区", "杭州西湖区", "北京海淀区"]
        return Samples(
            [Sent({field.id: [t]}) for t in right], [Sent({field.id: [t]}) for t in ("火星", "鼓楼区", "33")]
        )

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the code of the region; a name must mean exactly one."""
        text = one_line(sent.first(field.id))
        return read_region(text, field.text("level", "district")) if text else None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return the names, which a person can edit and the box understands."""
        return {field.id: [region_name(value)]} if isinstance(value, str) else {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the names of all levels."""
        return region_name(value) if isinstance(value, str) else "—"


class Address(Regional):
    """A region and a street; the street is seen only by those who may, with a reason."""

    key, name_zh, name_en = "address", "地址", "Address"
    storage = Storage.JSON_LIST
    icon = "home"
    sensitive = True
    grouped = True
    wide = True

    def samples(self, field: FieldDefinition) -> Samples:
        """Return whole and partial addresses, and ones without a region or masked."""

        def at(region: str, detail: str) -> Sent:
            return Sent({f"{field.id}.region": [region], f"{field.id}.detail": [detail]})

        wrong = [at("火星", "1 号"), at("", "文三路 1 号"), at(SAMPLE_REGION, MASK * 4)]
        return Samples([at("浙江杭州西湖区", "文三路 478 号 3 幢"), at(SAMPLE_REGION, "")], wrong)

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return region code and street."""
        region, detail = (one_line(sent.first(f"{field.id}.{part}")) for part in ("region", "detail"))
        if not region and not detail:
            return None
        if not region:
            raise Refused(_("请先填省市区。"))
        code = read_region(region, field.text("level", "district"))
        return {"region": code, "detail": refuse_mask(refuse_long(detail, MAX_DETAIL))}

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return both parts under their input names."""
        if not isinstance(value, dict):
            return {}
        parts = {"region": region_name(str(value["region"])), "detail": str(value.get("detail") or "")}
        return {f"{field.id}.{name}": [text] for name, text in parts.items() if text}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the region with a masked street."""
        return self.masked(field, value)

    def masked(self, field: FieldDefinition, value: Value) -> str:
        """Return the region with a masked street."""
        if not isinstance(value, dict):
            return "—"
        return region_name(str(value["region"])) + (f" {MASK * 4}" if value.get("detail") else "")

    def revealed(self, field: FieldDefinition, value: Value) -> str:
        """Return the whole address on one line."""
        if not isinstance(value, dict):
            return "—"
        return f"{region_name(str(value['region']))} {value.get('detail') or ''}".strip()

    def to_condition(self, field: FieldDefinition, value: Value) -> object:
        """Return the codes of all levels, so that conditions ask for a province or city; the street is not theirs."""
        code = str(value["region"]) if isinstance(value, dict) else ""
        return tuple(code[:length] for length in CODE_LENGTHS.values() if len(code) >= length) or None

    def to_cell(self, field: FieldDefinition, value: Value) -> Cell:
        """Return the whole address, the levels parted by ›; an export without the right asks for `masked`."""
        if not isinstance(value, dict):
            return None
        return ARROW.join([*region_names(str(value["region"])), str(value.get("detail") or "")]).removesuffix(ARROW)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read an address as it is exported, or as people write it: the longest region it begins with."""
        text = one_line("" if cell is None else cell_text(cell))
        region, detail = split_address(text.replace(ARROW, ""), field.text("level", "district"))
        return self.parse(field, Sent({f"{field.id}.region": [region], f"{field.id}.detail": [detail]}))


@cache
def regions() -> Mapping[str, str]:
    """Return the name of every region by its code, in the order of the codes."""
    names: dict[str, str] = json.loads((VENDOR / REGIONS).read_text("utf-8"))
    return MappingProxyType(dict(sorted(names.items())))


def region_names(code: str) -> list[str]:
    """Return the names from the province down; levels people never say are left out."""
    names = [regions().get(code[:length], "") for length in CODE_LENGTHS.values() if len(code) >= length]
    return [name for name in names if name and name not in UNNAMED] or [code]


def region_name(code: str) -> str:
    """Return the names of all levels in a row."""
    return " ".join(region_names(code))


def read_region(text: str, level: str) -> str:
    """Return the code a code or a name means; refuse none, several, and one of another level."""
    codes = [text] if text in regions() else _spellings().get(_plain(text), ())
    deep = [
        code
        for code in codes
        if len(code) == CODE_LENGTHS[level] or (len(code) < CODE_LENGTHS[level] and _is_leaf(code))
    ]
    if len(deep) == 1:
        return deep[0]
    if deep:
        names = "、".join(region_name(code) for code in deep[:SHOWN_MATCHES])
        raise Refused(_("「%(text)s」有 %(n)d 个:%(names)s。请写上省和市。", text=text[:40], n=len(deep), names=names))
    if codes:
        raise Refused(
            _("「%(text)s」还不够细。请写到%(level)s。", text=region_name(codes[0])[:40], level=_level_name(level))
        )
    raise Refused(_("没有找到「%(text)s」。请写成“浙江省杭州市西湖区”。", text=text[:40]))


def split_address(text: str, level: str) -> tuple[str, str]:
    """Return the longest beginning of an address that names a region, and what follows it."""
    plain = text.replace(" ", "") if " " in text[:12] else text
    for end in range(min(len(plain), 40), 1, -1):
        if any(
            len(code) == CODE_LENGTHS[level] or _is_leaf(code) for code in _spellings().get(_plain(plain[:end]), ())
        ):
            return plain[:end], plain[end:].strip()
    return text, ""


@cache
def _spellings() -> Mapping[str, tuple[str, ...]]:
    """Every way a region is written: with and without the levels above it and their endings."""
    found: dict[str, list[str]] = {}
    for code in regions():
        names = region_names(code)
        above = [{name, _short(name), ""} for name in names[:-1]]
        starts = {""}
        for level in above:
            starts = {start + name for start in starts for name in level}
        own = {names[-1], _short(names[-1])} if len(code) < CODE_LENGTHS["district"] else {names[-1]}
        if regions()[code] in UNNAMED:
            continue
        for start in starts:
            for name in own:
                found.setdefault(_plain(start + name), []).append(code)
    return {name: tuple(dict.fromkeys(codes)) for name, codes in found.items()}


@cache
def _parents() -> frozenset[str]:
    return frozenset(code[:-2] for code in regions() if len(code) > CODE_LENGTHS["province"])


def _is_leaf(code: str) -> bool:
    return code not in _parents()


def _short(name: str) -> str:
    short = ENDINGS.sub("", name)
    return short if len(short) > 1 else name


def _plain(text: str) -> str:
    return re.sub(r"[\s/›>,,、\-]", "", text)


def _level_name(level: str) -> str:
    return {"province": _("省"), "city": _("市"), "district": _("区县")}[level]
