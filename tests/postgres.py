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
        self.put_back = self._remember()
        self.shape = self._shape()

    def restore(self) -> None:
        """Put every row and every number back to what it was."""
        self.admin.execute(LEFT_BEHIND)
        self.admin.execute(self.put_back)
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

    def _remember(self) -> str:
        """Keep a copy of every table that has rows, and return the statements that put all of them back."""
        self.admin.execute("CREATE SCHEMA kept")
        statements = ["BEGIN", "SET LOCAL session_replication_role = replica"]  # neither references nor triggers act
        for (table,) in self.admin.execute(TABLES).fetchall():
            statements.append(f'DELETE FROM public."{table}"')
            if self.admin.execute(f'SELECT EXISTS (SELECT FROM public."{table}")').fetchone() == (True,):
                self.admin.execute(f'CREATE TABLE kept."{table}" AS TABLE public."{table}"')
                statements.append(f'INSERT INTO public."{table}" SELECT * FROM kept."{table}"')
        for name, value, called in self.admin.execute(SEQUENCES).fetchall():
            statements.append(f"SELECT setval('public.\"{name}\"', {value}, {called})")
        return ";\n".join([*statements, "COMMIT"])
