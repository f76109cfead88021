"""What may go through flows: the packages that own it register how it is found by its number."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from flask import Flask, current_app
from flask_babel import LazyString

from qtrace.accounts.models import User
from qtrace.core.errors import NotFound
from qtrace.flows.service import Case

EXTENSION = "qtrace_flow_subjects"


class FlowSubject(Protocol):
    """One kind of thing that goes through flows."""

    label: LazyString

    def find(self, number: str, user: User) -> tuple[str, Case]:
        """Return the one with this number, as far as the person may see it; NotFound otherwise."""

    def newest(self, user: User, most: int) -> Sequence[tuple[str, str]]:
        """Return (number, title) of the newest the person sees."""


def register_flow_subject(app: Flask, kind: str, subject: FlowSubject) -> None:
    """Say how to find what goes through flows as this kind."""
    app.extensions.setdefault(EXTENSION, {})[kind] = subject


def flow_subjects() -> Mapping[str, FlowSubject]:
    """Return what may go through flows, by kind."""
    known: Mapping[str, FlowSubject] = current_app.extensions.get(EXTENSION, {})
    return known


def find_case(number: str, user: User) -> tuple[str, Case]:
    """Return (number, case) of whatever has this number; NotFound where the person sees nothing of the kind."""
    for subject in flow_subjects().values():
        try:
            return subject.find(number, user)
        except NotFound:
            continue
    raise NotFound
