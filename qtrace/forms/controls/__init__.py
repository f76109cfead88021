"""The controls that need no domain, one small file per family."""

from flask import Flask

from qtrace.forms.controls.choice import Cascade, CheckboxGroup, Multiselect, Radio, Select, Switch, Tags
from qtrace.forms.controls.compute import FormulaField, Lookup, Rollup
from qtrace.forms.controls.dates import Date, DateRange, DateTime, Duration, Month, Time
from qtrace.forms.controls.identity import AutoNumber, ExternalRef, QrLabel, Scan, SerialNo
from qtrace.forms.controls.layout import Button, Divider, Note
from qtrace.forms.controls.media import Attachments, Photo, PhotoMarkup, Signature, Video
from qtrace.forms.controls.number import (
    AffectedQty,
    DecimalNumber,
    Integer,
    Measurement,
    MoneyAmount,
    Nps,
    Percent,
    Rating,
    Scale,
    Tally,
)
from qtrace.forms.controls.people import DepartmentRef, People, Person, RoleRef
from qtrace.forms.controls.place import Address, Region
from qtrace.forms.controls.relation import Link, SubTable
from qtrace.forms.controls.text import Email, MaskedText, Phone, RichText, Text, Textarea, Url
from qtrace.forms.registry import register_control


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    for control in (
        Text(), Textarea(), RichText(), Email(), Phone(), Url(), MaskedText(),
        Integer(), DecimalNumber(), MoneyAmount(), Percent(), Measurement(), Scale(), Rating(), Nps(), Tally(),
        Radio(), Select(), Multiselect(), CheckboxGroup(), Switch(), Cascade(), Tags(),
        Date(), DateTime(), Time(), Month(), DateRange(), Duration(),
        Photo(), PhotoMarkup(), Video(), Attachments(), Signature(),
        AutoNumber(), Scan(), SerialNo(), ExternalRef(), QrLabel(),
        Person(), People(), DepartmentRef(), RoleRef(), Region(), Address(),
        AffectedQty(), SubTable(), Link(), Lookup(), Rollup(), FormulaField(),
        Divider(), Note(), Button(),
    ):  # fmt: skip
        register_control(app, control)
