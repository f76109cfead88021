"""The controls that need no domain, one small file per family."""

from flask import Flask

from qtrace.forms.controls.choice import Multiselect, Select, Switch
from qtrace.forms.controls.dates import Date, DateTime
from qtrace.forms.controls.media import Photo
from qtrace.forms.controls.number import AffectedQty, DecimalNumber, Integer, MoneyAmount
from qtrace.forms.controls.people import Person
from qtrace.forms.controls.text import Scan, Text, Textarea
from qtrace.forms.registry import register_control


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    for control in (
        Text(), Textarea(), Integer(), DecimalNumber(), MoneyAmount(), Select(), Multiselect(), Switch(), Date(),
        DateTime(), Photo(), Scan(), AffectedQty(), Person(),
    ):  # fmt: skip
        register_control(app, control)
