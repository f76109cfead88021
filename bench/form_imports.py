"""A ledger imported as records of a company's own form, beside reading the file and inserting the same records in bulk.

The form has two drop-downs, a rule and a key; every twentieth row is bad. The bare limit reads the good rows and inserts
them into the same tables with their indexes, the search's among them; it checks nothing, numbers nothing and returns
nothing. How much of that the search takes is a figure of its own.
"""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook
from sqlalchemy import insert

from bench.figures import Sheet
from bench.imports import BAD_EVERY, FIRST, ROUNDS, SHARE, write_sheet
from bench.site import make_site
from qtrace.core import clock, events, search
from qtrace.core.db import db, dispose_engines, read, table_of, write
from qtrace.exchange.importing import Progress, import_file
from qtrace.exchange.storing import BATCH
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.forms.service import publish_form
from qtrace.forms.slots import slots_of
from qtrace.forms.vocabulary import read_definition
from qtrace.records.models import Record
from qtrace.rules.models import Rule

ROWS = min(100_000, int(os.environ.get("QTRACE_BENCH_ROWS", "100000")))
FORM = "ledger"
HEADERS = ("检验单号", "结论", "产线", "抽检数", "检验日期", "加急", "检验员", "说明")
NAMES = ("sheet_no", "result", "line", "qty", "day", "urgent", "inspector", "remark")
RESULTS = [
    {"value": value, "zh": zh, "en": value}
    for value, zh in (("pass", "合格"), ("fail", "不合格"), ("accept", "让步接收"))
]
LINES = [{"value": f"line{n}", "zh": f"{n} 号线", "en": f"Line {n}"} for n in range(1, 9)]
MAPPING = {
    "kind": f"form:{FORM}", "key": "sheet_no",
    "columns": {name: {"header": header} for name, header in zip(NAMES, HEADERS, strict=True)},
}  # fmt: skip
Cells = list[str | float]


def measure(sheet: Sheet) -> None:
    """Add rows per second of both and their share, with what was stored, returned and unchanged the second time."""
    with tempfile.TemporaryDirectory(prefix="qtrace-form-imports-") as name:
        folder = Path(name)
        good, bad = folder / "good.xlsx", folder / "bad.xlsx"
        write_sheet(good, HEADERS, ledger_rows(ROWS))
        write_sheet(bad, HEADERS, spoilt(ledger_rows(ROWS)))
        ours, limit, blind = [], [], []
        for _round in range(ROUNDS):
            ours.append(ROWS / _import_twice(bad, folder))
            limit.append(ROWS / _bare(good, folder))
            blind.append(ROWS / _bare(good, folder, searched=False))
        share = statistics.median(ours) / statistics.median(limit) * 100
        sheet.add("form_import_rows", ROWS, "rows")
        sheet.add("form_import_rows_back", len(range(0, ROWS, BAD_EVERY)), "rows")
        sheet.add("form_import", statistics.median(ours), "rows/s")
        sheet.add("form_import_bare", statistics.median(limit), "rows/s")
        sheet.add("form_import_bare_without_search", statistics.median(blind), "rows/s")
        sheet.add("form_import_of_bare", share, "%", SHARE, most=False)


def ledger_rows(count: int) -> Iterator[Cells]:
    """Yield rows of a made-up inspection ledger."""
    for n in range(count):
        day = (FIRST + timedelta(hours=n % 9000)).strftime("%Y-%m-%d")
        yield [
            f"JY{20_000_000 + n}", str(RESULTS[n % 3]["zh"]), str(LINES[n % 8]["zh"]), 20 + n % 80, day,
            "是" if n % 9 == 0 else "否", f"检验员{n % 12}", f"外箱完好,抽 {n % 50} 件,封口{'有压痕' if n % 7 == 0 else '平整'}",
        ]  # fmt: skip


def spoilt(rows: Iterator[Cells]) -> Iterator[Cells]:
    """Yield the rows with a number the form's rule refuses in every twentieth."""
    for n, row in enumerate(rows):
        if n % BAD_EVERY == 0:
            row[3] = 5000
        yield row


def _site(folder: Path) -> Any:
    app, _token = make_site(folder)
    with app.test_request_context(), write():
        fields = [
            {"id": "sheet_no", "control": "text", "required": True, "filterable": True, "in_list": True},
            {"id": "result", "control": "select", "required": True, "filterable": True, "options": {"choices": RESULTS}},
            {"id": "line", "control": "select", "filterable": True, "options": {"choices": LINES}},
            {"id": "qty", "control": "integer", "filterable": True}, {"id": "day", "control": "date", "filterable": True},
            {"id": "urgent", "control": "switch"}, {"id": "inspector", "control": "text"},
            {"id": "remark", "control": "textarea"},
        ]  # fmt: skip
        for field, header in zip(fields, HEADERS, strict=True):
            field |= {"label_zh": header, "label_en": str(field["id"])}
        sections = [{"id": "main", "title_zh": "检验", "title_en": "Inspection", "fields": fields}]
        definition = read_definition(FORM, {"sections": sections})
        publish_form(FORM, definition, name_zh="检验台账", name_en="Ledger", by=None, now=clock.now(), prefix="LG")
        form = db.session.query(Form).where(Form.key == FORM).one()
        options = {"max": "1000"}
        db.session.add(Rule(form_id=form.id, field="qty", kind="range", options=options, changed_at=clock.now()))
    return app


def _import_twice(path: Path, folder: Path) -> float:
    bad = len(range(0, ROWS, BAD_EVERY))
    with tempfile.TemporaryDirectory(dir=folder) as name:
        app = _site(Path(name))
        with app.test_request_context():
            begun = time.perf_counter()
            first = _import(path, Path(name))
            spent = time.perf_counter() - begun
            again = _import(path, Path(name))
            dispose_engines()
    if (first.stored, first.refused) != (ROWS - bad, bad) or (again.unchanged, again.refused) != (ROWS - bad, bad):
        raise RuntimeError(f"the first run said {first}, the second {again}")
    return spent


def _import(path: Path, data_dir: Path) -> Progress:
    mapping = data_dir / "mapping.json"
    mapping.write_text(json.dumps(MAPPING, ensure_ascii=False), encoding="utf-8")
    return import_file(path, mapping=str(mapping), data_dir=data_dir, clock=clock.now).progress


def _bare(path: Path, folder: Path, *, searched: bool = True) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as name:
        app = _site(Path(name))
        with app.test_request_context():
            with read():
                form = db.session.query(Form).where(Form.key == FORM).one()
                form_id, version_id = form.id, current_definition(FORM)[0]
                slots = slots_of(form_id)
            begun = time.perf_counter()
            rows = iter(CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows())
            next(rows)
            made = 0
            while batch := list(islice(rows, BATCH)):
                with write():
                    same = {"form_id": form_id, "form_version_id": version_id, "state": "open", "source": "import"}
                    records = [_bare_row(row, slots, same, made + at) for at, row in enumerate(batch)]
                    db.session.execute(insert(table_of(Record)), records)
                    if searched:  # the ids are known, because the table was empty
                        texts = (
                            f"{one['number']}\n{row[0]}\n{row[1]}\n{row[2]}\n{row[6]}\n{row[7]}"
                            for one, row in zip(records, batch, strict=True)
                        )
                        search.index("record", enumerate(texts, made + 1), new=True)
                    events.record(
                        "bench", subject=("form", form_id), by=None, now=clock.now(), body={"stored": len(batch)}
                    )
                made += len(batch)
            spent = time.perf_counter() - begun
            dispose_engines()
    return spent


CHOICE = {str(one["zh"]): one["value"] for one in [*RESULTS, *LINES]}


def _bare_row(row: list[Any], slots: dict[str, str], same: dict[str, Any], place: int) -> dict[str, Any]:
    sheet_no, result, line, qty, day, urgent, inspector, remark = row
    now = FIRST
    answers = {
        "sheet_no": sheet_no, "result": CHOICE[result], "line": CHOICE[line], "qty": int(qty), "day": day,
        "urgent": urgent == "是", "inspector": inspector, "remark": remark,
    }  # fmt: skip
    return same | {
        "number": f"LG-{place:07d}", "title": sheet_no, "key": sheet_no, "answers": answers, "created_at": now,
        "changed_at": now, "version": 1, slots["sheet_no"]: sheet_no, slots["result"]: answers["result"],
        slots["line"]: answers["line"], slots["qty"]: int(qty) * 10**6,
        slots["day"]: datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=FIRST.tzinfo),
    }  # fmt: skip
