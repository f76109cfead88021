"""What staff call each field of an issue, and which of them a form may fill."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.forms.registry import Storage

FIELD_NAMES: dict[str, LazyString] = {
    "title": _("标题"),
    "description": _("说明"),
    "answers": _("表单内容"),
    "type_id": _("问题类型"),
    "severity_id": _("严重程度"),
    "responsible_party_id": _("责任方"),
    "detection_point_id": _("发现环节"),
    "disposition_id": _("处置方式"),
    "verified_cause_id": _("证实的原因"),
    "safety": _("安全问题"),
    "shop_id": _("店铺"),
    "order_id": _("订单"),
    "sku_id": _("商品"),
    "lot_id": _("批次"),
    "supplier_id": _("供应商"),
    "courier_line": _("快递线路"),
    "bad_qty": _("不良数量"),
    "checked_qty": _("检查数量"),
    "owner_id": _("负责人"),
}
FORM_COLUMNS = {
    "title": Storage.TEXT,
    "description": Storage.TEXT,
    "courier_line": Storage.TEXT,
    "type_id": Storage.REF,
    "severity_id": Storage.REF,
    "responsible_party_id": Storage.REF,
    "detection_point_id": Storage.REF,
    "disposition_id": Storage.REF,
    "order_id": Storage.REF,
    "sku_id": Storage.REF,
    "lot_id": Storage.REF,
    "supplier_id": Storage.REF,
    "safety": Storage.BOOL,
    "affected_qty": Storage.JSON_LIST,
}
# Which taxonomy a term column chooses from, so that a form can't put a severity where a type belongs.
TERM_COLUMNS = {
    "type_id": "type",
    "severity_id": "severity",
    "responsible_party_id": "responsible_party",
    "detection_point_id": "detection_point",
    "disposition_id": "disposition",
    "verified_cause_id": "type",
}
