"""Records as they travel to the store: one frame per kind, field by field, which is how files have them anyway."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from operator import attrgetter
from typing import Any

from qtrace.sdk.records import RECORD_TYPES, Record

# Kinds that others name come first, so that a mixed batch makes no stub it would complete a moment later.
ORDER_OF_KINDS = (
    "categories", "suppliers", "products", "kit_parts", "listings", "warehouses", "customers", "places", "lots", "lot_parts",
    "purchases", "purchase_lines", "receipts", "orders", "lines", "payments", "shipments", "parcel_items",
    "parcel_scans", "stock_moves", "stock_balances", "stock_outs", "stock_out_lines", "serials", "returns", "reviews",
    "aftersales",
)  # fmt: skip
KIND_OF = {record_type: kind for kind, record_type in RECORD_TYPES.items()}
FIELDS = {kind: tuple(field.name for field in fields(record_type)) for kind, record_type in RECORD_TYPES.items()}
DEFAULTS: dict[str, dict[str, Any]] = {
    kind: {field.name: field.default for field in fields(record_type) if field.default is not MISSING}
    for kind, record_type in RECORD_TYPES.items()
}


@dataclass(frozen=True)
class Frame:
    """Records of one kind: a column for every field, and where in the batch each of them stands."""

    kind: str
    index: Sequence[int]
    fields: Mapping[str, Sequence[Any]]

    def only(self, kept: Sequence[int]) -> "Frame":
        """Return the records at these positions of the frame."""
        columns = {name: [column[at] for at in kept] for name, column in self.fields.items()}
        return Frame(self.kind, [self.index[at] for at in kept], columns)

    def records(self) -> list[Record]:
        """Return the records one by one."""
        make = RECORD_TYPES[self.kind]
        return [
            make(**dict(zip(self.fields, values, strict=True))) for values in zip(*self.fields.values(), strict=True)
        ]


@dataclass(frozen=True)
class Frames:
    """A batch of `size` places; a place that no frame names stays empty."""

    size: int
    frames: Sequence[Frame]

    def by_kind(self) -> list[Frame]:
        """Return one frame per kind, in the order in which kinds name one another."""
        groups: dict[str, list[Frame]] = {kind: [] for kind in ORDER_OF_KINDS}
        for frame in self.frames:
            if frame.index:
                groups[frame.kind].append(frame)
        return [_joined(frames) for frames in groups.values() if frames]


def framed(records: Sequence[Record]) -> Frames:
    """Return the records as frames; each stands in the batch where it stood in the list."""
    groups: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        groups.setdefault(KIND_OF[type(record)], []).append(index)
    return Frames(len(records), [_frame(kind, index, records) for kind, index in groups.items()])


def filled(kind: str, index: Sequence[int], said: Mapping[str, Sequence[Any]]) -> Frame:
    """Return a frame of the columns that were said; the other fields have their defaults."""
    defaults = {name: [value] * len(index) for name, value in DEFAULTS[kind].items() if name not in said}
    return Frame(kind, index, {**said, **defaults})


def _frame(kind: str, index: Sequence[int], records: Sequence[Record]) -> Frame:
    values: Iterable[tuple[Any, ...]] = map(attrgetter(*FIELDS[kind]), (records[at] for at in index))
    return Frame(kind, index, dict(zip(FIELDS[kind], zip(*values, strict=True), strict=True)))


def _joined(frames: Sequence[Frame]) -> Frame:
    """Return several frames of one kind as one, in the order of the batch."""
    if len(frames) == 1:
        return frames[0]
    index = [at for frame in frames for at in frame.index]
    columns = {name: [value for frame in frames for value in frame.fields[name]] for name in frames[0].fields}
    return Frame(frames[0].kind, index, columns).only(sorted(range(len(index)), key=index.__getitem__))
