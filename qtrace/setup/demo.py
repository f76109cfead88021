"""Install the demonstration company: people, eighteen months of records week by week, and what staff did with them.

The records enter by the same road as an import or a connector, dated as they would have come in, so that the intake and
opening rules open the very complaints and issues a real company would have seen.
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select, update

from qtrace.accounts.models import Department
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.service import add_user_hashed, ensure_department, set_head
from qtrace.calendars.models import Calendar
from qtrace.calendars.seed import OFFICE_NAME, SHIFT_NAME
from qtrace.catalog.service import ensure_shop
from qtrace.config import Config
from qtrace.core import events
from qtrace.core.db import db, read, require_write, write
from qtrace.core.errors import Refused
from qtrace.core.models import Setting
from qtrace.orders.upsert import store
from qtrace.sdk.records import AfterSale, Order, OrderLine, Record, Review, Shipment
from qtrace.setup.demo_data import Demo, Person, generate
from qtrace.setup.demo_forms import fill_forms
from qtrace.setup.demo_inspections import fill_inspections
from qtrace.setup.demo_story import DemoStory

PASSWORD = "demo-qtrace"  # noqa: S105 -- printed on purpose; the demo listens on loopback only
SETTING = "demo"
SERVICE_DEPARTMENT = "客服部"
BATCH = 1000
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class DemoOptions:
    """How large the demonstration is and from which seed it is drawn."""

    orders: int = 20_000
    seed: int = 7


Say = Callable[[str, float], None]


def installed_demo() -> bool:
    """Say whether this site already holds the demonstration."""
    with read() as session:
        return session.get(Setting, SETTING) is not None


def install_demo(options: DemoOptions, *, now: datetime, say: Say) -> None:
    """Fill an empty site with the demonstration; `say(step, share)` tells how far it is."""
    today = now.astimezone(UTC).date()
    demo = generate(options.seed, options.orders, today)
    say("generated", 0.05)
    hashed = hash_password(PASSWORD)
    start = _start_of(demo)
    with write():
        users = _people(demo, hashed, start)
        shops = {shop.key: ensure_shop(shop.key, name=shop.name, platform=shop.platform) for shop in demo.shops}
        events.record("demo_started", subject=("demo", 1), by=None, now=start, body={"seed": options.seed})
    weeks = _weeks(demo, start)
    story = DemoStory(demo, users)
    for n, (monday, by_shop) in enumerate(sorted(weeks.items())):
        _load_week(by_shop, shops, monday, now)
        story.week_passed(min(datetime.combine(monday + WEEK, time(3), UTC), now))
        say("loading", 0.05 + 0.9 * (n + 1) / len(weeks))
    story.finish(now)
    fill_forms(demo, story.people, seed=options.seed, now=now)
    fill_inspections(story.people, seed=options.seed, now=now)
    with write():
        require_write().add(Setting(key=SETTING, value=_kept(demo, options)))
    say("done", 1.0)


def remove_site(config: Config) -> None:
    """Remove the database and files of a demonstration site; refused where they are not in its own data dir."""
    if config["DATABASE_URL"]:
        raise Refused("--fresh removes the SQLite database in the data dir only; empty another database yourself")
    for path in config.data_dir.glob("qtrace.db*"):
        path.unlink()
    shutil.rmtree(config.data_dir / "files", ignore_errors=True)


def people_of_demo(options: DemoOptions, *, now: datetime) -> Iterable[Person]:
    """Return who can log in to the demonstration."""
    return generate(options.seed, 50, now.astimezone(UTC).date()).people


def _kept(demo: Demo, options: DemoOptions) -> dict[str, object]:
    """Return what the tour needs to know of the demonstration."""
    planted = demo.planted
    return {
        "seed": options.seed,
        "orders": options.orders,
        "lot": planted.bad_lot.lot,
        "bad_sku": planted.bad_lot.sku,
        "line": planted.careless_line.line,
        "listing_sku": planted.wrong_listing.sku,
        "solved_sku": planted.solved.sku,
        "people": [[person.username, person.name] for person in demo.people],
    }


def _people(demo: Demo, hashed: str, start: datetime) -> dict[str, int]:
    session = require_write()
    calendars = dict(session.execute(select(Calendar.name, Calendar.id)).all())
    departments = {item.name: ensure_department(item.name) for item in demo.departments}
    for name, department_id in departments.items():
        calendar = SHIFT_NAME if name == SERVICE_DEPARTMENT else OFFICE_NAME
        session.execute(
            update(Department).where(Department.id == department_id).values(calendar_id=calendars[calendar])
        )
    users = {
        person.username: add_user_hashed(
            person.username, person.name, hashed, [person.role], by=None, now=start,
            department_id=departments[person.department],
        )
        for person in demo.people
    }  # fmt: skip
    for item in demo.departments:
        set_head(departments[item.name], users[item.head])
    session.merge(Setting(key="intake_department", value={"id": departments[SERVICE_DEPARTMENT]}))
    return users


def _weeks(demo: Demo, start: datetime) -> dict[date, dict[str, list[Record]]]:
    """Return the records by the week in which they came to be known, masters in the first one."""
    weeks: dict[date, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
    first = start.date()
    for shop, records in demo.records.items():
        orders = {record.external_id: record for record in records if isinstance(record, Order)}
        for record in records:
            day = max(_known_on(record, orders) or first, first)
            weeks[day - timedelta(days=day.weekday())][shop].append(record)
    return weeks


def _known_on(record: Record, orders: dict[str, Order]) -> date | None:
    match record:
        case Order():
            return _order_day(record)
        case OrderLine(order=order) | Shipment(order=order):
            return _order_day(orders[order]) if order in orders else None
        case Review(order=order, reviewed_at=at) | AfterSale(order=order, opened_at=at):
            known = _order_day(orders[order]) if order in orders else None
            return max(at.date(), known) if known else at.date()
        case _:
            return None


def _order_day(order: Order) -> date | None:
    moment = order.delivered_at or order.shipped_at or order.placed_at
    return moment.date() if moment else None


def _load_week(by_shop: dict[str, list[Record]], shops: dict[str, int], monday: date, now: datetime) -> None:
    at = min(datetime.combine(monday + WEEK, time(2), UTC), now)
    for shop in sorted(by_shop, key=lambda key: (key != "erp", key)):
        records = by_shop[shop]
        for begin in range(0, len(records), BATCH):
            with write():
                counts = store(shops[shop], records[begin : begin + BATCH], now=at, by=None, source=("demo", 1))
            if counts.refused:
                raise RuntimeError(f"the demonstration holds a record the store refuses: {counts.refused[:3]}")
    db.session.remove()


def _start_of(demo: Demo) -> datetime:
    placed = min(
        record.placed_at
        for records in demo.records.values()
        for record in records
        if isinstance(record, Order) and record.placed_at
    )
    return placed - WEEK
