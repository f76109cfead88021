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


@dataclass(frozen=True, kw_only=True)
class PurchaseReceipt:
    """Goods received of one lot."""

    external_id: str
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
    "reviews": Review,
    "aftersales": AfterSale,
    "issues": QualityIssue,
}
