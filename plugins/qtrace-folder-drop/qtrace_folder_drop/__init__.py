"""The plugin: one connector for tables dropped into a folder."""

from qtrace.sdk import hookimpl
from qtrace_folder_drop.connector import FolderDrop


@hookimpl
def qtrace_register_connectors() -> list[type[FolderDrop]]:
    """Return the connector."""
    return [FolderDrop]
