"""The background entries of connected shops."""

from datetime import timedelta
from typing import Any

from qtrace.channels.service import TRIES, continue_later, queue_due
from qtrace.channels.syncing import sync
from qtrace.core.db import write
from qtrace.core.errors import DomainError
from qtrace.core.jobs import JobContext
from qtrace.sdk.errors import Misconfigured, Permanent, RateLimited, Reauth


def sync_due(_payload: dict[str, Any], context: JobContext) -> None:
    """Enqueue a sync of every account that is not paused."""
    with write():
        queue_due(now=context.clock())
        context.complete()


def sync_account(payload: dict[str, Any], context: JobContext) -> None:
    """Sync the account of the payload; what another try may help raises, and so is tried again after a pause.

    The account's page says what went wrong. After the last try the schedule goes on, so nothing is parked.
    """
    account_id = int(payload["account_id"])
    try:
        sync(account_id, clock=context.clock, tell=context.extend)
    except RateLimited as error:
        now = context.clock()
        with write():
            continue_later(account_id, now=now, run_at=now + timedelta(seconds=error.seconds), job_id=context.id)
            context.complete()
    except (Misconfigured, Permanent, Reauth, DomainError):
        return
    except Exception:
        if context.tries < TRIES:
            raise
