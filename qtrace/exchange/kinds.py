"""The kinds of records a file can hold: their fields, what staff call them, and the headers they go by."""

import re
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, get_args, get_type_hints

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.orders.fields import label
from qtrace.sdk.records import RECORD_TYPES

OWN_FORM = "form:"  # before the key of a company's own form, whose records are a kind too
FieldType = Literal["text", "whole", "number", "time", "day", "flag"]

ALSO_REQUIRED = {("lines", "order"), ("lines", "external_id"), ("reviews", "external_id")}
FIELD_TYPES: dict[object, FieldType] = {str: "text", int: "whole", Decimal: "number", datetime: "time", date: "day"}

KIND_LABELS: dict[str, LazyString] = {
    "orders": _("订单"),
    "lines": _("订单明细"),
    "products": _("商品"),
    "suppliers": _("供应商"),
    "reviews": _("评价"),
    "aftersales": _("售后"),
    "shipments": _("包裹"),
    "payments": _("支付"),
    "lots": _("批次"),
    "receipts": _("采购入库"),
    "purchases": _("采购单"),
    "purchase_lines": _("采购明细"),
    "kit_parts": _("套装组成"),
    "lot_parts": _("批次组成"),
    "stock_moves": _("库存移动"),
    "stock_balances": _("库存"),
    "stock_outs": _("销售出库单"),
    "stock_out_lines": _("销售出库明细"),
    "parcel_items": _("包裹内件"),
    "parcel_scans": _("物流轨迹"),
    "serials": _("序列号"),
    "returns": _("退货入库"),
    "listings": _("详情页快照"),
    "customers": _("买家"),
    "warehouses": _("仓库"),
    "categories": _("类目"),
    "places": _("邮编坐标"),
    "issues": _("质量问题"),
}

# Headers seen in exports of shops and ERPs; compared without case, spaces, marks and what stands in brackets.
SYNONYMS: dict[tuple[str, str], str] = {
    ("", "order"): "订单号 订单编号 主订单编号 平台订单号 原始单号 交易编号 order_id order_no order_number order",
    ("", "sku"): "sku sku编码 商家编码 规格编码 商品编码 货品编码 product_id sku_id sku_code seller_sku",
    ("", "supplier"): "供应商 供应商编号 供应商编码 供货商 seller_id supplier supplier_id vendor",
    ("", "warehouse"): "仓库 仓库编号 仓库编码 发货仓 warehouse warehouse_id",
    ("", "customer"): "买家 买家id 买家昵称 会员名 客户编号 customer_id buyer_id customer",
    ("", "lot"): "批号 批次 批次号 生产批号 lot lot_no batch batch_no",
    ("", "quantity"): "数量 购买数量 件数 入库数量 quantity qty",
    ("", "price"): "单价 商品单价 销售价 价格 price unit_price",
    ("", "freight"): "运费 邮费 freight freight_value shipping_fee",
    ("", "currency"): "币种 货币 currency",
    ("", "status"): "状态 订单状态 order_status status",
    ("", "region"): "地区 省份 省 收货省份 州 region state province",
    ("", "city"): "城市 市 city",
    ("", "name"): "名称 name",
    ("", "contact"): "联系方式 联系人 电话 contact",
    ("", "paid"): "实付金额 实付款 买家实付金额 支付金额 订单金额 paid paid_amount total",
    (
        "",
        "placed_at",
    ): "下单时间 创建时间 订单创建时间 拍下时间 order_purchase_timestamp created_at placed_at order_date",
    ("", "shipped_at"): "发货时间 出库时间 shipped_at ship_date order_delivered_carrier_date",
    ("", "delivered_at"): "签收时间 收货时间 妥投时间 delivered_at order_delivered_customer_date",
    ("", "promised_at"): "承诺送达时间 预计送达时间 应送达时间 promised_at order_estimated_delivery_date",
    ("", "ship_by"): "最晚发货时间 承诺发货时间 shipping_limit_date ship_by",
    ("", "text"): "内容 评价内容 说明 备注 问题描述 review_comment_message content text description",
    ("", "title"): "标题 评价标题 review_comment_title title",
    ("", "reason"): "原因 退款原因 售后原因 reason",
    ("", "reason_code"): "原因代码 原因编码 reason_code",
    ("", "refund"): "退款金额 退款 实退金额 refund refund_amount",
    ("", "opened_at"): "申请时间 退款申请时间 售后申请时间 opened_at applied_at",
    ("", "closed_at"): "完结时间 退款完成时间 closed_at",
    (
        "",
        "platform_due_at",
    ): "平台时限 平台处理截止 处理截止时间 售后截止时间 商家处理截止时间 举证截止时间 platform_due_at",
    ("", "stars"): "评分 星级 打分 review_score stars rating score",
    ("", "reviewed_at"): "评价时间 评论时间 review_creation_date reviewed_at review_date",
    ("", "answered_at"): "回复时间 review_answer_timestamp answered_at",
    ("", "courier"): "快递公司 物流公司 承运商 courier carrier",
    ("", "made_on"): "生产日期 制造日期 made_on production_date",
    ("", "expires_on"): "到期日期 有效期至 失效日期 expires_on expiry_date",
    ("", "received_at"): "入库时间 收货时间 到货时间 入库日期 received_at",
    ("", "weight_g"): "重量 克重 product_weight_g weight_g weight",
    ("", "category"): "类目 分类 品类 product_category_name category",
    ("", "barcode"): "条码 条形码 国际条码 barcode ean gtin",
    ("", "product_code"): "货号 款号 商品id 宝贝id product_code spu",
    ("", "method"): "支付方式 付款方式 payment_type method",
    ("", "installments"): "分期数 payment_installments installments",
    ("", "amount"): "金额 支付金额 payment_value amount",
    ("", "postal_code"): "邮编 邮政编码 postal_code zip zip_code",
    ("", "latitude"): "纬度 lat latitude",
    ("", "longitude"): "经度 lng lon longitude",
    ("", "person_id"): "买家编号 customer_unique_id person_id",
    ("orders", "external_id"): "订单号 订单编号 主订单编号 平台订单号 order_id order_no order_number",
    ("lines", "external_id"): "行号 子订单编号 子订单号 明细编号 order_item_id line_no line_id",
    ("products", "external_id"): "sku sku编码 商家编码 规格编码 商品编码 货品编码 product_id sku_id sku_code",
    ("products", "name"): "商品名称 宝贝标题 品名 货品名称 product_name name title 名称",
    ("suppliers", "external_id"): "供应商编号 供应商编码 供应商代码 seller_id supplier_id vendor_id",
    ("suppliers", "name"): "供应商名称 供应商 供货商 supplier_name name 名称",
    ("reviews", "external_id"): "评价编号 评价id 评论id review_id",
    ("aftersales", "external_id"): "售后单号 退款编号 退款单号 售后编号 aftersale_id refund_id return_id",
    ("aftersales", "kind"): "售后类型 退款类型 aftersale_type",
    ("aftersales", "line"): "行号 子订单编号 子订单号 order_item_id",
    ("aftersales", "freight"): "退货运费 运费",
    ("shipments", "external_id"): "运单号 快递单号 物流单号 tracking_number tracking_no waybill",
    ("shipments", "line"): "快递线路 线路 route",
    ("payments", "external_id"): "支付序号 支付单号 payment_sequential payment_id",
    ("lots", "external_id"): "批号 批次 批次号 生产批号 lot lot_no batch_no",
    ("receipts", "external_id"): "入库单号 采购入库单号 收货单号 receipt_id receipt_no",
    ("receipts", "purchase"): "采购单号 采购订单号 purchase_no po_no po",
    ("", "purchase"): "采购单号 采购订单号 purchase_no po_no po",
    ("", "brand"): "品牌 brand",
    ("", "replaced_by"): "新编码 新sku replaced_by",
    ("", "merged_into"): "并入供应商 merged_into",
    ("", "supplier_lot"): "供应商批号 厂家批号 supplier_lot",
    ("", "quality_status"): "质量状态 批次状态 quality_status",
    ("", "level"): "批次层级 level",
    ("", "kit"): "套装sku 套装编码 组合装编码 组合商品编码 kit_sku kit",
    ("", "part"): "组成sku 子商品编码 单品编码 组成商品编码 part_sku part component",
    ("", "valid_from"): "生效日期 开始日期 valid_from",
    ("", "valid_until"): "失效日期 结束日期 valid_until",
    ("", "moved_at"): "发生时间 移动时间 业务时间 moved_at",
    ("", "to_warehouse"): "调入仓库 目标仓库 to_warehouse",
    ("", "document"): "单据号 关联单号 document",
    ("", "allocated"): "占用数量 占用 锁定数量 待发数量 allocated",
    ("", "counted_at"): "盘点时间 库存时间 counted_at",
    ("", "waybill"): "运单号 快递单号 物流单号 tracking_number tracking_no waybill",
    ("", "trade"): "erp单号 系统单号 系统订单号 内部单号 trade_no trade_id trade",
    ("", "shop"): "店铺 店铺名称 店铺编号 shop shop_key",
    ("", "stock_out"): "出库单号 销售出库单号 发货单号 stockout_no stock_out",
    ("", "scanned_at"): "扫描时间 轨迹时间 scanned_at",
    ("", "place"): "地点 网点 place",
    ("", "offer"): "商品id 宝贝id 商品链接id offer_id item_id listing_id",
    ("", "seen_at"): "快照时间 采集时间 seen_at",
    ("", "pictures"): "图片哈希 主图哈希 pictures",
    ("", "attributes"): "属性 商品属性 attributes",
    ("", "return_waybill"): "退货运单号 退货快递单号 退货物流单号 return_waybill",
    ("", "condition"): "品质 库存状态 condition",
    ("purchases", "external_id"): "采购单号 采购订单号 purchase_no po_no po",
    ("purchase_lines", "external_id"): "行号 明细编号 line_no",
    ("purchase_lines", "quantity"): "数量 采购数量 quantity qty",
    ("stock_moves", "external_id"): "移动单号 调拨单号 盘点单号 报废单号 库存单号 move_no",
    ("stock_moves", "kind"): "移动类型 业务类型 move_kind",
    ("stock_balances", "quantity"): "库存数量 可用库存 实际库存 在库数量 数量 quantity qty",
    ("stock_outs", "external_id"): "出库单号 销售出库单号 发货单号 stockout_no stock_out",
    # what a warehouse prints in one go is numbered like a lot, and is none
    ("stock_outs", "print_batch"): "打印批次 批次号 波次号 波次 batch_no batch wave_no",
    ("stock_outs", "orders"): "平台订单号 订单号 原始单号 原始单号集合 order_ids orders",
    ("stock_out_lines", "external_id"): "明细序号 明细编号 行号 rec_id detail_id",
    ("stock_out_lines", "order"): "平台订单号 原始单号 订单号 order_id order_no src_tid",
    ("stock_out_lines", "line"): "平台行号 平台子订单号 原始子单号 子订单号 src_oid",
    ("stock_out_lines", "lot"): "批号 生产批号 货品批次 lot lot_no",
    ("stock_out_lines", "quantity"): "出库数量 发货数量 数量 quantity qty",
    ("serials", "external_id"): "序列号 sn 串号 imei serial serial_no",
    ("returns", "external_id"): "退货入库单号 退货单号 return_no",
    ("returns", "waybill"): "退货运单号 退货快递单号 运单号 快递单号 return_waybill tracking_no",
    ("returns", "condition"): "到货状况 验收结果 品相 condition",
    ("returns", "outcome"): "去向 处理结果 outcome",
    ("returns", "received_at"): "收货时间 入库时间 received_at",
    ("listings", "title"): "详情页标题 商品标题 标题 title",
    ("lot_parts", "lot"): "成品批号 lot",
    ("lot_parts", "part"): "部件批号 组件批号 part_lot",
    ("customers", "external_id"): "买家 买家id 客户编号 customer_id buyer_id",
    ("customers", "masked_name"): "买家昵称 昵称",
    ("warehouses", "external_id"): "仓库编号 仓库编码 warehouse_id",
    ("warehouses", "name"): "仓库名称 仓库 warehouse_name",
    ("categories", "external_id"): "类目编号 类目编码 product_category_name category_id",
    ("issues", "external_id"): "问题编号 异常编号 异常单号 不良单号 报告编号 信息编号 issue_id issue_no issue_number",
    ("issues", "title"): "标题 问题标题 问题名称 异常标题 问题 故障描述 故障现象 title subject",
    (
        "issues",
        "text",
    ): "处理结果 处理方式及未解决问题 原因分析 说明 问题描述 问题说明 异常描述 描述 详情 备注 description text",
    ("issues", "type"): "问题类型 异常类型 缺陷类型 类型 issue_type defect_type type",
    ("issues", "severity"): "严重程度 严重等级 严重度 等级 severity",
    ("issues", "responsible_party"): "责任方 责任归属 责任初判 故障初判 responsible_party",
    ("issues", "detection_point"): "发现环节 detection_point",
    ("issues", "disposition"): "处置方式 处置 disposition",
    ("issues", "sku"): "sku sku编码 商家编码 规格编码 商品编码 货品编码 产品型号 型号 product_id sku_id sku_code",
    ("issues", "lot"): "批号 批次 批次号 生产批号 产品编号 lot lot_no batch batch_no",
    ("issues", "courier_line"): "快递线路 courier_line",
    ("issues", "bad_qty"): "不良数量 不良数 不合格数 bad_qty defect_qty",
    ("issues", "checked_qty"): "检查数量 抽检数量 检验数量 checked_qty inspected_qty",
    ("issues", "found_at"): "发现时间 发现日期 发生时间 故障日期 登记时间 登记日期 found_at detected_at occurred_at",
    ("categories", "name"): "类目名称 product_category_name_english category_name",
}


def also_called(words: Iterable[str], topic: str = "") -> list[str]:
    """Return normalised words with what else their thing is called in exports; `topic` is what the thing is, if known."""
    own = [normal(word) for word in words if word]
    groups = [[normal(word) for word in said.split()] for said in SYNONYMS.values()]
    named = [normal(word) for word in SYNONYMS.get(("", topic), "").split()] if topic else []
    shared = [word for group in groups if own and own[0] in group for word in group]
    return list(dict.fromkeys([*own, *named, *shared]))


@dataclass(frozen=True)
class Choice:
    """One value a field may have: what is stored, what staff read, and other words for it."""

    value: str
    label: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Field:
    """One field of a kind: its type, whether a file must give it, and the headers it is known by.

    A field with choices has one of them, or with `many` several; `help` is what a person filling a table is told.
    """

    name: str
    label: LazyString | str
    type: FieldType
    required: bool
    synonyms: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    many: bool = False
    help: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of record with its fields in the order staff read them.

    `keys` are the fields a record may be known by when it comes in again; what names none is always new.
    """

    name: str
    label: LazyString | str
    fields: tuple[Field, ...]
    keys: tuple[str, ...] = ()

    def field(self, name: str) -> Field | None:
        """Return the field of this name."""
        return next((one for one in self.fields if one.name == name), None)

    @property
    def required(self) -> tuple[Field, ...]:
        """Return the fields a file must give."""
        return tuple(one for one in self.fields if one.required)


def normal(header: str) -> str:
    """Return a header as it is compared: no case, spaces, marks, or words in brackets."""
    bare = re.sub(r"[((\[【].*?[))\]】]", "", header)
    return re.sub(r"[\W_]+", "", bare).lower() or re.sub(r"[\W_]+", "", header).lower()


def _field_type(hint: object) -> FieldType:
    return next(FIELD_TYPES[one] for one in (get_args(hint) or (hint,)) if one in FIELD_TYPES)


def _kind(name: str) -> Kind:
    record_type = RECORD_TYPES[name]
    hints = get_type_hints(record_type)
    found = []
    for one in fields(record_type):
        words = (SYNONYMS.get((name, one.name)) or SYNONYMS.get(("", one.name), "")).split()
        words += [one.name] if one.name != "external_id" else []
        required = (one.default is MISSING) or (name, one.name) in ALSO_REQUIRED
        synonyms = tuple(dict.fromkeys(normal(word) for word in words))
        found.append(Field(one.name, label(name, one.name), _field_type(hints[one.name]), required, synonyms))
    keys = ("external_id",) if any(one.name == "external_id" for one in found) else ()
    return Kind(name, KIND_LABELS[name], tuple(found), keys)


KINDS: dict[str, Kind] = {name: _kind(name) for name in KIND_LABELS}
