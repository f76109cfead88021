"""The records every source speaks: files, connectors and the demo all produce these frozen dataclasses.

Ids are strings as the source writes them. Amounts are `Decimal` in major units with a currency. Times are aware.
`None` or an empty string means "the source does not say" and never overwrites a value that is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, kw_only=True)
class Category:
    """A product category and the name staff read."""

    external_id: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """Who delivers the goods."""

    external_id: str
    name: str = ""
    region: str = ""
    contact: str = ""
    merged_into: str = ""  # the number of the supplier this one became part of


@dataclass(frozen=True, kw_only=True)
class Product:
    """A sellable article (SKU)."""

    external_id: str
    name: str = ""
    product_code: str = ""
    category: str = ""
    barcode: str = ""
    supplier: str = ""
    weight_g: int | None = None
    brand: str = ""
    replaced_by: str = ""  # the code this article has now


@dataclass(frozen=True, kw_only=True)
class Warehouse:
    """Where goods are kept."""

    external_id: str
    name: str = ""
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A buyer, already without personal data: `masked_name` like 王*."""

    external_id: str
    person_id: str = ""
    masked_name: str = ""
    region: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A postal code with coordinates in degrees."""

    postal_code: str
    city: str = ""
    region: str = ""
    latitude: Decimal
    longitude: Decimal


@dataclass(frozen=True, kw_only=True)
class Order:
    """A sale without its lines."""

    external_id: str
    customer: str = ""
    status: str = ""
    currency: str = ""
    paid: Decimal | None = None
    placed_at: datetime | None = None
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    promised_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """One article of an order; `kind` is item, kit, component or gift; `parent` names the line it came with."""

    order: str
    external_id: str
    sku: str = ""
    supplier: str = ""
    kind: str = "item"
    parent: str = ""
    quantity: int = 1
    price: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)
    ship_by: datetime | None = None
    lot: str = ""
    lot_method: str = "scanned"
    lot_confidence: int = 100


@dataclass(frozen=True, kw_only=True)
class Payment:
    """One payment of an order."""

    order: str
    external_id: str
    method: str = ""
    installments: int = 1
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """A parcel; `line` names the courier's route."""

    external_id: str
    order: str = ""
    courier: str = ""
    line: str = ""
    warehouse: str = ""
    shipped_at: datetime | None = None
    delivered_at: datetime | None = None
    promised_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Lot:
    """A production lot."""

    external_id: str
    sku: str = ""
    supplier: str = ""
    made_on: date | None = None
    expires_on: date | None = None
    supplier_lot: str = ""  # the number the supplier gives it
    quality_status: str = ""  # good, hold, blocked, recalled
    level: str = ""  # finished, component


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """An order to a supplier, without its lines."""

    external_id: str
    supplier: str = ""
    status: str = ""
    ordered_at: datetime | None = None
    expected_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class PurchaseLine:
    """One article of an order to a supplier."""

    purchase: str
    external_id: str
    sku: str = ""
    quantity: int = 0
    price: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class KitPart:
    """A kit holds `quantity` pieces of a part from one day until another, both included; a gift costs nothing."""

    kit: str
    part: str
    kind: str = "component"
    quantity: int = 1
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, kw_only=True)
class LotPart:
    """A finished lot holds a component's lot (cap, pump, carton)."""

    lot: str
    part: str
    quantity: int = 0


@dataclass(frozen=True, kw_only=True)
class StockMove:
    """Goods moved inside the company.

    `kind` is transfer, to_defective, to_good, gain, loss, scrap, supplier_return, rework_out, rework_in, other_in or
    other_out; the quantity is never negative. `into_lot` is the lot a rework made.
    """

    external_id: str
    kind: str
    sku: str = ""
    lot: str = ""
    into_lot: str = ""
    warehouse: str = ""
    to_warehouse: str = ""
    quantity: int = 0
    moved_at: datetime | None = None
    document: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class StockBalance:
    """How much lies in a warehouse at a moment; `allocated` is the part of it that orders already have a claim on."""

    sku: str
    warehouse: str = ""
    lot: str = ""
    condition: str = "good"
    quantity: int = 0
    allocated: int = 0
    counted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StockOut:
    """Goods that left under one waybill; `orders` is the header's list as it is written, `print_batch` is no lot."""

    external_id: str
    trade: str = ""
    orders: str = ""
    print_batch: str = ""
    waybill: str = ""
    courier: str = ""
    warehouse: str = ""
    status: str = ""
    shipped_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StockOutLine:
    """One article that left, with the platform's order and line; `shop` is the key of the shop that sold it."""

    stock_out: str
    external_id: str
    shop: str = ""
    order: str = ""
    line: str = ""
    sku: str = ""
    lot: str = ""
    lot_method: str = "scanned"
    quantity: int = 0


@dataclass(frozen=True, kw_only=True)
class ParcelItem:
    """What a parcel holds of one order, where several orders share it."""

    waybill: str
    order: str
    shop: str = ""
    line: str = ""
    quantity: int = 0


@dataclass(frozen=True, kw_only=True)
class ParcelScan:
    """A courier's scan: collected, in_transit, delivering, delivered, exception or returned."""

    waybill: str
    scanned_at: datetime
    status: str = ""
    place: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Serial:
    """One piece by its serial number, the lot it came from and the order it left with."""

    external_id: str
    sku: str = ""
    lot: str = ""
    shop: str = ""
    order: str = ""
    line: str = ""


@dataclass(frozen=True, kw_only=True)
class ReturnReceipt:
    """Goods a buyer sent back.

    `condition` is good, used, damaged, missing or swapped; `outcome` is restocked, defective, scrapped or waiting.
    """

    external_id: str
    waybill: str = ""
    shop: str = ""
    order: str = ""
    line: str = ""
    sku: str = ""
    lot: str = ""
    warehouse: str = ""
    quantity: int = 1
    condition: str = ""
    outcome: str = ""
    note: str = ""
    received_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Listing:
    """How an offer looked at a moment; pictures are hashes and attributes `name: value`, one a line."""

    offer: str
    seen_at: datetime
    sku: str = ""
    title: str = ""
    pictures: str = ""
    attributes: str = ""
    price: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class PurchaseReceipt:
    """Goods received of one lot, for one order to the supplier where it is known."""

    external_id: str
    purchase: str = ""
    lot: str = ""
    sku: str = ""
    supplier: str = ""
    warehouse: str = ""
    quantity: int = 0
    received_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Review:
    """A buyer's review; platforms repeat review ids over orders, so the key is (external_id, order)."""

    external_id: str
    order: str = ""
    sku: str = ""
    stars: int
    title: str = ""
    text: str = ""
    reviewed_at: datetime
    answered_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class AfterSale:
    """A refund, return, exchange or reship with the buyer's reason word for word."""

    external_id: str
    order: str = ""
    line: str = ""
    kind: str = "refund"
    reason_code: str = ""
    reason: str = ""
    text: str = ""
    refund: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)
    opened_at: datetime
    closed_at: datetime | None = None
    platform_due_at: datetime | None = None  # until when the platform wants an answer, where it says so
    return_waybill: str = ""  # under which the buyer sends the goods back


@dataclass(frozen=True, kw_only=True)
class QualityIssue:
    """A quality problem another system or a spreadsheet has kept; terms by code or by the name staff read."""

    external_id: str
    title: str
    text: str = ""
    type: str = ""
    severity: str = ""
    responsible_party: str = ""
    detection_point: str = ""
    disposition: str = ""
    order: str = ""
    sku: str = ""
    lot: str = ""
    supplier: str = ""
    courier_line: str = ""
    bad_qty: int | None = None
    checked_qty: int | None = None
    found_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FormRecord:
    """A filled-in form of the company's own: values by the id of the field or by its name, as people would type them.

    `form` is the key of the form. A list of mappings fills a sub-table. The same external id names the same record again.
    """

    external_id: str
    form: str
    values: Mapping[str, object]


Record = (
    Category
    | Supplier
    | Product
    | Warehouse
    | Customer
    | Place
    | Order
    | OrderLine
    | Payment
    | Shipment
    | Lot
    | PurchaseReceipt
    | Purchase
    | PurchaseLine
    | KitPart
    | LotPart
    | StockMove
    | StockBalance
    | StockOut
    | StockOutLine
    | ParcelItem
    | ParcelScan
    | Serial
    | ReturnReceipt
    | Listing
    | Review
    | AfterSale
    | QualityIssue
)

RECORD_TYPES: dict[str, type[Record]] = {
    "categories": Category,
    "suppliers": Supplier,
    "products": Product,
    "warehouses": Warehouse,
    "customers": Customer,
    "places": Place,
    "orders": Order,
    "lines": OrderLine,
    "payments": Payment,
    "shipments": Shipment,
    "lots": Lot,
    "receipts": PurchaseReceipt,
    "purchases": Purchase,
    "purchase_lines": PurchaseLine,
    "kit_parts": KitPart,
    "lot_parts": LotPart,
    "stock_moves": StockMove,
    "stock_balances": StockBalance,
    "stock_outs": StockOut,
    "stock_out_lines": StockOutLine,
    "parcel_items": ParcelItem,
    "parcel_scans": ParcelScan,
    "serials": Serial,
    "returns": ReturnReceipt,
    "listings": Listing,
    "reviews": Review,
    "aftersales": AfterSale,
    "issues": QualityIssue,
}
