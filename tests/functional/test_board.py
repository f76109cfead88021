"""The board: every figure equals an independent count of the rows, and every link opens exactly those records."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from html import unescape
from statistics import mean, median
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from flask import Flask
from sqlalchemy import event, insert, select, update

from qtrace.accounts.models import User
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.complaints import filters as complaint_filters
from qtrace.complaints import queries as complaint_queries
from qtrace.complaints.models import Complaint
from qtrace.core import clock
from qtrace.core.db import db, write
from qtrace.core.errors import NotFound
from qtrace.investigation.models import Action, CostLine, EffectCheck
from qtrace.issues import filters as issue_filters
from qtrace.issues import queries as issue_queries
from qtrace.issues.models import Issue
from qtrace.issues.queries import Reader
from qtrace.orders.models import AfterSale, Lot, Order, OrderLine, Review
from qtrace.reports.board import MIN_UNITS, Board, build_board
from qtrace.reports.periods import period_of
from qtrace.reports.queries import Scope
from qtrace.reports.service import report_json
from tests.conftest import NOW, user_id

ZONE = ZoneInfo("Asia/Shanghai")
MOST_QUERIES = 25
KEYS = ("month", "last_month", "90d", "12m")
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock stand at NOW."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def rows(app: Flask) -> Rows:
    """A small site's rows over 15 months, written and kept for counting by other means."""
    return fill(random.Random(7), orders=240, complaints=160, issues=60)


def fill(dice: random.Random, *, orders: int, complaints: int, issues: int) -> Rows:
    """Write rows and return them as they were written."""
    with write() as session:
        shop = Shop(key="douyin", name="抖店旗舰店")
        session.add(shop)
        session.flush()
        suppliers = [Supplier(shop_id=shop.id, external_id=f"S{n}", name=f"供应商{n}") for n in range(4)]
        session.add_all(suppliers)
        session.flush()
        skus = [
            Sku(shop_id=shop.id, external_id=f"K{n}", name=f"商品{n}", supplier_id=suppliers[n % 4].id)
            for n in range(12)
        ]
        session.add_all(skus)
        session.flush()
        lots = [
            Lot(
                shop_id=shop.id,
                external_id=f"L{n}",
                sku_id=skus[n % 12].id,
                made_on=(NOW - timedelta(days=40 * n)).date(),
            )
            for n in range(8)
        ]
        session.add_all(lots)
        session.flush()
        ids = {"shop": shop.id, "sku": [sku.id for sku in skus], "lot": [lot.id for lot in lots]}
        ids["supplier_of"] = {sku.id: sku.supplier_id for sku in skus}
        ids["type"] = list(session.scalars(select(Term.id).where(Term.kind == "type").order_by(Term.id)))
        rows = make_rows(dice, ids, orders, complaints, issues)
        for model, name in MODELS:
            session.execute(insert(model), rows[name])
    rows["lot"] = [{"id": lot.id, "sku_id": lot.sku_id, "made_on": lot.made_on} for lot in lots]
    return rows


MODELS: list[tuple[Any, str]] = [
    (Order, "order"), (OrderLine, "line"), (Review, "review"), (AfterSale, "after_sale"), (Issue, "issue"),
    (Complaint, "complaint"), (Action, "action"), (EffectCheck, "check"), (CostLine, "cost"),
]  # fmt: skip


def make_rows(dice: random.Random, ids: dict[str, Any], orders: int, complaints: int, issues: int) -> Rows:
    """Return the rows to write."""

    def moment() -> datetime:
        return NOW - timedelta(minutes=dice.randrange(450 * 1440))

    rows: Rows = {name: [] for _model, name in MODELS}
    for n in range(1, orders + 1):
        placed = moment()
        currency = "USD" if n % 9 == 0 else "CNY"
        shipped = placed + timedelta(days=1) if n % 7 else None
        rows["order"].append({
            "id": n, "shop_id": ids["shop"], "external_id": str(n), "currency": currency, "status": "",
            "paid_minor": dice.randrange(1000, 90000), "placed_at": placed, "shipped_at": shipped, "known": True,
        })  # fmt: skip
        sku = dice.choice(ids["sku"])
        rows["line"].append({
            "order_id": n, "external_id": "1", "kind": "item", "sku_id": sku, "quantity": dice.randrange(1, 30),
            "supplier_id": ids["supplier_of"][sku] if n % 2 else None,
        })  # fmt: skip
        rows["review"].append({
            "id": n, "shop_id": ids["shop"], "external_id": str(n), "order_id": n, "stars": dice.randrange(1, 6),
            "reviewed_at": moment(),
        })  # fmt: skip
    for n in range(1, complaints + 1):
        source = dice.choice(["review", "after_sale", "staff"])
        at, sku = moment(), dice.choice(ids["sku"])
        rows["after_sale"].append({
            "id": n, "shop_id": ids["shop"], "external_id": str(n), "kind": "refund",
            "currency": "USD" if n % 9 == 0 else "CNY", "refund_minor": dice.randrange(100, 9000),
            "freight_minor": dice.randrange(0, 900), "opened_at": at,
        })  # fmt: skip
        rows["complaint"].append({
            "id": n, "number": f"KS-{n}", "source_kind": source, "source_id": n if source != "staff" else None,
            "occurred_at": at, "created_at": at, "sku_id": sku, "supplier_id": ids["supplier_of"][sku],
            "stars": dice.randrange(1, 4) if source == "review" else None, "type_id": dice.choice([None, *ids["type"]]),
            "status": dice.choice(["open", "closed"]),
        })  # fmt: skip
    for n in range(1, issues + 1):
        opened = moment()
        status = dice.choice(["open", "closed", "closed"])
        closed = min(NOW, opened + timedelta(minutes=dice.randrange(60, 90000))) if status == "closed" else None
        by_lot = n % 3 == 0
        rows["issue"].append({
            "id": n, "number": f"QI-{n}", "title": f"问题{n}", "status": status, "opened_at": opened, "closed_at": closed,
            "stage": dice.choice(["record", "review", "cause"]), "due_at": NOW + timedelta(hours=dice.randrange(-90, 90)),
            "sku_id": None if by_lot else dice.choice(ids["sku"][:3]), "lot_id": dice.choice(ids["lot"]) if by_lot else None,
            "type_id": dice.choice(ids["type"][:2]), "verified_cause_id": None, "answers": {},
        })  # fmt: skip
        for _again in range(dice.randrange(3)):
            rows["action"].append({
                "issue_id": n, "kind": dice.choice(["corrective", "corrective", "containment"]), "text": "换瓶盖",
                "effective_at": moment(), "cancelled_at": dice.choice([None, None, NOW]), "created_at": opened,
            })  # fmt: skip
        for accepted in [dice.random() < 0.7 for _check in range(dice.randrange(3))]:
            rows["check"].append({
                "issue_id": n, "effective_at": moment(), "scope": "sku", "figures": {}, "verdict": "improved",
                "accepted": accepted, "at": moment(),
            })  # fmt: skip
        rows["cost"].append({
            "issue_id": n, "category": "external", "payer": "company", "amount_minor": dice.randrange(100, 9999),
            "currency": "CNY", "at": moment(),
        })  # fmt: skip
    return rows


def lead() -> User:
    """Return the person who sees everything."""
    db.session.remove()
    return db.session.get_one(User, user_id("quality_lead"))


def board_of(key: str, user: User | None = None) -> Board:
    """Build the board as that person sees it."""
    return build_board(Scope(user or lead(), period_of(key, NOW, ZONE), NOW))


def local_day(moment: datetime) -> date:
    """Return the day at the site."""
    return moment.astimezone(ZONE).date()


def spans(key: str) -> list[Callable[[datetime | None], bool]]:
    """Return tests for "in this period" and "in the one before", by days and not by moments."""
    period = period_of(key, NOW, ZONE)
    both = [(period.first, period.last), (period.previous.first, period.previous.last)]
    return [lambda at, a=a, b=b: at is not None and a <= local_day(at) <= b for a, b in both]  # type: ignore[misc]


@pytest.mark.parametrize("key", KEYS)
def test_resolution_time_equals_pandas(rows: Rows, key: str) -> None:
    found = board_of(key)
    for times, within in zip(found.times, spans(key), strict=True):
        closed = [row for row in rows["issue"] if row["status"] == "closed" and within(row["closed_at"])]
        minutes = pd.Series(
            [(row["closed_at"] - row["opened_at"]) / timedelta(minutes=1) for row in closed], dtype=float
        )
        assert times.calendar.ids == tuple(sorted(row["id"] for row in closed))
        if closed:
            assert times.calendar.median == pytest.approx(median(minutes))
            assert times.calendar.mean == pytest.approx(mean(minutes))
            assert times.calendar.p90 == pytest.approx(minutes.quantile(0.9))
            assert times.business.n == len(closed)


@pytest.mark.parametrize("key", KEYS)
def test_recurrence_equals_a_nested_loop(rows: Rows, key: str) -> None:
    found = board_of(key)
    lots = {lot["id"]: lot for lot in rows["lot"]}
    verified = {row["issue_id"] for row in rows["check"] if row["accepted"]}
    latest: dict[int, datetime] = {}
    for row in rows["action"]:
        if row["kind"] == "corrective" and row["cancelled_at"] is None and row["issue_id"] in verified:
            latest[row["issue_id"]] = max(row["effective_at"], latest.get(row["issue_id"], row["effective_at"]))

    def same(one: dict[str, Any], two: dict[str, Any]) -> bool:
        skus = [row["sku_id"] or lots[row["lot_id"]]["sku_id"] for row in (one, two)]
        return skus[0] == skus[1] and one["type_id"] == two["type_id"]

    for rate, within in zip(found.recurrence, spans(key), strict=True):
        cured = {id_: at for id_, at in latest.items() if within(at)}
        failed, again = set(), set()
        for old in (row for row in rows["issue"] if row["id"] in cured):
            for new in rows["issue"]:
                late = cured[old["id"]] < new["opened_at"] <= cured[old["id"]] + timedelta(days=90)
                made = lots[new["lot_id"]]["made_on"] if new["lot_id"] else None
                fresh = made is None or datetime.combine(made, datetime.min.time(), ZONE) >= cured[old["id"]]
                if new is not old and late and fresh and same(old, new):
                    failed.add(old["id"])
                    again.add(new["id"])
        assert set(rate.denominator_ids) == set(cured)
        assert set(rate.numerator_ids) == failed
        assert set(rate.repeat_ids) == again
        assert rate.rate == (len(failed) / len(cured) if cured else None)


@pytest.mark.parametrize("key", KEYS)
def test_satisfaction_and_cost_equal_plain_sums(rows: Rows, key: str) -> None:
    found = board_of(key)
    assert found.cost is not None
    after_sales = {row["id"]: row for row in rows["after_sale"]}
    for score, cost, within in zip(found.score, found.cost, spans(key), strict=True):
        given = [row["stars"] for row in rows["review"] if within(row["reviewed_at"])]
        assert score.n == len(given)
        assert score.mean == pytest.approx(mean(given))
        assert score.top_box_rate == pytest.approx(sum(star > 3 for star in given) / len(given))
        became = [
            after_sales[row["source_id"]]
            for row in rows["complaint"]
            if row["source_kind"] == "after_sale" and within(row["occurred_at"])
        ]
        refund = sum(row["refund_minor"] + row["freight_minor"] for row in became if row["currency"] == "CNY")
        booked = sum(row["amount_minor"] for row in rows["cost"] if within(row["at"]))
        sold = sum(r["paid_minor"] for r in rows["order"] if r["currency"] == "CNY" and within(r["placed_at"]))
        assert (cost.currency, cost.refund_minor, cost.booked_minor, cost.sales_minor) == ("CNY", refund, booked, sold)
        assert cost.ratio is not None
        assert cost.ratio.value == Decimal(refund + booked) / Decimal(sold)


@pytest.mark.parametrize("key", KEYS)
def test_types_and_ranks_equal_plain_counts(rows: Rows, key: str) -> None:
    found = board_of(key)
    within = spans(key)[0]
    terms = {term.id: term for term in db.session.scalars(select(Term).where(Term.kind == "type"))}
    counted = [row for row in rows["complaint"] if within(row["occurred_at"])]
    tops: Counter[str] = Counter()
    for row in counted:
        term = terms.get(row["type_id"])
        tops[terms[term.parent_id].code if term and term.parent_id else term.code if term else ""] += 1
    assert {row.term.code if row.term else "": row.bar.count for row in found.types} == tops
    assert found.complaints[0] == len(counted)
    shipped = {row["id"] for row in rows["order"] if within(row["shipped_at"])}
    frame = pd.DataFrame([row for row in rows["line"] if row["order_id"] in shipped])
    units = frame.groupby("sku_id")["quantity"].sum().to_dict() if len(frame) else {}
    per_sku = Counter(row["sku_id"] for row in counted)
    rates = {id_: n / units[id_] for id_, n in per_sku.items() if units.get(id_, 0) >= MIN_UNITS}
    assert [row.id for row in found.skus] == sorted(rates, key=lambda id_: (-rates[id_], -per_sku[id_], id_))[:8]
    assert all(row.units == units[row.id] and row.complaints == per_sku[row.id] for row in found.skus)


def test_months_and_stages_equal_plain_counts(rows: Rows) -> None:
    found = board_of("month")
    complaints = Counter(f"{local_day(row['occurred_at']):%Y-%m}" for row in rows["complaint"])
    orders = Counter(f"{local_day(row['placed_at']):%Y-%m}" for row in rows["order"])
    assert len(found.months) == 12
    for row in found.months:
        assert (row.complaints, row.orders) == (complaints[row.month.key], orders[row.month.key])
    waiting = [row for row in rows["issue"] if row["status"] == "open"]
    assert {row.key: row.open for row in found.stages if row.open} == Counter(row["stage"] for row in waiting)
    late = Counter(row["stage"] for row in waiting if row["due_at"] < NOW)
    assert {row.key: row.overdue for row in found.stages if row.overdue} == late


@pytest.mark.parametrize("key", KEYS)
def test_every_link_opens_as_many_records_as_its_figure_says(rows: Rows, login: Callable[[str], Any], key: str) -> None:
    text = login("quality_lead").get(f"/boards/quality?period={key}").get_data(as_text=True)
    found = board_of(key)
    links = set(re.findall(r'href="(/(?:issues|complaints)\?[^"]+)"', text))
    figures = {address: records_behind(unescape(address)) for address in links}
    assert len(links) >= 8
    by_query = {frozenset(parse_qsl(urlsplit(unescape(address)).query)): n for address, n in figures.items()}
    for wanted, number in expected(found):
        assert by_query.pop(frozenset(wanted.items())) == number, wanted
    assert not by_query  # no link without a figure


def test_one_shop_counts_and_links_only_its_own_records(rows: Rows, login: Callable[[str], Any]) -> None:
    with write() as session:
        second = Shop(key="tmall", name="天猫旗舰店")
        session.add(second)
        session.flush()
        shop = second.id
        for model in (Order, Review, Complaint, Issue):
            session.execute(update(model).where(model.id % 2 == 0).values(shop_id=shop))
    found = build_board(Scope(lead(), period_of("12m", NOW, ZONE), NOW, shop))
    own = {
        name: [row for row in rows[name] if row["id"] % 2 == 0] for name in ("order", "review", "complaint", "issue")
    }
    within = spans("12m")[0]
    assert found.complaints[0] == sum(within(row["occurred_at"]) for row in own["complaint"])
    assert found.score[0].n == sum(within(row["reviewed_at"]) for row in own["review"])
    assert found.times[0].calendar.n == sum(within(row["closed_at"]) for row in own["issue"])
    assert sum(row.open for row in found.stages) == sum(row["status"] == "open" for row in own["issue"])
    assert sum(row.orders for row in found.months) == sum(within(row["placed_at"]) for row in own["order"])
    assert found.cost is not None
    sold = sum(row["paid_minor"] for row in own["order"] if row["currency"] == "CNY" and within(row["placed_at"]))
    assert found.cost[0].sales_minor == sold
    text = login("quality_lead").get(f"/boards/quality?period=12m&shop={shop}").get_data(as_text=True)
    links = {unescape(link) for link in re.findall(r'href="(/(?:issues|complaints)\?[^"]+)"', text)}
    figures = {frozenset(parse_qsl(urlsplit(link).query)): records_behind(link) for link in links}
    for wanted, number in expected(found):
        asked = wanted if "ids" in wanted else wanted | {"shop": str(shop)}
        assert figures.pop(frozenset(asked.items())) == number, asked
    assert not figures


def test_an_unknown_shop_counts_nothing(rows: Rows, login: Callable[[str], Any]) -> None:
    with write() as session:
        session.add(Shop(key="tmall", name="天猫旗舰店"))
    assert login("quality_lead").get("/boards/quality?shop=99999").status_code == 200
    assert login("quality_lead").get("/boards/quality?shop=abc").status_code == 200
    assert build_board(Scope(lead(), period_of("12m", NOW, ZONE), NOW, 99999)).complaints == (0, 0)


def expected(found: Board) -> Iterator[tuple[dict[str, str], int]]:
    """Yield the filters of every link on the page and the figure beside it."""
    days = {"status": "all", "from": found.period.first.isoformat(), "to": found.period.last.isoformat()}
    yield days, found.complaints[0]
    yield days | {"source": "review", "stars_max": "2"}, found.low_stars
    yield days | {"source": "after_sale"}, found.after_sales
    closed = {"status": "closed", "closed_from": days["from"], "closed_to": days["to"]}
    yield closed, found.times[0].calendar.n
    now = found.recurrence[0]
    for ids in {now.numerator_ids, now.repeat_ids, now.denominator_ids}:  # the same issues are the same link
        if ids:
            yield {"ids": ",".join(map(str, ids))}, len(ids)
    for row in found.types:
        if row.term:
            yield days | {"type": row.term.code}, row.bar.count
    for month in found.months:
        span = {"from": month.month.first.isoformat(), "to": month.month.last.isoformat()}
        if span["to"] != days["to"] or span["from"] != days["from"]:  # last month is a link of its own
            yield days | span, month.complaints
    for stage in found.stages:
        yield {"status": "open", "stage": stage.key}, stage.open
        if stage.overdue:
            yield {"status": "open", "stage": stage.key, "overdue": "1"}, stage.overdue
    for kind, ranked in (("sku", found.skus), ("supplier", found.suppliers)):
        for rank in ranked:
            yield days | {kind: str(rank.id)}, rank.complaints


def records_behind(address: str) -> int:
    """Return how many records the list at this address shows."""
    path, query = urlsplit(address).path, dict(parse_qsl(urlsplit(address).query))
    if path == "/complaints":
        return complaint_queries.count(complaint_filters.read_filters(query), lead(), ZONE)
    return issue_queries.counts([issue_filters.read_filters(query)], Reader(lead(), NOW, ZONE))[0]


def test_a_person_of_narrow_scope_counts_only_what_the_lists_show(rows: Rows) -> None:
    with write() as session:
        mine = user_id("inspector")
        for row_id in (1, 2, 3):
            session.get_one(Complaint, row_id).handled_by = mine
        other = session.get_one(User, user_id("quality_lead")).department_id
        session.execute(Complaint.__table__.update().where(Complaint.id > 3).values(department_id=other))
    user = db.session.get_one(User, user_id("inspector"))
    found = board_of("12m", user)
    period = period_of("12m", NOW, ZONE)
    filters = complaint_filters.Filters(status="all", from_=period.first.isoformat(), to=period.last.isoformat())
    assert found.complaints[0] == complaint_queries.count(filters, user, ZONE)
    assert user.scope == "all" or found.complaints[0] < board_of("12m").complaints[0]


def test_an_empty_site_shows_dashes_and_no_figure(app: Flask, login: Callable[[str], Any]) -> None:
    found = board_of("month")
    assert (found.cost, found.score[0].n, found.types, found.skus) == (None, 0, [], [])
    answer = login("quality_lead").get("/boards/quality")
    assert answer.status_code == 200
    assert "—" in answer.get_data(as_text=True)


def test_boards_lead_to_the_quality_board(app: Flask, login: Callable[[str], Any]) -> None:
    answer = login("owner").get("/boards")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/boards/quality")


def test_a_visitor_sees_no_board(app: Flask) -> None:
    assert app.test_client().get("/boards/quality").status_code in {302, 303, 401}


def test_the_report_as_data_says_what_the_page_says(rows: Rows) -> None:
    found = board_of("90d")
    data = json.loads(json.dumps(report_json("quality", "90d", NOW)))
    assert data["complaints"]["current"] == found.complaints[0]
    assert data["resolution_minutes"]["current"]["calendar"]["median"] == found.times[0].calendar.median
    assert found.cost is not None
    assert found.cost[0].ratio is not None
    assert Decimal(data["quality_cost"]["current"]["ratio"]) == found.cost[0].ratio.value
    with pytest.raises(NotFound):
        report_json("weather", "month", NOW)


def test_the_page_needs_few_queries_whatever_the_number_of_rows(app: Flask, login: Callable[[str], Any]) -> None:
    fill(random.Random(11), orders=2_000, complaints=300, issues=60)
    browser = login("quality_lead")
    browser.get("/boards/quality?period=12m")
    with counted_queries() as statements:
        answer = browser.get("/boards/quality?period=12m")
    assert answer.status_code == 200
    assert len(statements) <= MOST_QUERIES, "\n".join(statements)


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """Collect the statements sent to the database."""
    statements: list[str] = []
    engines = [db.engines[key] for key in (None, "write")]

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield statements
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)
