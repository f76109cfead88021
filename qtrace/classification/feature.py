"""Attach the taxonomies to the app."""

from flask import Flask
from flask_babel import lazy_gettext as _

from qtrace.classification import answers
from qtrace.classification.duty_views import bp as duties
from qtrace.classification.form_rules import MENTION as FORM_RULES
from qtrace.classification.places import register_places
from qtrace.classification.rules import MENTION
from qtrace.classification.views import bp
from qtrace.web.pages import NavItem, add_nav


def register(app: Flask) -> None:
    """Register the page and its menu entry; let mergers reach rules and the answers of forms."""
    app.register_blueprint(bp)
    app.register_blueprint(duties)
    labels = {"term": _("下级分类"), "classification_rule": _("分类规则"), "rule": _("表单规则")}
    register_places(app, labels=labels, find=answers.places, mentions=[MENTION, FORM_RULES])
    add_nav(app, NavItem("taxonomies.index", _("分类"), "tag", "config.rules", group="config"))
    add_nav(app, NavItem("duties.index", _("谁负责什么"), "users", "config.flows", group="config"))
