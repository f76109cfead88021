"""Accounts: people, departments, roles, sessions and the one road to a row."""
