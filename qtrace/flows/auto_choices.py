"""What the panel of an automatic node offers: the kinds of nodes, and for each setting of the chosen one its input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flask import current_app
from flask_babel import gettext as _

from qtrace.core.setting_fields import say
from qtrace.flows.addresses import addresses, settings_of
from qtrace.flows.condition_fields import FieldGroup, fillable, labels_of
from qtrace.flows.definition import Node
from qtrace.flows.node_values import pairs_of
from qtrace.flows.papers import papers
from qtrace.forms.models import Form, FormVersion
from qtrace.forms.queries import forms
from qtrace.forms.vocabulary import read_definition
from qtrace.plugins import flow_nodes
from qtrace.sdk.flow_nodes import NodeOption
from qtrace.web.filters import localised

Choice = tuple[str, str]
FREE = "*"


@dataclass(frozen=True)
class AutoInput:
    """One setting as the panel draws it; `names` are what a pair's left side may be, empty where it is free."""

    name: str
    kind: str
    label: str
    hint: str
    required: bool
    value: object
    pairs: Sequence[tuple[str, str]] = ()
    choices: Sequence[Choice] = ()
    names: Sequence[Choice] = ()


@dataclass(frozen=True)
class Auto:
    """The panel of an automatic node: the kinds there are, the chosen one, and its inputs."""

    kinds: Sequence[Choice]
    chosen: str
    hint: str = ""
    inputs: Sequence[AutoInput] = ()
    fields: Sequence[Choice] = field(default_factory=tuple)  # what values may name in braces


def auto_of(node: Node, groups: Sequence[FieldGroup]) -> Auto:
    """Return what the panel of an automatic node shows."""
    known = flow_nodes(current_app)
    chosen = str(node.options.get("action", ""))
    kinds = [(key, say(one.name)) for key, one in known.items()]
    labels = labels_of(groups)
    fields = list(labels.items())
    settable = [(name, labels.get(name, name)) for group in groups for name in group.settable]
    kind = known.get(chosen)
    if kind is None:
        return Auto(kinds, chosen, fields=fields)
    given = settings_of(node.options)
    inputs = [_input(option, given, list(dict(settable).items())) for option in kind.options]
    return Auto(kinds, chosen, say(kind.hint), inputs, fields)


def _input(option: NodeOption, given: Mapping[str, object], fields: Sequence[Choice]) -> AutoInput:
    value = given.get(option.name, option.default)
    return AutoInput(
        f"with.{option.name}", option.kind, say(option.label), say(option.hint), option.required, value,
        pairs_of(value) if option.kind in ("pairs", "names") else (), _choices(option), _names(option, given, fields),
    )  # fmt: skip


def _choices(option: NodeOption) -> Sequence[Choice]:
    offered: Mapping[str, Callable[[], Sequence[Choice]]] = {
        "choice": lambda: [(value, say(label)) for value, label in option.choices],
        "paper": lambda: [(key, str(paper.label)) for key, paper in papers().items()],
        "form": lambda: [(form.key, localised(form)) for form, _version in fillable_forms()],
        "address": lambda: [
            (row.name, row.name if row.enabled else _("%(name)s(已停用)", name=row.name)) for row in addresses()
        ],
    }
    return offered[option.kind]() if option.kind in offered else ()


def _names(option: NodeOption, given: Mapping[str, object], fields: Sequence[Choice]) -> Sequence[Choice]:
    """Return what the left side of a pair may be: the fields of the case, or of the form another setting names."""
    if option.kind not in ("pairs", "names") or option.of == FREE:
        return ()
    if not option.of:
        return fields
    form = str(given.get(option.of, ""))
    return next(
        (
            fillable(read_definition(one.key, version.definition))
            for one, version in fillable_forms()
            if one.key == form
        ),
        (),
    )


def fillable_forms() -> Sequence[tuple[Form, FormVersion]]:
    """Return the forms an automatic node may fill in: the company's own, in use."""
    return [(form, version) for form, version in forms() if not form.built_in and form.state == "active"]
