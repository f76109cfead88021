"""The one name by which a record is known within its kind and shop."""

from qtrace.sdk.records import OrderLine, Payment, Place, Record, Review

SEPARATOR = "|"


def key_of(record: Record) -> str:
    """Return what tells this record from every other of its kind in the shop."""
    if isinstance(record, Place):
        return SEPARATOR.join((record.postal_code, str(record.latitude), str(record.longitude), record.city))
    if isinstance(record, (OrderLine, Payment)):
        return SEPARATOR.join((record.order, record.external_id))
    if isinstance(record, Review):
        return SEPARATOR.join((record.external_id, record.order))
    return record.external_id
