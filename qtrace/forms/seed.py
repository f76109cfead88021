"""The form a new company records quality issues with: finished on a phone in half a minute."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from qtrace.core.db import require_write
from qtrace.forms.models import Form, FormVersion

ISSUE_FORM = "issue"


def _field(
    key: str, control: str, zh: str, en: str, *, column: str = "", required: bool = False, help_zh: str = "",
    help_en: str = "", **options: object,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": key, "control": control, "label_zh": zh, "label_en": en, "required": required, "help_zh": help_zh,
        "help_en": help_en, "options": options, "column": column,
    }  # fmt: skip


CAPTURE = [
    _field(
        "source", "scan", "订单 / 运单 / SKU / 批次", "Order, waybill, SKU or lot", fills=True,
        help_zh="粘贴或扫码,其余自动带出;没有号码可以不填。", help_en="Paste or scan; the rest is filled in. Leave empty if there is none.",
    ),
    _field("photos", "photo", "照片", "Photos", max_count=9),
    _field(
        "type", "defect_code", "出了什么问题", "What went wrong", column="type_id", required=True, top=6,
        first=["leaking", "broken", "off_colour", "missing", "odour", "wrong_item"],
    ),
    _field("severity", "severity", "严重程度", "Severity", column="severity_id", required=True),
    _field("affected", "affected_qty", "数量(不良 / 检查)", "Quantity (bad / checked)", column="affected_qty"),
]  # fmt: skip
WORDS = [
    _field(
        "title", "text", "标题", "Title", column="title", max_length=200,
        help_zh="不填就用问题类型和商品起名。", help_en="Left empty, it is named after the type and the article.",
    ),
    _field("description", "textarea", "说明", "Description", column="description", max_length=5000),
]  # fmt: skip
ORIGIN = [
    _field("order", "order_ref", "订单号", "Order number", column="order_id"),
    _field("sku", "sku", "SKU 编码", "SKU", column="sku_id"),
    _field("lot", "lot_no", "批号", "Lot number", column="lot_id"),
    _field("supplier", "supplier", "供应商", "Supplier", column="supplier_id"),
    _field(
        "detection_point", "defect_code", "发现环节", "Detection point", column="detection_point_id",
        kind="detection_point", top=8,
    ),
]  # fmt: skip
DEFINITION: dict[str, Any] = {
    "sections": [
        {"id": "capture", "title_zh": "登记", "title_en": "Record", "folded": False, "fields": CAPTURE},
        {"id": "words", "title_zh": "补充说明", "title_en": "In words", "folded": True, "fields": WORDS},
        {"id": "origin", "title_zh": "从哪里来", "title_en": "Where it comes from", "folded": True, "fields": ORIGIN},
    ]
}


def seed(*, now: datetime) -> None:
    """Add the issue form if there is none; a form the company changed stays as it is."""
    session = require_write()
    if session.scalar(select(Form.id).where(Form.key == ISSUE_FORM)):
        return
    form = Form(
        key=ISSUE_FORM, name_zh="质量问题登记", name_en="Record a quality issue", current_version=1, kind="issue",
        built_in=True, prefix="QI",
    )  # fmt: skip
    session.add(form)
    session.flush()  # the id is needed by the version
    session.add(FormVersion(form_id=form.id, version=1, definition=DEFINITION, published_at=now))
