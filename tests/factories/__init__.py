"""Makers of rows for tests; each returns ids, because objects never cross a transaction."""
