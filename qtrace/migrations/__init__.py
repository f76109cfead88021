"""Migrations of the database, shipped with the program."""
