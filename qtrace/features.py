"""Everything the product consists of, in the order of the menu."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.accounts import feature as accounts
from qtrace.api import feature as api
from qtrace.calendars import feature as calendars
from qtrace.catalog import feature as catalog
from qtrace.catalog.rule_facts import register_rule_facts as register_catalog_facts
from qtrace.channels import feature as channels
from qtrace.classification import feature as classification
from qtrace.classification.controls import register_controls as register_classification_controls
from qtrace.classification.row_controls import register_row_controls
from qtrace.complaints import feature as complaints
from qtrace.exchange import feature as exchange
from qtrace.flows import feature as flows
from qtrace.forms import feature as forms
from qtrace.inspections import feature as inspections
from qtrace.investigation import feature as investigation
from qtrace.issues import feature as issues
from qtrace.issues import opening_feature as opening
from qtrace.notifications import feature as notifications
from qtrace.orders import feature as orders
from qtrace.printing import feature as printing
from qtrace.recalls import feature as recalls
from qtrace.records import feature as records
from qtrace.reports import feature as reports
from qtrace.rules import feature as rules
from qtrace.setup import feature as setup
from qtrace.tasks import feature as tasks
from qtrace.trace import feature as trace
from qtrace.web.pages import NavItem, add_bottom


def register(app: Flask) -> None:
    """Attach every feature to the app."""
    tasks.register(app)
    flows.register(app)
    notifications.register(app)
    complaints.register(app)
    issues.register(app)
    records.register(app)
    inspections.register(app)
    trace.register(app)
    recalls.register(app)
    reports.register(app)
    investigation.register(app)
    printing.register(app)
    exchange.register(app)
    channels.register(app)
    forms.register(app)
    rules.register(app)
    opening.register(app)
    calendars.register(app)
    classification.register(app)
    catalog.register(app)
    register_catalog_facts(app)
    register_classification_controls(app)
    register_row_controls(app)
    orders.register(app)
    api.register(app)
    setup.register(app)
    accounts.register(app)
    add_bottom(
        app,
        NavItem("tasks.home", _("待办"), "list-todo"),
        NavItem("issues.index", _("问题"), "alert-triangle", "issue.read"),
        NavItem("issues.new", _("登记"), "plus", "issue.create"),
        NavItem("trace.index", _("扫码"), "scan-line", "trace.read"),
        NavItem("reports.board", _("看板"), "bar-chart", "board.read"),
    )
