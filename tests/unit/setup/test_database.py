"""Migrations on both databases."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Connection, MetaData, select, text

from qtrace.accounts.models import User
from qtrace.calendars.seed import seed as seed_calendar
from qtrace.core.db import WRITE, db, dispose_engines, write
from qtrace.core.errors import Refused
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.models import FlowDecision, FlowInstance, FlowTimer, StageSpan
from qtrace.setup.database import MIGRATIONS, program_versions, status, upgrade
from qtrace.setup.migrating import differences
from qtrace.tasks.models import Task
from tests.conftest import DATABASES, NOW, make_app, pg_url


@pytest.fixture(params=DATABASES)
def empty_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app over an empty database."""
    url = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        name = f"empty_{abs(hash(tmp_path.as_posix())) % 10**9}"
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        url = pg_url(server, name)
    app = make_app(tmp_path, url)
    with app.app_context():
        yield app
        db.session.remove()
        dispose_engines()


def references_are_checked(connection: Connection) -> bool:
    """Say whether the connection looks after what rows refer to."""
    if connection.dialect.name != "sqlite":
        return True
    return bool(connection.execute(text("PRAGMA foreign_keys")).scalar_one())


def upgrade_to(version: str) -> None:
    """Bring the database to an older version of the program."""
    with db.engines[WRITE].begin() as connection:
        config = AlembicConfig()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_the_migrations_make_exactly_the_tables_of_the_code(empty_app: Flask, tmp_path: Path) -> None:
    assert upgrade(tmp_path, now=NOW) is True
    assert differences() == []


def test_the_versions_of_the_files_are_those_of_the_migrations() -> None:
    assert program_versions() == [one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]


def test_a_second_upgrade_changes_nothing(empty_app: Flask, tmp_path: Path) -> None:
    upgrade(tmp_path, now=NOW)
    assert upgrade(tmp_path, now=NOW) is False
    current, wanted = status()
    assert current == wanted


def test_answers_of_an_older_program_get_a_first_version(empty_app: Flask, tmp_path: Path) -> None:
    upgrade_to("20261122_0001")
    raw = db.engines[WRITE].raw_connection()
    with closing(raw.cursor()) as cursor:
        for statement in (NO_FOREIGN_KEYS[db.engines[WRITE].dialect.name], OLD_ANSWER, OLD_SHARE):
            cursor.execute(statement)
    raw.commit()
    raw.invalidate()  # the next one checks foreign keys again
    assert upgrade(tmp_path, now=NOW) is True
    with db.engines[WRITE].connect() as connection:
        for table in ("why", "responsibility"):
            assert connection.execute(text(f"SELECT version FROM {table}")).scalar_one() == 1


def test_a_running_case_of_an_older_program_goes_on_where_it_stood(empty_app: Flask, tmp_path: Path) -> None:
    upgrade_to("20261122_0006")
    with db.engines[WRITE].begin() as connection:
        old = MetaData()
        old.reflect(connection)
        rows = old.tables
        connection.execute(rows["role"].insert(), OLD_ROLE)
        connection.execute(rows["user"].insert(), OLD_USER)
        connection.execute(rows["user_role"].insert(), {"user_id": 1, "role_id": 1})
        connection.execute(
            rows["flow_definition"].insert(),
            {"id": 1, "key": "quality_issue", "version": 1, "definition": OLD_FLOW, "active": True},
        )
        for number, node, status in ((1, "triage", "running"), (2, None, "closed")):
            connection.execute(
                rows["flow_instance"].insert(),
                {"id": number, "definition_id": 1, "subject_kind": "thing", "subject_id": number, "node": node,
                 "status": status, "visits": ["record", "triage"], "version": 2},
            )  # fmt: skip
        connection.execute(rows["task"].insert(), OLD_TASK)
        connection.execute(rows["task_helper"].insert(), {"task_id": 71, "user_id": 1})
        connection.execute(rows["stage_span"].insert(), OLD_SPANS)
        connection.execute(rows["flow_decision"].insert(), OLD_DECISION)
    assert upgrade(tmp_path, now=NOW) is True
    spans = db.session.execute(select(StageSpan.node, StageSpan.token).order_by(StageSpan.id)).all()
    assert [row[:] for row in spans] == [("record", 0), ("triage", 1)]
    assert [(row.node, row.note) for row in db.session.scalars(select(FlowDecision))] == [("record", "已核对")]
    assert [(row.instance_id, row.token, row.kind) for row in db.session.scalars(select(FlowTimer))] == [(1, 1, "due")]
    assert [one.name for one in db.session.get_one(Task, 71).helpers] == ["王姐"]
    with db.engines[WRITE].connect() as connection:
        assert references_are_checked(connection)
    case = Case(("thing", 1), "瓶盖漏液", "/things/1", None, None)
    lead = db.session.get_one(User, 1)
    assert lead.can("config.flows")
    with write():
        seed_calendar()
        decide(case, verdict="submit", expected_version=2, by=lead, now=NOW)
    db.session.remove()
    flows = {row.subject_id: row for row in db.session.scalars(select(FlowInstance))}
    assert (flows[1].node, flows[1].status, flows[1].title) == ("act", "running", "瓶盖漏液")
    assert (flows[2].node, flows[2].status) == (None, "closed")
    tasks = db.session.execute(select(Task.node, Task.state)).all()
    assert sorted(row[:2] for row in tasks) == [("act", "open"), ("triage", "done")]


def test_a_database_of_a_newer_program_is_refused(empty_app: Flask, tmp_path: Path) -> None:
    upgrade(tmp_path, now=NOW)
    with db.engines[WRITE].begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '99990101_0001'"))
    with pytest.raises(Refused, match="newer than this program"):
        upgrade(tmp_path, now=NOW)


def test_events_can_not_be_changed_in_a_migrated_database(empty_app: Flask, tmp_path: Path) -> None:
    upgrade(tmp_path, now=NOW)
    with db.engines[WRITE].begin() as connection:
        names = connection.execute(text(TRIGGERS[connection.dialect.name])).scalars().all()
    assert [name for name in names if name.startswith("event_no_")]


TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal",
}

NO_FOREIGN_KEYS = {"sqlite": "PRAGMA foreign_keys=OFF", "postgresql": "SET session_replication_role = replica"}
OLD_ANSWER = (
    "INSERT INTO why (id, issue_id, position, statement, evidence, tested, is_root, kind, at)"
    " VALUES (1, 1, 0, '瓶盖渗漏', '', 'open', false, 'occurrence', '2026-11-20 02:00:00')"
)
OLD_SHARE = (
    "INSERT INTO responsibility (id, issue_id, party_id, percent, reason, at)"
    " VALUES (1, 1, 1, 100, '', '2026-11-20 02:00:00')"
)


# A company as version 0006 kept it: nodes in a line, each with one owner, and no state of the case but its node.
STAGE = {"kind": "handle", "due_minutes": 480, "permission": "issue.decide", "gates": []}
OLD_FLOW = {
    "key": "quality_issue", "version": 1, "reopen_at": "",
    "nodes": [
        STAGE | {"id": "record", "name_zh": "录入", "name_en": "Record", "owner": {"kind": "initiator", "value": ""}},
        STAGE | {"id": "triage", "name_zh": "定责", "name_en": "Decide", "owner": {"kind": "role", "value": "quality_lead"}},
        STAGE | {"id": "act", "name_zh": "整改", "name_en": "Act", "owner": {"kind": "role", "value": "quality_lead"}},
    ],
}  # fmt: skip
OLD_ROLE = {
    "id": 1, "key": "quality_lead", "name_zh": "质量主管", "name_en": "Quality lead", "permissions": ["issue.decide"],
    "scope": "all",
}  # fmt: skip
OLD_USER = {
    "id": 1, "username": "lead", "name": "王姐", "email": "", "password_hash": "x", "lang": "zh", "active": True,
    "created_at": NOW,
}  # fmt: skip
OLD_TASK = {
    "id": 71, "kind": "stage", "subject_kind": "thing", "subject_id": 1, "node": "triage", "title": "瓶盖漏液",
    "detail": "", "url": "/things/1", "role_key": "quality_lead", "created_at": NOW, "due_at": NOW, "state": "open",
    "version": 1,
}  # fmt: skip
OLD_SPANS = [
    {"id": 901, "instance_id": 1, "node": "record", "entered_at": NOW, "left_at": NOW},
    {"id": 902, "instance_id": 1, "node": "triage", "entered_at": NOW, "left_at": None},
]
OLD_DECISION = {
    "id": 901, "instance_id": 1, "version": 2, "node": "record", "verdict": "submit", "target": "", "note": "已核对",
    "by": 1, "at": NOW,
}  # fmt: skip
