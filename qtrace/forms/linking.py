"""What a field can link to: packages that own records register how theirs are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flask import Flask, current_app
from flask_login import current_user

from qtrace.accounts.models import User
from qtrace.forms.definition import FormDefinition
from qtrace.forms.registry import OptionChoice, Value

EXTENSION = "qtrace_link_sources"


@dataclass(frozen=True)
class Linked:
    """A record a field points to: what people call it, where it is, and what it says as its form reads it."""

    id: int
    number: str
    title: str
    url: str
    columns: Mapping[str, Value] = field(default_factory=dict)
    answers: Mapping[str, Value] = field(default_factory=dict)


class LinkSource(Protocol):
    """The records of some forms; `user` is whose reach counts, None stands for everything (a job, an import)."""

    def targets(self) -> Sequence[OptionChoice]:
        """Return the forms whose records can be linked to, by their keys."""
        ...

    def definition(self, target: str) -> FormDefinition:
        """Return what the records of a form say, so that other fields can look it up."""
        ...

    def by_number(self, target: str, number: str, user: User | None) -> Linked | None:
        """Return the record with this number."""
        ...

    def by_id(self, target: str, row_id: int, user: User | None) -> Linked | None:
        """Return the record with this id."""
        ...

    def begins(self, target: str, text: str, limit: int, user: User | None) -> Sequence[Linked]:
        """Return the newest records whose number begins like this; all of them for an empty text."""
        ...


def register_link_source(app: Flask, source: LinkSource) -> None:
    """Let fields link to the records of this source."""
    app.extensions.setdefault(EXTENSION, []).append(source)


def link_targets() -> tuple[OptionChoice, ...]:
    """Return every form whose records can be linked to."""
    return tuple(choice for source in _sources() for choice in source.targets())


def source_of(target: str) -> LinkSource | None:
    """Return the source of a form's records, None when nobody has them any more."""
    return next((one for one in _sources() if any(choice.value == target for choice in one.targets())), None)


def reader() -> User | None:
    """Return whose reach counts for what is looked up now: whoever is logged in, nobody in a job."""
    user: User | None = current_user._get_current_object() if current_user and current_user.is_authenticated else None
    return user


def _sources() -> Sequence[LinkSource]:
    found: Sequence[LinkSource] = current_app.extensions.get(EXTENSION, [])
    return found
