"""The pages of to-dos ask the database the same few questions however many to-dos there are."""

import time_machine
from flask import Flask
from sqlalchemy import event

from qtrace.core.db import db
from tests.conftest import NOW, log_in
from tests.factories.approvals import hand_in, make_approval


def asked(app: Flask, url: str) -> list[str]:
    """Return the statements one request of 李工 needs."""
    browser, seen = log_in(app, "inspector"), []
    browser.get(url)

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            assert browser.get(url).status_code == 200
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    return [statement for statement in seen if not statement.startswith("PRAGMA")]


def test_more_to_dos_are_not_more_questions(sqlite_app: Flask) -> None:
    with time_machine.travel(NOW, tick=False):
        make_approval()
        hand_in(1, "甲")
        pages = ("/", "/tasks", "/tasks?state=team", "/tasks?group=severity", "/tasks?state=done")
        before = {url: len(asked(sqlite_app, url)) for url in pages}
        for number in range(2, 8):
            hand_in(number, f"第 {number} 件")
        assert {url: len(asked(sqlite_app, url)) for url in pages} == before
        assert before["/"] <= 14 and before["/tasks"] <= 20, before
