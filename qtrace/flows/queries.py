"""What the pages about flows ask: the flows with their versions, how many cases run on each, and who published them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from qtrace.accounts.queries import names_of
from qtrace.core.db import db, table_of
from qtrace.core.errors import NotFound
from qtrace.flows.definition import Definition
from qtrace.flows.draft_models import FlowDraft
from qtrace.flows.instances import stored_definition
from qtrace.flows.models import FlowDefinition, FlowInstance

ROWS, CASES = table_of(FlowDefinition), table_of(FlowInstance)


@dataclass(frozen=True)
class Version:
    """One version of a flow: whether new cases may start on it, how many run on it, who made it and when."""

    id: int
    key: str
    number: int
    active: bool
    running: int
    ended: int
    published_at: datetime | None = None
    published_by: str = ""
    note: str = ""

    @property
    def definition(self) -> Definition:
        """Return what it says."""
        return stored_definition(self.id)


@dataclass(frozen=True)
class Flow:
    """One flow with its versions, the newest first."""

    key: str
    versions: tuple[Version, ...]

    @property
    def current(self) -> Version | None:
        """Return the version new cases start on."""
        return next((one for one in self.versions if one.active), None)

    @property
    def shown(self) -> Version:
        """Return the version that stands for the flow: the current one, else the newest."""
        return self.current or self.versions[0]

    @property
    def running(self) -> int:
        """Return how many cases run on any version."""
        return sum(one.running for one in self.versions)

    def version(self, number: int | None) -> Version:
        """Return a version by its number."""
        found = next((one for one in self.versions if one.number == number), None)
        if found is None:
            raise NotFound
        return found


def all_flows() -> list[Flow]:
    """Return every flow by its key."""
    counts = _counts()
    rows = db.session.execute(
        select(ROWS.c.id, ROWS.c.key, ROWS.c.version, ROWS.c.active).order_by(ROWS.c.key, ROWS.c.version.desc())
    )
    found: dict[str, list[Version]] = {}
    for row in rows:
        running, ended = counts.get(row.id, (0, 0))
        found.setdefault(row.key, []).append(Version(row.id, row.key, row.version, row.active, running, ended))
    return [Flow(key, tuple(versions)) for key, versions in found.items()]


def flow_of(key: str) -> Flow:
    """Return one flow with who published its versions; NotFound where there is none."""
    rows = db.session.execute(
        select(ROWS.c.id, ROWS.c.version, ROWS.c.active, ROWS.c.note, ROWS.c.published_at, ROWS.c.published_by)
        .where(ROWS.c.key == key)
        .order_by(ROWS.c.version.desc())
    ).all()
    if not rows:
        raise NotFound
    ids = [row.id for row in rows]
    counts = _counts(ids)
    people = names_of({row.published_by for row in rows if row.published_by})
    versions = [
        Version(
            row.id, key, row.version, row.active, *counts.get(row.id, (0, 0)), row.published_at,
            people.get(row.published_by, ""), row.note or "",
        )
        for row in rows
    ]  # fmt: skip
    return Flow(key, tuple(versions))


def keys() -> set[str]:
    """Return the keys of every flow, and of every draft of one that is not published yet."""
    return {*db.session.scalars(select(ROWS.c.key).distinct()), *db.session.scalars(select(FlowDraft.key))}


def _counts(ids: Sequence[int] | None = None) -> Mapping[int, tuple[int, int]]:
    """Return (running, ended) by version."""
    statement = select(CASES.c.definition_id, CASES.c.status, func.count()).group_by(
        CASES.c.definition_id, CASES.c.status
    )
    if ids is not None:
        statement = statement.where(CASES.c.definition_id.in_(ids))
    found: dict[int, tuple[int, int]] = {}
    for version, status, count in db.session.execute(statement):
        running, ended = found.get(version, (0, 0))
        found[version] = (running + count, ended) if status == "running" else (running, ended + count)
    return found
