"""The trace over the API, as the person may see it."""

from qtrace.api.answers import Answer
from qtrace.api.blueprint import bp
from qtrace.api.operation import Call, Operation, operation
from qtrace.api.schema import integer, listed, moment, one_of, text, thing
from qtrace.core import clock
from qtrace.trace.epcis_facts import lot_document
from qtrace.trace.service import trace_json

NODE = thing({"kind": text(), "id": text(), "label": text()})
EDGE = thing({"from": text(), "to": text(), "method": text(), "confidence": integer(0, 100)})
TOTALS = thing({
    "orders": integer(0), "units": integer(0), "customers": integer(0), "issues": integer(0),
    "refund": {"type": "object", "additionalProperties": text(), "description": "Amounts by currency."},
})  # fmt: skip
TRACE = thing({"nodes": listed(NODE), "edges": listed(EDGE), "gaps": listed(text()), "totals": TOTALS})


EVENT = {"type": "object", "additionalProperties": True, "description": "An EPCIS 2.0 event."}
EPCIS = thing({
    "@context": listed(text()), "type": one_of("EPCISDocument"), "schemaVersion": text(), "creationDate": moment(),
    "epcisBody": thing({"eventList": listed(EVENT)}),
})  # fmt: skip


@bp.get("/trace/lot/<path:number>/epcis")
@operation(
    Operation(
        summary="The life of a lot as an EPCIS 2.0 document", scope="trace:read", permission="trace.read", answer=EPCIS,
        note="JSON-LD that follows the schema of EPCIS 2.0. Lots are EPC URNs or Digital Links where the article has a GTIN.",
    )
)  # fmt: skip
def trace_epcis_show(_call: Call, number: str) -> Answer:
    """Return the document of a lot."""
    return Answer(lot_document(number, now=clock.now()))


@bp.get("/trace/<kind>/<path:number>")
@operation(
    Operation(
        summary="Trace an issue, complaint, order, SKU, lot, supplier or parcel", scope="trace:read",
        permission="trace.read", answer=TRACE,
        note="`kind` is issue, complaint, order, sku, lot, supplier or parcel. Edges name nodes as kind:id.",
    )
)  # fmt: skip
def trace_show(call: Call, kind: str, number: str) -> Answer:
    """Return where one end comes from and what else it reaches."""
    return Answer(trace_json(kind, number, call.user))
