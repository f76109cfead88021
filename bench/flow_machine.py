"""Flows drawn at random keep their laws whatever is done to them: `python -m bench.flow_machine [cases] [stored cases]`.

The cases run in memory, in as many processes as there are processors; the stored ones run on SQLite, on a machine that
stops before every row in turn. What was done is printed by name, so that no operation is left out unseen.
"""

import multiprocessing
import os
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from bench.figures import Sheet
from bench.site import make_site
from qtrace.core.db import db
from tests.unit.flows import machine
from tests.unit.flows.stored_case import StoredCase
from tests.unit.flows.stored_people import make_people

CASES, STORED = 50_000, 200
BATCH, STORED_BATCH = 1_000, 10  # cases of one start of a process
STORED_STEPS = 25
STEPS_EXPECTED = 25  # of the 50 a case may have, on average at least
STORED_OPERATIONS = (
    "submit", "approve", "reject", "return", "withdraw", "take_back", "transfer", "delegate", "add_before", "add_after",
    "remove_signer", "claim", "release", "urge", "cc_now", "ask", "reply", "hand_over_all", "set_stand_in", "stand_in",
    "terminate", "jump", "reopen", "close", "timeout", "passed", "failed", "user_disabled", "move", "halt", "resume",
    "double_tap", "stranger",
)  # fmt: skip
# The 22 operations on to-dos by what counts as doing one; a draft is kept by the form and known to no flow.
OPERATIONS = {
    "submit": "submit", "approve": "approve", "reject": "reject", "return to": "return", "withdraw": "withdraw",
    "take back": "take_back", "transfer": "transfer", "delegate": "delegate", "add signer": "add_before",
    "remove signer": "remove_signer", "claim": "claim", "release": "release", "urge": "urge", "cc now": "cc_now",
    "ask": "ask", "reply": "reply", "hand over all": "hand_over_all", "set stand-in": "stand_in",
    "terminate": "terminate", "admin jump": "jump", "reopen": "reopen",
}  # fmt: skip

Batch = tuple[int, int]  # the first number, how many


def main(arguments: list[str]) -> int:
    """Run the machines and print what was found."""
    cases = int(arguments[0]) if arguments else CASES
    stored = int(arguments[1]) if len(arguments) > 1 else STORED
    sheet = Sheet("flows")
    measure(sheet, cases, stored)
    sheet.write("flow_machine")
    return 0


def measure(sheet: Sheet, cases: int, stored: int) -> None:
    """Add the figures of both machines."""
    done = drawn_done = _run(drawn, _batches(cases, BATCH))
    sheet.add("machine_cases", done["cases"], "cases", cases, most=False)
    sheet.add("machine_steps", done["steps"], "steps", cases * STEPS_EXPECTED, most=False)
    sheet.add("machine_faults", done["faults"], "faults", 0)
    _tell(sheet, "machine", (*machine.OPERATIONS, *machine.HAPPENINGS), done)
    done = _run(stopped, _batches(stored, STORED_BATCH))
    sheet.add("crash_cases", done["cases"], "cases", stored, most=False)
    sheet.add("crash_steps", done["steps"], "steps")
    sheet.add("crashes", done["crashes"], "stops", stored, most=False)
    sheet.add("crash_faults", done["faults"], "faults", 0)
    _tell(sheet, "crash", STORED_OPERATIONS, done)
    both = done + drawn_done
    sheet.add(
        "operations_done", sum(both[name] > 0 for name in OPERATIONS.values()), "operations", len(OPERATIONS), most=False
    )  # fmt: skip


def drawn(batch: Batch) -> Counter[str]:
    """Run cases in memory and return what was done; a broken law is printed with the steps that broke it."""
    faults = 0
    try:
        machine.run(batch[1])
    except Exception:  # noqa: BLE001 -- whatever goes wrong in a drawn case is a finding
        traceback.print_exc()
        faults = 1
    return Counter(machine.Case.tally) + Counter(faults=faults)


def stopped(batch: Batch) -> Counter[str]:
    """Run cases on SQLite, stopped before every row, and return what was done; of a broken law the seed is printed."""
    warnings.filterwarnings("ignore", message="unknown setting")
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="qtrace-flows-") as folder:
        app, _token = make_site(Path(folder))
        with app.app_context():
            people = make_people()
            for seed in range(batch[0], batch[0] + batch[1]):
                try:
                    StoredCase(app, people, seed + 1, seed=seed, tally=tally, every_row=True).run(STORED_STEPS)
                except Exception:  # noqa: BLE001 -- whatever goes wrong in a drawn case is a finding
                    print(f"# seed {seed}", flush=True)
                    traceback.print_exc()
                    tally["faults"] += 1
                finally:
                    db.session.remove()
    return tally


def _run(work: Callable[[Batch], Counter[str]], batches: Iterable[Batch]) -> Counter[str]:
    """Add up what the batches found; each has a process of its own, which takes its memory along."""
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        found: Counter[str] = Counter()
        for tally in pool.imap_unordered(work, batches):
            found.update(tally)
    return found


def _batches(count: int, size: int) -> list[Batch]:
    return [(first, min(size, count - first)) for first in range(0, count, size)]


def _tell(sheet: Sheet, area: str, names: Iterable[str], done: Counter[str]) -> None:
    for name in names:
        sheet.add(f"{area}_{name}", done[name], "times", 1, most=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
