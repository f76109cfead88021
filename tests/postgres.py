"""The PostgreSQL database of a test run: made once, and put back to what it was before each test.

A database of its own for each test costs twice: copying the template, and a server process that has to learn the tables
anew, which makes each first question three times as slow.
"""

import psycopg
from sqlalchemy.pool import Pool

from qtrace.core.db import WRITE, db

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
SEQUENCES = (
    "SELECT sequencename, coalesce(last_value, 1), last_value IS NOT NULL FROM pg_sequences WHERE schemaname = 'public'"
)
# Whoever still holds a transaction is of a test that has ended, and would let this one wait.
LEFT_BEHIND = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
)
ROUNDS = 25  # tests after which the rows that were deleted meanwhile are thrown away
SHAPE = (
    "SELECT (SELECT count(*) FROM pg_trigger), (SELECT count(*) FROM pg_index),"
    " (SELECT count(*) FROM pg_attribute WHERE NOT attisdropped), (SELECT count(*) FROM pg_constraint)"
)


class PostgresDatabase:
    """A filled database that remembers its rows, and the connections to it that the tests lend each other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.admin = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        self.pools: dict[str | None, Pool] = {}
        self.restored = 0
        self.put_back, self.begin_anew = self._remember()
        self.shape = self._shape()

    def restore(self) -> None:
        """Put every row and every number back to what it was."""
        self.admin.execute(LEFT_BEHIND)
        self.restored += 1
        self.admin.execute(self.put_back if self.restored % ROUNDS else self.begin_anew)
        assert self._shape() == self.shape, "a test before this one changed the tables themselves"

    def lend_connections(self) -> None:
        """Give the current app the connections of the one before, which know the tables already."""
        for key in (None, WRITE):
            engine = db.engines[key]
            engine.pool = self.pools.setdefault(key, engine.pool)

    def close(self) -> None:
        """Close every connection."""
        for pool in self.pools.values():
            pool.dispose()
        self.admin.close()

    def _shape(self) -> object:
        """Return what tells whether a table was changed."""
        return self.admin.execute(SHAPE).fetchone()

    def _remember(self) -> tuple[str, str]:
        """Keep a copy of every table that has rows, and return the statements that put all back, quickly and thoroughly.

        Rows lie in the order in which they came: no vacuum makes room for new ones among the old.
        """
        self.admin.execute("CREATE SCHEMA kept")
        begin = ["BEGIN", "SET LOCAL session_replication_role = replica"]  # neither references nor triggers act
        tables = [table for (table,) in self.admin.execute(TABLES).fetchall()]
        empty = [f'DELETE FROM public."{table}"' for table in tables]
        cut = ["TRUNCATE " + ", ".join(f'public."{table}"' for table in tables)]
        statements: list[str] = []
        for table in tables:
            self.admin.execute(f'ALTER TABLE public."{table}" SET (autovacuum_enabled = false)')
            if self.admin.execute(f'SELECT EXISTS (SELECT FROM public."{table}")').fetchone() == (True,):
                self.admin.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
                statements.append(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
        for name, value, called in self.admin.execute(SEQUENCES).fetchall():
            statements.append(f"SELECT setval('public.\"{name}\"', {value}, {called})")
        rest = [*statements, "COMMIT"]
        return ";\n".join([*begin, *empty, *rest]), ";\n".join([*begin, *cut, *rest])
