"""Refused rows on disk while a run is under way, so that a paused one loses none and memory stays small."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from qtrace.exchange.badrows import BadRow
from qtrace.exchange.reading import Cell

FOLDER = "scratch"


def scratch(data_dir: Path) -> Path:
    """Return the folder of files that outlive no run."""
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Spool:
    """The refused rows of one run; `keep` what a paused run has so far."""

    def __init__(self, data_dir: Path, run_id: int, *, keep: bool) -> None:
        self.path = scratch(data_dir) / f"import-{run_id}.jsonl"
        self.file = self.path.open("a+" if keep else "w+", encoding="utf-8")
        self.kept = False

    def add(self, number: int, cells: Sequence[Cell], reasons: Sequence[str]) -> None:
        """Keep a refused row with its reasons."""
        self.file.write(json.dumps([number, cells, reasons], ensure_ascii=True, default=_written) + "\n")

    def rows(self) -> Iterator[BadRow]:
        """Yield the rows in their order."""
        self.file.seek(0)
        for line in self.file:
            number, cells, reasons = json.loads(line)
            yield number, cells, reasons

    def __enter__(self) -> "Spool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
        if not self.kept or kind is not None:
            self.path.unlink(missing_ok=True)


def _written(value: object) -> str:
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
