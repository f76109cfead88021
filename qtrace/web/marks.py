"""What is written on a view beside its code: who may reach it, which limit it has; read by checks and by tables."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def mark(view: View, name: str, value: str) -> View:
    """Write a mark on the view and return the view."""
    setattr(view, name, value)
    return view


def marked(view: Callable[..., Any], name: str) -> str | None:
    """Return the view's mark of this name."""
    value: str | None = getattr(view, name, None)
    return value
