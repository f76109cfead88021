"""A shop's years of issues, made up and written in bulk, so that a list can be measured at any size."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask
from sqlalchemy import Table, insert, select

from qtrace.accounts.models import Department, User
from qtrace.accounts.service import add_user_hashed, ensure_department
from qtrace.catalog.models import Shop, Sku, Supplier
from qtrace.classification.models import Term
from qtrace.core.db import WRITE, db, dispose_engines, write
from qtrace.flows.instances import definition_of
from qtrace.issues.models import Issue
from qtrace.issues.service import NewIssue, create_issue
from qtrace.orders.models import Lot
from qtrace.tasks.models import Task

YEARS = 3
FRESH = timedelta(days=60)
SUPPLIERS, SKUS, LOTS, PEOPLE = 200, 2000, 5000, 20
DEPARTMENTS = ("质量部", "客服部", "采购部", "仓储部")
GOODS = ("玻尿酸精华液", "修护面霜", "防晒乳", "纯棉T恤", "羊毛衫", "牛仔裤", "卸妆油", "洗发水")
FAULTS = ("瓶口漏液", "外包装破损", "色差明显", "拉链开裂", "批号缺失", "使用后过敏", "少发配件", "尺码与标签不符")
PLAIN_TERMS = {"type": 8, "severity": 3, "responsible_party": 5}
OPEN_COLUMNS = "id, number, title, stage, owner_id, department_id, due_at"
Ids = Sequence[int]


def fill(app: Flask, rows: int, *, now: datetime) -> None:
    """Write `rows` issues of the last years with their open to-dos into the (empty) SQLite site."""
    with app.test_request_context():
        world = _world(now)
        node = _first_node(now)
        connection = db.engines[WRITE].raw_connection()
        with closing(connection), closing(connection.cursor()) as cursor:
            # the checks and indexes come after the rows: the data is ours, and a sorted build is many times faster
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-262144")
            cursor.execute("BEGIN IMMEDIATE")
            bulk_insert(cursor, cast(Table, Issue.__table__), _issues(rows, world, node, now))
            cursor.execute(f"SELECT {OPEN_COLUMNS} FROM issue WHERE status = 'open' AND number LIKE 'QX%'")
            bulk_insert(cursor, cast(Table, Task.__table__), _tasks(cursor.fetchall(), now))
            cursor.execute("COMMIT")
        dispose_engines()


class World:
    """What issues refer to."""

    def __init__(self) -> None:
        self.shop = db.session.scalars(select(Shop.id).where(Shop.key == "bench")).one()
        self.suppliers = self._ids(Supplier)
        self.skus = self._ids(Sku)
        self.lots = self._ids(Lot)
        self.people = self._ids(User)
        self.departments = self._ids(Department)
        self.terms = {kind: _terms(kind) for kind in PLAIN_TERMS}

    @staticmethod
    def _ids(model: Any) -> Ids:
        return list(db.session.scalars(select(model.id).order_by(model.id)))


def _world(now: datetime) -> World:
    with write() as session:
        for kind, count in PLAIN_TERMS.items():
            if not _terms(kind):
                names = [
                    {"kind": kind, "code": f"{kind}_{n}", "name_zh": f"分类{n}", "name_en": f"Class {n}", "position": n}
                    for n in range(count)
                ]
                session.execute(insert(Term), names)
        departments = [ensure_department(name) for name in DEPARTMENTS]
        for n in range(PEOPLE):
            department = departments[n % len(departments)]
            add_user_hashed(f"bench{n}", f"同事{n}", "-", ["inspector"], by=None, now=now, department_id=department)
        shop = Shop(key="bench", name="旗舰店", platform="taobao")
        session.add(shop)
        session.flush()  # its id is in every row below
        own = {"shop_id": shop.id}
        session.execute(
            insert(Supplier), [own | {"external_id": f"S{n}", "name": f"供应商{n}"} for n in range(SUPPLIERS)]
        )
        skus = [own | {"external_id": f"SKU{n:05}", "name": f"{GOODS[n % len(GOODS)]} {n}"} for n in range(SKUS)]
        session.execute(insert(Sku), skus)
        session.execute(insert(Lot), [own | {"external_id": f"L26{n:05}"} for n in range(LOTS)])
    return World()


def _terms(kind: str) -> Ids:
    return list(
        db.session.scalars(select(Term.id).where(Term.kind == kind, Term.active).order_by(Term.position, Term.id))
    )


def _first_node(now: datetime) -> list[str]:
    """Return the stages of the shipped flow, found by opening one issue."""
    with write():
        new = NewIssue(title=FAULTS[0], opened_at=now - timedelta(days=365 * YEARS))
        issue_id = create_issue(new, by=None, now=now).id
    flow = definition_of("issue", issue_id)
    return [node.id for node in flow[0].nodes] if flow else ["record"]


def _issues(rows: int, world: World, stages: Sequence[str], now: datetime) -> Iterator[dict[str, Any]]:
    chance, month = random.Random(7), now.strftime("%y%m")
    start, step = now - timedelta(days=365 * YEARS), timedelta(days=365 * YEARS) / max(rows, 1)
    terms = world.terms
    blank = _blank(cast(Table, Issue.__table__)) | {"shop_id": world.shop}
    for n in range(1, rows):
        opened = start + step * n
        fresh = now - opened < FRESH
        is_open = chance.random() < (0.6 if fresh else 0.01)
        closed = None if is_open else min(opened + timedelta(days=chance.random() * 40), now)
        due = opened + timedelta(days=3) if chance.random() < 0.1 else now + timedelta(hours=chance.random() * 200)
        yield blank | {
            "number": f"QX-{month}-{n:07}",
            "title": f"{GOODS[n % len(GOODS)]}{FAULTS[n % 7]},{n % 97} 位买家反馈",
            "type_id": chance.choice(terms["type"]),
            "severity_id": terms["severity"][min(int(chance.expovariate(1.2)), len(terms["severity"]) - 1) * -1 - 1],
            "responsible_party_id": chance.choice(terms["responsible_party"]) if not is_open else None,
            "sku_id": chance.choice(world.skus),
            "lot_id": chance.choice(world.lots),
            "supplier_id": chance.choice(world.suppliers),
            "status": "open" if is_open else ("terminated" if n % 50 == 0 else "closed"),
            "stage": chance.choice(stages) if is_open else stages[-1],
            "due_at": _text(due) if is_open else None,
            "owner_id": chance.choice(world.people),
            "department_id": chance.choice(world.departments),
            "created_by": chance.choice(world.people),
            "opened_at": _text(opened),
            "closed_at": _text(closed) if closed else None,
            "complaint_count": n % 9,
        }


def _tasks(issues: Sequence[Any], now: datetime) -> Iterator[dict[str, Any]]:
    """Return one open to-do for every open issue."""
    blank = _blank(cast(Table, Task.__table__)) | {
        "kind": "stage", "subject_kind": "issue", "state": "open", "created_at": _text(now)
    }  # fmt: skip
    for issue_id, number, title, stage, owner_id, department_id, due_at in issues:
        yield blank | {
            "subject_id": issue_id, "node": stage, "title": title, "url": f"/issues/{number}", "owner_id": owner_id,
            "department_id": department_id, "due_at": due_at,
        }  # fmt: skip


def _blank(table: Table) -> dict[str, Any]:
    """Return every column but the id with its plain default, as the driver stores it."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name != "id":
            default = column.default.arg if column.default is not None and column.default.is_scalar else None  # type: ignore[attr-defined]  # scalars have it
            found[column.name] = default
    return found | ({"answers": "{}"} if "answers" in found else {})


def bulk_insert(cursor: Any, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """Insert the rows with the table's plain indexes taken away and built again afterwards."""
    names = [index.name for index in table.indexes]
    marks = ",".join("?" * len(names))
    built = cursor.execute(f"SELECT sql FROM sqlite_master WHERE name IN ({marks})", names).fetchall()
    for name in names:
        cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
    columns = [column.name for column in table.columns if column.name != "id"]
    listed = ", ".join(f'"{column}"' for column in columns)
    statement = f'INSERT INTO "{table.name}" ({listed}) VALUES ({", ".join("?" * len(columns))})'
    cursor.executemany(statement, (tuple(row.values()) for row in rows))
    for (sql,) in built:
        cursor.execute(sql)


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
