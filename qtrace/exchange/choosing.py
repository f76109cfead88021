"""Before the first row: which kind of records a file holds, by which mapping it is read, and whose they are."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.catalog.models import Shop
from qtrace.catalog.queries import shop_by_key, shops
from qtrace.catalog.service import DEFAULT_SHOP
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.exchange.kinds import KINDS, OWN_FORM, Kind
from qtrace.exchange.mapping import check_definition, compile_mapping, detect_kind, suggest_definition
from qtrace.exchange.models import ImportMapping, ImportRun
from qtrace.exchange.presets import Preset, headers_of, presets
from qtrace.exchange.queries import detail_of, mappings_named, saved_mappings
from qtrace.exchange.reading import Table, read_table
from qtrace.exchange.returned import READING, of_returned
from qtrace.exchange.targets import described, kinds, other_targets
from qtrace.exchange.template_file import filled_template


@dataclass(frozen=True)
class ShopChoice:
    """The shop records will belong to; `id` is None while it is still to be opened."""

    id: int | None
    key: str
    name: str
    currency: str
    zone: str
    platform: str = ""


@dataclass(frozen=True)
class Chosen:
    """Everything decided before the first row is read."""

    kind: str
    mapping_name: str
    definition: dict[str, Any]
    shop: ShopChoice
    headers: tuple[str, ...]
    ignored: tuple[str, ...]


def choose(
    path: Path, *, name: str, kind: str | None = None, mapping: str | None = None, shop_key: str | None = None
) -> Chosen:
    """Decide kind, mapping and shop of a file by what is asked for and what its headers say."""
    chosen, table = choose_and_open(path, name=name, kind=kind, mapping=mapping, shop_key=shop_key)
    table.close()
    return chosen


def choose_and_open(
    path: Path, *, name: str, kind: str | None = None, mapping: str | None = None, shop_key: str | None = None
) -> tuple[Chosen, Table]:
    """Decide like `choose` and return the opened table too, so that a large workbook is read once."""
    if kind is not None:
        described(kind)
    table = read_table(path, name=name)
    try:
        made_here = None if mapping else filled_template(table.sheet, table.headers, kinds().values())
        if made_here and kind in (None, made_here["kind"]):
            mapping_name, definition, preset = "", made_here, None
        else:
            mapping_name, definition, preset = _choose_mapping(table.headers, kind, mapping, name)
        if not mapping_name:
            _refuse_doubled(definition, table)
        if READING & definition.keys():
            table.close()
            table = open_table(path, name, definition)
        shop = _shop_for(str(definition["kind"]), shop_key, preset)
        plan = compile_mapping(
            definition,
            table.headers,
            zone=shop.zone,
            kind=described(str(definition["kind"])),
            epoch_1904=table.epoch_1904,
        )
    except BaseException:
        table.close()
        raise
    headers = tuple(table.headers)
    return Chosen(str(definition["kind"]), mapping_name, dict(definition), shop, headers, plan.ignored), table


def choose_by_columns(definition: dict[str, Any], headers: Sequence[str], *, shop_id: int | None, name: str) -> Chosen:
    """Return what a person decided on the mapping page, checked against the headers."""
    shop = db.session.get(Shop, shop_id) if shop_id else None
    choice = choice_of(shop) if shop else _shop_for(str(definition["kind"]), None, None)
    plan = compile_mapping(definition, headers, zone=choice.zone, kind=described(str(definition["kind"])))
    return Chosen(str(definition["kind"]), name, definition, choice, tuple(headers), plan.ignored)


def choose_as_before(run: ImportRun, headers: Sequence[str]) -> Chosen:
    """Return what was decided for a run, for its mended rows."""
    definition, shop = of_returned(detail_of(run).mapping), shop_of(run)
    plan = compile_mapping(definition, headers, zone=shop.zone, kind=described(run.kind))
    return Chosen(run.kind, run.mapping, definition, shop, tuple(headers), plan.ignored)


def fits_pattern(file_name: str, pattern: str) -> bool:
    """Say whether a file's name is of the kind a mapping was saved for; `*` stands for anything."""
    return bool(pattern) and fnmatchcase(file_name.casefold(), pattern.casefold())


def pattern_of(file_name: str) -> str:
    """Return a pattern for files like this one: the same name with other numbers in it."""
    stem, dot, suffix = file_name.rpartition(".")
    return re.sub(r"[\d\-_ .]*\d[\d\-_ .]*", "*", stem or file_name)[:100] + (dot + suffix if stem else "")


def is_remembered(headers: Sequence[str], kind: str | None, file_name: str = "") -> bool:
    """Say whether a saved or shipped mapping reads these columns."""
    return _remembered(headers, kind, file_name) is not None


def _shop_for(kind: str, key: str | None, preset: Preset | None) -> ShopChoice:
    """Return the shop the rows belong to; records of a company's own form name theirs in a field, so any zone will do."""
    known = shops()
    if key is None and known and kind.startswith(OWN_FORM):
        return choice_of(known[0])
    return choose_shop(key, preset)


def choose_shop(key: str | None, preset: Preset | None) -> ShopChoice:
    """Return the shop asked for, the preset's, the only one there is, or a first one still to be opened."""
    if key is None and preset is None:
        known = shops()
        if len(known) > 1:
            raise Refused(
                _("有几个店铺,请指明是哪一个:%(keys)s。", keys="、".join(shop.key for shop in known)), field="shop"
            )
        if known:
            return choice_of(known[0])
    wanted = key or (preset.shop.key if preset else DEFAULT_SHOP)
    found = shop_by_key(wanted)
    if found:
        return choice_of(found)
    if preset:
        shop = preset.shop
        name = shop.name if wanted == shop.key else wanted
        return ShopChoice(None, wanted, name, shop.currency, shop.zone, shop.platform)
    return ShopChoice(None, wanted, _("默认店铺") if wanted == DEFAULT_SHOP else wanted, "CNY", "Asia/Shanghai")


def choice_of(shop: Shop) -> ShopChoice:
    """Return an open shop as a choice."""
    return ShopChoice(shop.id, shop.key, shop.name, shop.currency, shop.zone, shop.platform)


def shop_of(run: ImportRun) -> ShopChoice:
    """Return the shop of a run; that of a dry run may still have to be opened."""
    shop = db.session.get(Shop, run.shop_id) if run.shop_id else None
    return choice_of(shop) if shop else choose_shop(DEFAULT_SHOP, presets().get(run.mapping))


def open_table(path: Path, name: str, definition: Mapping[str, Any]) -> Table:
    """Open the file with the sheet, header row and encoding its mapping names."""
    return read_table(
        path, name=name, sheet=definition.get("sheet"), header_row=definition.get("header_row"),
        header_rows=definition.get("header_rows"), encoding=definition.get("encoding"),
        keep_totals=bool(definition.get("keep_totals")),
    )  # fmt: skip


def _refuse_doubled(definition: dict[str, Any], table: Table) -> None:
    """Refuse to guess which of two columns of one name is meant; a person or a saved mapping may say so."""
    doubled = sorted(headers_of(definition) & set(table.doubled))
    if doubled:
        raise Refused(
            _(
                "表头有重名的列:%(names)s。请在导入页指定用哪一列,或改成不同的名字后再导入。",
                names="、".join(name[:40] for name in doubled[:20]),
            )
        )


def _choose_mapping(
    headers: Sequence[str], kind: str | None, mapping: str | None, name: str
) -> tuple[str, dict[str, Any], Preset | None]:
    if mapping and mapping.lower().endswith(".json"):
        return _mapping_file(Path(mapping), kind)
    if mapping:
        return _named_mapping(mapping, headers, kind)
    remembered = _remembered(headers, kind, name)
    if remembered:
        return remembered
    wanted = kind or detect_kind(headers)
    if wanted is None:
        raise Refused(
            _(
                "认不出这是哪一类数据。请用 --as 指定,可用的有:%(known)s。文件里的列有:%(headers)s。",
                known="、".join(KINDS), headers="、".join(header for header in headers if header),
            ),
            field="kind",
        )  # fmt: skip
    return "", suggest_definition(described(wanted), headers), None


def _mapping_file(path: Path, kind: str | None) -> tuple[str, dict[str, Any], Preset | None]:
    try:
        definition = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        raise Refused(_("打不开映射文件 %(path)s。", path=path), field="mapping") from None
    except ValueError as error:
        raise Refused(_("映射文件 %(path)s 不是 JSON:%(why)s", path=path, why=error), field="mapping") from None
    if isinstance(definition, dict) and kind:
        definition.setdefault("kind", kind)
    check_definition(definition, _described_by(definition))
    if kind and definition["kind"] != kind:
        raise Refused(
            _("映射文件是给「%(theirs)s」的,而 --as 是「%(ours)s」。", theirs=definition["kind"], ours=kind),
            field="mapping",
        )
    return str(definition.get("name", path.stem)), definition, None


def _described_by(definition: object) -> Kind | None:
    """Return what a mapping's records are when they are no facts of a shop."""
    name = str(definition.get("kind", "")) if isinstance(definition, dict) else ""
    return described(name) if name in other_targets() else None


def _named_mapping(name: str, headers: Sequence[str], kind: str | None) -> tuple[str, dict[str, Any], Preset | None]:
    preset = presets().get(name)
    saved = [row.definition for row in mappings_named(name) if kind in (None, row.kind)]
    given = set(headers)
    shipped = [one for one in preset.mappings if kind in (None, one["kind"])] if preset else []
    fitting = [one for one in (*saved, *shipped) if headers_of(one) <= given]
    if fitting:
        # a saved mapping comes before the shipped one that reads as many columns
        return name, max(fitting, key=lambda one: len(headers_of(one))), preset
    only = saved or shipped
    if len(only) == 1:
        return name, only[0], preset
    if preset or saved or mappings_named(name):
        raise Refused(_("映射「%(name)s」里没有适合这个文件的一份。", name=name), field="mapping")
    known = "、".join(dict.fromkeys([*presets(), *(row.name for row in db.session.scalars(select(ImportMapping)))]))
    raise Refused(_("没有名为「%(name)s」的映射,已有:%(known)s。", name=name, known=known), field="mapping")


def _remembered(
    headers: Sequence[str], kind: str | None, file_name: str = ""
) -> tuple[str, dict[str, Any], Preset | None] | None:
    """Return the saved or shipped mapping that fits: one saved for such file names, else one that reads most columns."""
    given = set(headers)
    saved = saved_mappings(kind)
    known: list[tuple[str, dict[str, Any]]] = [(row.name, row.definition) for row in saved]
    meant = {(row.name, row.kind) for row in saved if fits_pattern(file_name, row.pattern)}
    known += [
        (preset.name, one) for preset in presets().values() for one in preset.mappings if kind in (None, one["kind"])
    ]
    fitting = [(name, one) for name, one in known if headers_of(one) and headers_of(one) <= given]
    if not fitting:
        return None
    name, definition = max(fitting, key=lambda pair: ((pair[0], pair[1]["kind"]) in meant, len(headers_of(pair[1]))))
    return name, definition, presets().get(name)
