"""Workers killed in the middle of their work, again and again; what is left is then for the caller to finish and to judge."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

LONGEST_LIFE = 0.5  # seconds a worker lives after it said that it is ready


def kill_rounds(module: str, arguments: Sequence[str], rounds: int) -> int:
    """Start `python -m module` so many times and kill it after a moment; return how many were killed in their work.

    The module prints one line when it is ready and then works until nothing is left.
    """
    chance, in_work = random.Random(4), 0
    for _round in range(rounds):
        child = subprocess.Popen([sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(chance.random() * LONGEST_LIFE)
        child.send_signal(signal.SIGKILL)
        in_work += child.wait() == -signal.SIGKILL
        child.stdout.close()
    return in_work
