"""The whole run on ../shared/data: the nine Olist files with counts against pandas, and the ledgers' dry run."""

import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from sqlalchemy import func, select

from bench.figures import Sheet
from bench.oracle import opened_issues
from bench.site import make_site
from qtrace.complaints.models import Complaint
from qtrace.core import clock, events
from qtrace.core.db import db
from qtrace.core.errors import DomainError
from qtrace.exchange.importing import Finished, import_file, preview
from qtrace.issues.models import Issue

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
FILES = (  # (file, kind, rows expected as stored, None where duplicates are explained in the data's README)
    ("product_category_name_translation.csv", "categories"),
    ("olist_geolocation_dataset.csv", "places"),
    ("olist_customers_dataset.csv", "customers"),
    ("olist_sellers_dataset.csv", "suppliers"),
    ("olist_products_dataset.csv", "products"),
    ("olist_orders_dataset.csv", "orders"),
    ("olist_order_items_dataset.csv", "lines"),
    ("olist_order_payments_dataset.csv", "payments"),
    ("olist_order_reviews_dataset.csv", "reviews"),
)
EXPECTED = {"orders": 8135, "lines": 8365, "suppliers": 1610, "products": 5460}


def main() -> None:
    """Run everything and print the figures; one clear line where the data is absent."""
    if not DATA.exists():
        print("real: ../shared/data is not here; nothing was run")
        sys.exit(0)
    sheet = Sheet("loop")
    with tempfile.TemporaryDirectory(prefix="qtrace-real-") as folder:
        app, _token = make_site(Path(folder))
        with app.test_request_context():
            _olist(sheet, Path(folder))
            _ledgers(sheet)
    sheet.write()


def _olist(sheet: Sheet, data_dir: Path) -> None:
    first = _import_all(sheet, data_dir, "first")
    complaints, issues, head = _counts()
    for kind, rows in EXPECTED.items():
        sheet.add(f"olist_{kind}", first[kind].progress.stored, "rows", rows)
        sheet.add(f"olist_{kind}_missing", rows - first[kind].progress.stored, "rows", 0)
    _complaints(sheet)
    _issues(sheet)
    second = _import_all(sheet, data_dir, "second")
    changed = sum(done.progress.stored + done.progress.updated for done in second.values())
    sheet.add("olist_second_run_changes", changed, "rows", 0)
    after = _counts()
    sheet.add("olist_second_run_new_complaints", after[0] - complaints, "complaints", 0)
    sheet.add("olist_second_run_new_issues", after[1] - issues, "issues", 0)
    sheet.add("olist_chain_broken", 0 if events.verify_chain().broken_at is None else 1, "chains", 0)
    assert head


def _import_all(sheet: Sheet, data_dir: Path, name: str) -> dict[str, Finished]:
    results, begun = {}, time.perf_counter()
    for file, kind in FILES:
        started = time.perf_counter()
        done = import_file(DATA / "olist" / file, kind=kind, mapping="olist", data_dir=data_dir, clock=clock.now)
        p = done.progress
        assert p.read == p.stored + p.updated + p.unchanged + p.refused
        print(
            f"# {name} {file}: read {p.read} stored {p.stored} updated {p.updated} unchanged {p.unchanged} "
            f"refused {p.refused} in {time.perf_counter() - started:.1f} s"
        )
        results[kind] = done
    sheet.add(f"olist_import_{name}", time.perf_counter() - begun, "s", 60)
    return results


def _complaints(sheet: Sheet) -> None:
    by_source = dict(
        db.session.execute(select(Complaint.source_kind, func.count()).group_by(Complaint.source_kind)).all()
    )
    reviews = pd.read_csv(DATA / "olist" / "olist_order_reviews_dataset.csv")
    low = reviews.drop_duplicates(["review_id", "order_id"]).query("review_score <= 2")
    sheet.add("olist_complaints_from_reviews", by_source.get("review", 0), "complaints", 3020)
    sheet.add("olist_complaints_not_as_pandas", abs(by_source.get("review", 0) - len(low)), "complaints", 0)
    orders = pd.read_csv(
        DATA / "olist" / "olist_orders_dataset.csv",
        parse_dates=["order_delivered_customer_date", "order_estimated_delivery_date"],
    )
    delivered = orders.dropna(subset=["order_delivered_customer_date"])
    late = (delivered.order_delivered_customer_date > delivered.order_estimated_delivery_date).sum()
    print(f"# pandas: {late} of {len(delivered)} deliveries late")
    sheet.add("olist_late_deliveries", by_source.get("order", 0), "complaints", 415)
    sheet.add("olist_late_not_as_pandas", abs(by_source.get("order", 0) - int(late)), "complaints", 0)


def _issues(sheet: Sheet) -> None:
    ours = db.session.scalar(select(func.count()).select_from(Issue)) or 0
    held = db.session.scalar(select(func.count()).select_from(Complaint).where(Complaint.issue_id.is_not(None))) or 0
    expected, expected_held = opened_issues(DATA / "olist")
    sheet.add("olist_issues_opened", ours, "issues")
    sheet.add("olist_issues_not_as_pandas", abs(ours - expected), "issues", 0)
    sheet.add("olist_complaints_held", held, "complaints")
    sheet.add("olist_held_not_as_pandas", abs(held - expected_held), "complaints", 0)


def _counts() -> tuple[int, int, tuple[int, str]]:
    db.session.remove()
    complaints = db.session.scalar(select(func.count()).select_from(Complaint)) or 0
    issues = db.session.scalar(select(func.count()).select_from(Issue)) or 0
    return complaints, issues, events.head()


def _ledgers(sheet: Sheet) -> None:
    readable = 0
    for path in sorted((DATA / "ledgers").glob("*.xls*")):
        try:
            found = preview(path)
        except DomainError as error:
            print(f"# ledger {path.name}: {error}")
            continue
        readable += 1
        print(f"# ledger {path.name}: header row {found.header_row}, {len(found.headers)} columns, {found.rows} rows")
    sheet.add("ledgers_dry_run", readable, "files", 5, most=False)


if __name__ == "__main__":
    main()
