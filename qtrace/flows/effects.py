"""What automatic nodes ask for, done by the packages that own it: each registers how it does one kind of effect."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, current_app
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.flows.standing import StepCase
from qtrace.sdk.flow_nodes import NodeEffect

EXTENSION, PREPARING = "qtrace_flow_effects", "qtrace_flow_preparing"
ANY = "*"

Do = Callable[[StepCase, Any], str]
Prepare = Callable[[StepCase, Any], object]


def register_effect(app: Flask, effect: type, subject_kind: str, do: Do) -> None:
    """Say how an effect is done for one kind of subject, ANY for all; it returns in words what was done, for the history.

    It runs inside the write in which the case goes on, and raises Refused where it cannot be done.
    """
    app.extensions.setdefault(EXTENSION, {})[effect, subject_kind] = do


def register_preparing(app: Flask, effect: type[NodeEffect], prepare: Prepare) -> None:
    """Say what is to be done for an effect before the write, because it takes long; it returns the effect to be done."""
    app.extensions.setdefault(PREPARING, {})[effect] = prepare


def prepared(found: StepCase, effect: object) -> object:
    """Return the effect as it is done in the write; call it in a read."""
    known: Mapping[type, Prepare] = current_app.extensions.get(PREPARING, {})
    prepare = known.get(type(effect))
    return effect if prepare is None else prepare(found, effect)


def do_effect(found: StepCase, effect: object) -> str:
    """Do one effect in the open write; Refused where nobody does it for what the case is about."""
    known: Mapping[tuple[type, str], Do] = current_app.extensions.get(EXTENSION, {})
    kind = found.about[0]
    do = known.get((type(effect), kind)) or known.get((type(effect), ANY))
    if do is None:
        raise Refused(_("这件事不能这样自动处理。请在流程里换一种做法。"))
    return do(found, effect)
