"""Attach the print pages."""

from flask import Flask

from qtrace.forms.impact import register_impact
from qtrace.printing import papers
from qtrace.printing.impact import prints_touching
from qtrace.printing.label_views import bp as label_pages
from qtrace.printing.paper_views import bp as paper_pages
from qtrace.printing.recall_views import bp as recall_pages
from qtrace.printing.views import bp


def register(app: Flask) -> None:
    """Add the issue report and what a change of the issue form touches."""
    app.register_blueprint(bp)
    app.register_blueprint(paper_pages)
    app.register_blueprint(label_pages)
    app.register_blueprint(recall_pages)
    papers.register(app)
    app.jinja_env.globals["case_papers"] = papers.case_papers
    register_impact(app, prints_touching)
