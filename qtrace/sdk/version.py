"""The version of the surface plugins are written against."""

API_VERSION = "1.0"


def fits(needed: str, offered: str = API_VERSION) -> bool:
    """Say whether a plugin written for `needed` runs on `offered`: the same major number, no newer minor one."""
    wanted, given = _numbers(needed), _numbers(offered)
    return wanted is not None and given is not None and wanted[0] == given[0] and wanted[1] <= given[1]


def _numbers(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        return None
    return int(parts[0]), int(parts[1])
