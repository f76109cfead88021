"""The issue a refused lot opens: what failed, by which numbers, where it was noticed and how grave it is."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.classification.models import Term
from qtrace.classification.queries import term_ids
from qtrace.core.db import require_write
from qtrace.inspections.models import Inspection, InspectionClass
from qtrace.inspections.words import CLASSES, KINDS
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import Lot

DETECTED = {"incoming": "arrival", "outgoing": "packing", "return": "delivery", "adhoc": "in_stock"}
TYPE = "product_defect"
ITEM_SEVERITY = "major"  # of a measured value or item that failed, where no class did
SUPPLIER_KINDS = ("incoming",)


def open_issue(inspection: Inspection, wrong: Sequence[str], *, by: int, now: datetime) -> int:
    """Open the issue of a refused lot and return its id; its flow begins like that of any other."""
    refused = [one for one in inspection.classes if not one.accepted]
    severity = refused[0].key if refused else ITEM_SEVERITY
    found, sample = sum(one.found for one in inspection.classes), inspection.sample
    party = "supplier" if inspection.kind in SUPPLIER_KINDS else "undecided"
    new = NewIssue(
        title=_title(inspection), description=describe(inspection, refused, wrong), type_id=_term("type", TYPE),
        severity_id=_term("severity", severity), responsible_party_id=_term("responsible_party", party),
        detection_point_id=_term("detection_point", DETECTED[inspection.kind]),
        safety=any(one.key == "critical" for one in refused), shop_id=inspection.shop_id, sku_id=inspection.sku_id,
        lot_id=inspection.lot_id, supplier_id=inspection.supplier_id, bad_qty=min(found, sample) if found else None,
        checked_qty=sample or None, department_id=inspection.department_id,
    )  # fmt: skip
    return create_issue(new, by=by, now=now).id


def describe(inspection: Inspection, refused: Sequence[InspectionClass], wrong: Sequence[str]) -> str:
    """Return what failed, line by line."""
    lines = [_("检验单 %(number)s,批量 %(n)d。", number=inspection.number, n=inspection.quantity)]
    lines += [reason(one) for one in refused]
    if wrong:
        lines.append(_("项目不合格:%(items)s。", items="、".join(wrong)))
    lines.append(
        _("检验方案要求停:建议隔离这一批。") if inspection.consequence == "stop" else _("检验方案为警示:提醒,不隔离。")
    )
    if inspection.note:
        lines.append(inspection.note)
    return "\n".join(lines)


def reason(one: InspectionClass) -> str:
    """Return why a class is accepted or not, in one sentence."""
    values = {"kind": CLASSES[one.key], "found": one.found, "n": one.n, "ac": one.ac, "re": one.re}
    if one.accepted:
        return _("%(kind)s:查 %(n)d 件,发现 %(found)d,不超过 %(ac)d,接收。", **values)
    return _("%(kind)s:查 %(n)d 件,发现 %(found)d,达到 %(re)d,不接收。", **values)


def _title(inspection: Inspection) -> str:
    lot = require_write().get(Lot, inspection.lot_id) if inspection.lot_id else None
    article = inspection.sku.label if inspection.sku else ""
    about = " ".join(part for part in (article, lot.external_id if lot else "") if part) or inspection.number
    if inspection.consequence == "stop":
        return _("%(kind)s不合格:%(about)s", kind=KINDS[inspection.kind], about=about)
    return _("%(kind)s预警:%(about)s", kind=KINDS[inspection.kind], about=about)


def _term(kind: str, code: str) -> int | None:
    """Return the term in use with this code; None where the company put it away."""
    term_id = term_ids(kind).get(code)
    return require_write().scalar(select(Term.id).where(Term.id == term_id, Term.active)) if term_id else None
