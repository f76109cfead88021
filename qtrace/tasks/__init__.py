"""待办: to-dos with owner, helpers and a due time."""
