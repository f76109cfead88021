"""The only thing plugins import: records, hooks, the connector contract."""
