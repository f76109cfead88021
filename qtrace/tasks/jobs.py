"""What the worker does for to-dos: tell both sides when a stand-in has run out, and forget old lists of results."""

from typing import Any

from qtrace.core.db import write
from qtrace.core.jobs import JobContext
from qtrace.tasks.bulk import forget_batches
from qtrace.tasks.standing import tell_ended

ENDS = "stand-in-ends"


def tell_ends(_payload: dict[str, Any], context: JobContext) -> None:
    """Tell of every stand-in that ran out since the last time, and forget what nobody looks at any more."""
    with write():
        tell_ended(context.clock())
        forget_batches(context.clock())
        context.complete()
