"""Attach the import pages and their background job."""

from datetime import timedelta

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.core.jobs import register as register_job
from qtrace.exchange import drop_views, wizard_views
from qtrace.exchange.epcis_views import bp as epcis_bp
from qtrace.exchange.export_lists import export_lists
from qtrace.exchange.export_recall import recall_export
from qtrace.exchange.export_trace import trace_export
from qtrace.exchange.export_views import bp as exports_bp
from qtrace.exchange.exporting import register_export
from qtrace.exchange.finding_views import bp as findings_bp
from qtrace.exchange.form_targets import form_targets
from qtrace.exchange.impact import mappings_touching
from qtrace.exchange.jobs import DROP, do_drop, do_import
from qtrace.exchange.service import IMPORT
from qtrace.exchange.targets import register_targets
from qtrace.exchange.views import bp
from qtrace.forms.impact import register_impact
from qtrace.web.pages import NavItem, add_nav
from qtrace.worker import schedule

# Importing them puts their addresses on the blueprint.
PAGES = (wizard_views, drop_views)
EVERY = timedelta(minutes=1)


def register(app: Flask) -> None:
    """Add the import pages, their menu entry and their job."""
    app.register_blueprint(bp)
    app.register_blueprint(epcis_bp)
    app.register_blueprint(findings_bp)
    app.register_blueprint(exports_bp)
    register_export(app, export_lists)
    register_export(app, trace_export)
    register_export(app, recall_export)
    register_job(app, IMPORT, do_import)
    register_impact(app, mappings_touching)
    register_job(app, DROP, do_drop)
    schedule(app, DROP, EVERY)
    register_targets(app, form_targets)
    add_nav(
        app,
        NavItem("imports.index", _("导入数据"), "upload", "import.run", group="data"),
        NavItem("findings.index", _("对不上"), "search", "import.run", group="data"),
    )
