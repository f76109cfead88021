"""What filtering, sorting and grouping by a form's own field costs beside a built-in column of the same table.

Both sides hold the same values: the article (sku), the day (created_at) and the department stand in built-in columns and
again in slots of the form, so a ratio above one is what being the company's own field costs.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench.figures import Sheet
from bench.filling import bulk_insert
from bench.site import make_site
from qtrace.accounts.models import User
from qtrace.conditions.tree import Clause
from qtrace.core import clock
from qtrace.core.db import WRITE, db, dispose_engines, read, table_of, write
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.forms.service import publish_form
from qtrace.forms.slots import slots_of
from qtrace.forms.vocabulary import read_definition
from qtrace.records.asking import Asked
from qtrace.records.fields import ListFields, list_fields
from qtrace.records.models import Record
from qtrace.records.queries import count, record_page
from qtrace.records.statistics import Counting, Measure, by_value

ROWS = int(os.environ.get("QTRACE_BENCH_ROWS", "1000000"))
ARTICLES, DEPARTMENTS, ROUNDS = 2000, 4, 7
RATIO = 1.5
FORM = "bench"
PAIRS = {"article": ("sku", "f.article"), "day": ("created_at", "f.day"), "department": ("department", "f.department")}


def measure(sheet: Sheet) -> None:
    """Add the cost of each question on both sides and their ratio."""
    with tempfile.TemporaryDirectory(prefix="qtrace-records-") as folder:
        app, _token = make_site(Path(folder))
        with app.test_request_context():
            form_id = _publish()
            fields = list_fields(current_definition(FORM)[1], slots_of(form_id), english=False)
            _fill(form_id)
            user = db.session.scalars(select(User).where(User.username == "lead")).one()
            sheet.add("records_rows", ROWS, "records")
            for name, ask in _questions().items():
                costs = [_median(partial(ask, side, form_id, fields, user)) for side in (0, 1)]
                sheet.add(f"records_{name}_built_in", costs[0], "ms")
                sheet.add(f"records_{name}_own", costs[1], "ms")
                sheet.add(f"records_{name}_ratio", costs[1] / costs[0], "x", RATIO)
            dispose_engines()


Ask = Callable[[int, int, ListFields, User], object]


def _questions() -> dict[str, Ask]:
    """Return what is asked; side 0 is the built-in column, side 1 the form's own field."""

    def one_article(side: int) -> Asked:
        return Asked(condition=Clause(PAIRS["article"][side], "eq", 7))

    def filtered(side: int, form_id: int, fields: ListFields, user: User) -> object:
        asked = one_article(side)
        return record_page(form_id, asked, fields, user), count(form_id, asked, fields, user)

    def sorted_(side: int, form_id: int, fields: ListFields, user: User) -> object:
        return record_page(form_id, Asked(sort=f"-{PAIRS['day'][side]}"), fields, user)

    def grouped(side: int, form_id: int, fields: ListFields, user: User) -> object:
        counting = Counting(form_id, Asked(), fields, user, Measure())
        return by_value(counting, fields.by_id[PAIRS["department"][side]])

    def together(side: int, form_id: int, fields: ListFields, user: User) -> object:
        asked = replace(one_article(side), sort=f"-{PAIRS['day'][side]}", group=PAIRS["department"][side])
        counting = Counting(form_id, asked, fields, user, Measure())
        return record_page(form_id, asked, fields, user), by_value(counting, fields.by_id[asked.group])

    return {"filter": filtered, "sort": sorted_, "group": grouped, "together": together}


def _median(call: Callable[[], object]) -> float:
    spent = []
    for _round in range(ROUNDS):
        with read():
            begun = time.perf_counter()
            call()
            spent.append((time.perf_counter() - begun) * 1000)
    return statistics.median(spent)


def _publish() -> int:
    fields = [
        {"id": "article", "control": "sku", "label_zh": "商品", "label_en": "Article", "filterable": True},
        {"id": "day", "control": "datetime", "label_zh": "日期", "label_en": "Day", "filterable": True},
        {"id": "department", "control": "user", "label_zh": "部门", "label_en": "Team", "filterable": True},
        {"id": "words", "control": "textarea", "label_zh": "说明", "label_en": "Words"},
    ]
    sections = [{"id": "main", "title_zh": "登记", "title_en": "Record", "fields": fields}]
    with write():
        definition = read_definition(FORM, {"sections": sections})
        publish_form(FORM, definition, name_zh="测速", name_en="Bench", by=None, now=clock.now(), prefix="BN")
    with read():
        return db.session.scalars(select(Form.id).where(Form.key == FORM)).one()


def _fill(form_id: int) -> None:
    """Write the records in bulk; what they refer to need not be there, because nothing is shown."""
    slots = slots_of(form_id)
    with read():
        version_id, _definition = current_definition(FORM)
    connection = db.engines[WRITE].raw_connection()
    with closing(connection), closing(connection.cursor()) as cursor:
        for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-262144"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.execute("BEGIN IMMEDIATE")
        bulk_insert(cursor, table_of(Record), _records(form_id, version_id, slots))
        cursor.execute("COMMIT")
        cursor.execute("ANALYZE")
    dispose_engines()


def _records(form_id: int, version_id: int, slots: dict[str, str]) -> Iterator[dict[str, Any]]:
    chance, now = random.Random(7), clock.now().replace(tzinfo=None)
    empty: dict[str, Any] = {column.name: None for column in table_of(Record).columns if column.name != "id"}
    for n in range(ROWS):
        article, department = chance.randrange(1, ARTICLES), chance.randrange(1, DEPARTMENTS + 1)
        day = (now - timedelta(minutes=chance.randrange(3 * 365 * 1440))).strftime("%Y-%m-%d %H:%M:%S.%f")
        yield empty | {
            "form_id": form_id, "form_version_id": version_id, "number": f"BN-{n:07d}", "title": "开箱检查", "answers": "{}",
            "state": "void" if n % 50 == 0 else "open", "stage": "", "source": "import", "sku_id": article, "created_at": day,
            "changed_at": day, "department_id": department, "version": 1, slots["article"]: article, slots["day"]: day,
            slots["department"]: department,
        }  # fmt: skip
