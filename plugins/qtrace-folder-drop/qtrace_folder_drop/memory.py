"""What a stream remembers between two pulls, kept by the product as its bookmark."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

from qtrace.sdk import DropFile

KEPT = 500


@dataclass(frozen=True)
class Memory:
    """Finished files (digest: problem), the file being read and its last row, and files still being written."""

    done: dict[str, str] = field(default_factory=dict)
    file: str = ""
    row: int = 0
    looks: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def read(bookmark: str) -> "Memory":
        """Return what the bookmark says."""
        return Memory(**json.loads(bookmark)) if bookmark else Memory()

    def text(self) -> str:
        """Return the bookmark; empty when there is nothing to remember."""
        return "" if self == Memory() else json.dumps(asdict(self), sort_keys=True)

    def at(self, digest: str, row: int) -> "Memory":
        """Remember how far a file was read."""
        return replace(self, file=digest, row=row)

    def finished(self, digest: str, problem: str = "") -> "Memory":
        """Remember that a file needs no further reading; the oldest are forgotten."""
        done = dict([*self.done.items(), (digest, problem)][-KEPT:])
        return replace(self, done=done, file="", row=0)

    def looking(self, files: list[DropFile], now: datetime) -> "Memory":
        """Remember since when each of these files has looked as it does now."""
        looks = {file.name: self._look(file) or f"{_shape(file)}@{now.isoformat()}" for file in files}
        return replace(self, looks=looks)

    def is_complete(self, file: DropFile, now: datetime, settle: timedelta) -> bool:
        """Say whether nobody writes to the file any more: it is old enough, or has looked the same for long enough."""
        look = self._look(file)
        same_since = datetime.fromisoformat(look.rpartition("@")[2]) if look else now
        return now - file.modified >= settle or now - same_since >= settle

    def _look(self, file: DropFile) -> str:
        look = self.looks.get(file.name, "")
        return look if look.startswith(f"{_shape(file)}@") else ""


def _shape(file: DropFile) -> str:
    return f"{file.size}/{file.modified.isoformat()}"
