"""The demonstration's own forms: incoming inspections and warehouse notes with their rules, and a quality standard."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from qtrace.catalog.models import Sku
from qtrace.catalog.standards import Content, Limit, Scope, add_standard
from qtrace.core.db import db, read, write
from qtrace.forms.creating import NewForm, create_form
from qtrace.forms.designing import Turn
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.publishing import publish_draft
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.shipped import templates
from qtrace.forms.use import count_use
from qtrace.orders.models import Lot, Receipt
from qtrace.records.service import NewRecord, create_record
from qtrace.rules.queries import words_of
from qtrace.rules.reading import Draft
from qtrace.rules.service import add_rule
from qtrace.setup.demo_data import Demo

INSPECTIONS, NOTES = 160, 40
INSPECTION, WAREHOUSE = "qc", "wh"  # the forms get their keys from their prefixes
SHOWN = ("inspection", "warehouse")
NOT_GOOD = {"not": {"field": "result", "op": "eq", "value": "pass"}}
RULES = {
    INSPECTION: [
        Draft(
            "required", "remark", condition=NOT_GOOD, name="不合格要写说明", message_zh="结论不是合格,请写清楚看到了什么。",
            message_en="The result is not a pass: please say what you saw.",
        ),
        Draft("not_future", "day", name="日期不晚于今天"),
    ],
    WAREHOUSE: [
        Draft(
            "required", "qty", condition={"field": "kind", "op": "in", "value": ["short", "broken", "near"]},
            name="少件、破损、临期要写数量",
        ),
        Draft("outlier", "qty", {"least": "20"}, level="warn", name="数量和平时差得太多"),
    ],
}  # fmt: skip
FAULTS = [
    ("scratch", "瓶身有划痕,集中在外箱底层。"),
    ("dirt", "表面有指纹和灰,擦拭后可接受。"),
    ("broken", "泵头断裂,同一箱里 3 件。"),
]
CASES = [
    ("short", 2, "开箱少 2 件,封箱胶带完好。"), ("wrong", None, "放到了隔壁货位,已归位。"), ("broken", 1, "叉车碰倒,外盒压扁。"),
    ("near", 24, "离到期不足 90 天,请安排促销。"), ("label", None, "箱唛批号和内盒不一致,已拍照。"),
]  # fmt: skip


def fill_forms(demo: Demo, people: Mapping[str, int], *, seed: int, now: datetime) -> None:
    """Publish the two forms with their rules and fill them in as the people at the door would have."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable demonstration, no secret
    with write():
        for template in templates():
            if template.key in SHOWN:
                new = NewForm(
                    template.name_zh, template.name_en, template.kind, template.prefix, f"template:{template.key}"
                )
                key = create_form(new, by=people["admin"], now=now)
                publish_draft(key, Turn(1, people["admin"], now), "")
    with write():
        for key, drafts in RULES.items():
            words = words_of(key)
            for draft in drafts:
                add_rule(key, draft, words, by=people["quality_lead"], now=now)
    _inspect(chance, people["inspector"], now)
    _note(chance, people["inspector"], now)
    _set_standard(demo, people["quality_lead"], now)


def _inspect(chance: random.Random, inspector: int, now: datetime) -> None:
    """Inspect the newest deliveries; what leaks later looked well at the door, which is why nobody found it there."""
    with read():
        received = db.session.execute(
            select(Receipt.received_at, Receipt.quantity, Receipt.supplier_id, Lot.id, Lot.sku_id)
            .join(Lot, Lot.id == Receipt.lot_id)
            .where(Receipt.received_at.is_not(None), Lot.sku_id.is_not(None))
            .order_by(Receipt.received_at.desc(), Receipt.id.desc())
            .limit(INSPECTIONS)
        ).all()
        form, version = current_form(INSPECTION)
    with write():
        for received_at, quantity, supplier_id, lot_id, sku_id in reversed(received):
            at = (received_at or now) + timedelta(hours=3)
            checked = min(quantity, chance.choice((13, 20, 32, 50)))
            answers: dict[str, Any] = {
                "sku": sku_id, "lot": lot_id, "supplier": supplier_id, "day": at.date().isoformat(), **_seen(chance, checked),
            }  # fmt: skip
            _file(form, version, answers, by=inspector, at=at)


def _seen(chance: random.Random, checked: int) -> dict[str, Any]:
    if chance.random() > 0.12:
        return {
            "counts": {"bad": 0, "checked": checked}, "look": "ok", "package": "label" if chance.random() < 0.04 else "ok",
            "result": "pass",
        }  # fmt: skip
    look, words = chance.choice(FAULTS)
    bad = chance.randint(1, max(1, checked // 8))
    result = "return" if bad * 10 > checked else chance.choice(("concede", "sort"))
    return {
        "counts": {"bad": bad, "checked": checked},
        "look": look,
        "package": "ok",
        "result": result,
        "remark": words,
    }


def _note(chance: random.Random, keeper: int, now: datetime) -> None:
    with read():
        form, version = current_form(WAREHOUSE)
    with write():
        for n in range(NOTES, 0, -1):
            kind, quantity, words = chance.choice(CASES)
            at = now - timedelta(days=2 * n, minutes=chance.randrange(400))
            answers = {
                "code": f"A{chance.randint(1, 9):02d}-{chance.randint(1, 24):02d}-{chance.randint(1, 4)}", "kind": kind,
                "qty": quantity, "urgent": chance.random() < 0.2, "remark": words,
            }  # fmt: skip
            _file(form, version, answers, by=keeper, at=at)


def _file(form: Form, version: FormVersion, answers: Mapping[str, Any], *, by: int, at: datetime) -> None:
    """Store a record and count how its form was used, as its page does."""
    given = {name: value for name, value in answers.items() if value is not None}
    create_record(NewRecord(form.id, version.id, given), by=by, now=at)
    definition = stored_definition(form.key, version.id)
    count_use(form.id, [field.id for field in definition.fields], given, {"day"} & given.keys())


def _set_standard(demo: Demo, lead: int, now: datetime) -> None:
    planted = demo.planted.bad_lot
    with read():
        sku = db.session.scalars(select(Sku).where(Sku.external_id == planted.sku).order_by(Sku.id)).first()
    if sku is None:
        raise LookupError(f"the demonstration has no article {planted.sku}")
    limits = [
        Limit("净含量", "29.5", "31.0", "ml"),
        Limit("瓶盖扭力", "1.2", "1.8", "N·m"),
        Limit("泵头出液", "0.10", "0.16", "ml"),
    ]
    text = "瓶身无划痕、无气泡;泵头按压 10 次不漏;倒置 24 小时不渗液;批号喷码清晰,与外箱一致。"
    day = now.date() - timedelta(days=120)
    with write():
        content = Content(effective_on=day, text=text, limits=limits)
        add_standard(f"{sku.name} 封样", Scope(sku_id=sku.id), content, by=lead, now=now)
