"""Whether a definition may run on this site, with the kinds of automatic nodes its plugins offer."""

from flask import current_app

from qtrace.flows.checking import Fault, faults
from qtrace.flows.definition import Definition
from qtrace.plugins import flow_nodes


def faults_here(definition: Definition) -> list[Fault]:
    """Return everything that keeps the definition from being used on this site."""
    return faults(definition, flow_nodes(current_app))
