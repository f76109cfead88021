"""Reports over the API: the figures of the board."""

from qtrace.api.answers import Answer
from qtrace.api.blueprint import bp
from qtrace.api.operation import Call, Operation, Parameter, operation
from qtrace.api.schema import one_of, text
from qtrace.core import clock
from qtrace.reports.periods import DEFAULT, KEYS
from qtrace.reports.service import report_json

REPORT = {
    "type": "object", "required": ["report", "period"], "properties": {"report": text(), "period": {"type": "object"}},
    "description": "The figures; times are minutes, money is minor units, ratios are exact decimals in text.",
}  # fmt: skip


@bp.get("/reports/<name>")
@operation(
    Operation(
        summary="Read a report", scope="reports:read", permission="board.read", answer=REPORT,
        query=(Parameter("period", one_of(*KEYS), f"Of which days; {DEFAULT} unless told."),),
        note="The report there is: quality.",
    )
)  # fmt: skip
def report_show(call: Call, name: str) -> Answer:
    """Return the figures of a report."""
    return Answer(report_json(name, call.query.get("period", DEFAULT), clock.now(), user=call.user))
