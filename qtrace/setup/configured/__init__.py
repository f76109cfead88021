"""The sections of the configuration file."""

from flask import Flask

from qtrace.core.configuration import register_section
from qtrace.setup.configured import forms, rows, rules, standards, taxonomies, time


def register(app: Flask) -> None:
    """Register the sections, each behind those it refers to."""
    for section in (
        taxonomies.SECTION,
        *rows.SECTIONS,
        forms.SECTION,
        rules.SECTION,
        standards.SECTION,
        *time.SECTIONS,
    ):
        register_section(app, section)
