"""Eight people edit 200 records while three versions of their form are published: nobody notices, nothing is lost."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.forms.answers import read_answers, sent_from
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.queries import stored_definition
from qtrace.records.models import Record
from qtrace.records.service import NewRecord, create_record
from tests.conftest import NOW, Browser, log_in
from tests.factories.forms import INSPECTION, make_form

PEOPLE, RECORDS, NEW_EVERY = 8, 200, 5
PUBLISH_AT = (30, 80, 130)  # after so many edits, while the others go on
PATIENT = 4  # so many people hold a page open over every publication and send it afterwards
WAIT = 30


@dataclass
class Progress:
    """How many edits and publications are done; whoever waits for one hears of it."""

    edits: int = 0
    publications: int = 0
    failed: bool = False
    moved: threading.Condition = field(default_factory=threading.Condition)

    def note(self, *, edits: int = 0, publications: int = 0, failed: bool = False) -> None:
        """Count what somebody has done."""
        with self.moved:
            self.edits, self.publications = self.edits + edits, self.publications + publications
            self.failed = self.failed or failed
            self.moved.notify_all()

    def wait(self, *, edits: int = 0, publications: int = 0) -> None:
        """Wait until so much is done."""
        with self.moved:
            assert self.moved.wait_for(
                lambda: self.failed or (self.edits >= edits and self.publications >= publications), timeout=WAIT
            )


@dataclass
class Work:
    """What one person did: what each record must say afterwards, and every answer that was no success."""

    said: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    fresh: dict[str, int] = field(default_factory=dict)  # a new record and the version its page was drawn in


def hidden(page: str, name: str) -> str:
    """Return what a hidden input of a page holds."""
    found = re.search(rf'name="{name}" value="(\d+)"', page)
    assert found, f"the page has no {name}"
    return found[1]


def edit_all(browser: Browser, numbers: list[str], progress: Progress, *, patient: bool) -> Work:
    """Open each record, change it and save it; now and then fill in a new one."""
    work = Work()
    try:
        for n, number in enumerate(numbers):
            page = browser.get(f"/records/inspection/{number}/edit").text
            empty = browser.get("/records/inspection/new").text if n % NEW_EVERY == 0 else ""
            if patient and empty:
                progress.wait(publications=min(n // NEW_EVERY, len(PUBLISH_AT)))
            if empty:
                fill_in(browser, empty, f"新的 {number}", work)
            edit(browser, page, number, work)
            progress.note(edits=1)
    except BaseException:
        progress.note(failed=True)  # nobody waits for one who fell out
        raise
    return work


def edit(browser: Browser, page: str, number: str, work: Work) -> None:
    """Save a record as the page it was opened in sends it."""
    said = f"改过的 {number}"
    data = {"version": hidden(page, "version"), "item": said, "result": "pass", "qty": "7", "day": "2026-11-18"}
    answer = browser.post(f"/records/inspection/{number}", data)
    work.said[number] = said
    if answer.status_code != 303:
        work.refused.append(f"{number}: {answer.status_code} {answer.text[:2000]}")


def fill_in(browser: Browser, page: str, item: str, work: Work) -> None:
    """Send a new record in the version its page was drawn in."""
    version = hidden(page, "form_version")
    answer = browser.post(
        "/records/inspection",
        {"form_version": version, "item": item, "result": "fail", "qty": "1", "day": "2026-11-18"},
    )
    if answer.status_code == 303:
        work.fresh[answer.location.rsplit("/", 1)[1]] = int(version)
    else:
        work.refused.append(f"new: {answer.status_code} {answer.text[:2000]}")


def publish_three(lead: Browser, progress: Progress) -> list[int]:
    """Publish a field more, a field fewer and a field renamed, each while the others edit; return the answers."""
    changes = (
        ("/fields", {"control": "text", "section": "main"}),
        ("/fields/remark/retirement", {"retired": "1"}),
        ("/fields/item", {"label_zh": "检验内容", "required": "1", "in_list": "1", "filterable": "1"}),
    )
    answers = []
    for at, (address, data) in zip(PUBLISH_AT, changes, strict=True):
        progress.wait(edits=at)
        answers += [
            lead.post(f"/forms/inspection/draft{address}", {"draft_version": draft_version()} | data).status_code,
            lead.post("/forms/inspection/versions", {"draft_version": draft_version()}).status_code,
        ]
        progress.note(publications=1)
    return answers


def draft_version() -> str:
    """Return the number of the draft as it is now."""
    db.session.remove()
    return str(db.session.scalars(select(Form.draft_version).where(Form.key == "inspection")).one())


@contextmanager
def people(app: Flask) -> Iterator[tuple[list[Browser], ThreadPoolExecutor]]:
    """Give everybody a browser and a thread of their own."""
    roles = ("quality_lead", "admin", "inspector")
    with ThreadPoolExecutor(PEOPLE) as pool:
        yield [log_in(app, roles[n % len(roles)]) for n in range(PEOPLE)], pool


def test_three_publications_interrupt_none_of_eight_people_editing_two_hundred_records(app: Flask) -> None:
    form = make_form([one | {"required": one["id"] in ("item", "result")} for one in INSPECTION])
    form_id, before = form.id, current_version()
    with write():
        answers = {"item": "外观", "result": "fail", "remark": "原来的说明"}
        numbers = [create_record(NewRecord(form_id, before, answers), by=None, now=NOW) for _n in range(RECORDS)]
    progress, lead = Progress(), log_in(app, "quality_lead")
    with people(app) as (browsers, pool):
        share = [numbers[n::PEOPLE] for n in range(PEOPLE)]
        running = [pool.submit(edit_all, browsers[n], share[n], progress, patient=n < PATIENT) for n in range(PEOPLE)]
        published = publish_three(lead, progress)
        works = [one.result() for one in running]

    assert [refused for work in works for refused in work.refused] == []
    assert published == [303] * 6
    fresh = {number: version for work in works for number, version in work.fresh.items()}
    assert len(set(fresh.values())) == 4, "new records were begun in every version"
    records = {record.number: record for record in all_records()}
    assert set(records) == {*numbers, *fresh}
    said = {number: text for work in works for number, text in work.said.items()}
    assert {number: (records[number].answers["item"], records[number].version) for number in numbers} == {
        number: (said[number], 2) for number in numbers
    }
    assert {number: record.form_version_id for number, record in records.items()} == dict.fromkeys(
        numbers, before
    ) | fresh
    assert [number for number, record in records.items() if not fits(record)] == []
    assert [row.version for row in versions(form_id)] == [1, 2, 3, 4]


def current_version() -> int:
    """Return the id of the only version there is."""
    return db.session.scalars(
        select(FormVersion.id).join(Form, FormVersion.form_id == Form.id).where(Form.key == "inspection")
    ).one()


def all_records() -> list[Record]:
    """Return every record as it is now."""
    db.session.remove()
    return list(db.session.scalars(select(Record)))


def versions(form_id: int) -> list[FormVersion]:
    """Return the versions of a form, oldest first."""
    return list(
        db.session.scalars(select(FormVersion).where(FormVersion.form_id == form_id).order_by(FormVersion.version))
    )


def fits(record: Record) -> bool:
    """Say whether the version a record keeps reads every answer the record holds back as it is."""
    definition = stored_definition("inspection", record.form_version_id)
    again = read_answers(definition, sent_from(definition, {}, record.answers), record.answers)
    held = {name for name, value in record.answers.items() if value not in (None, "", [])}
    return not again.errors and held <= {one.id for one in definition.all_fields} and again.answers == record.answers
