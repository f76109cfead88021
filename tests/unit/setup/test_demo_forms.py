"""The demonstration's own forms are filled in, and what they hold keeps their rules."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy import func, select

from qtrace.app import create_app
from qtrace.catalog.models import Standard
from qtrace.core.db import db, dispose_engines, read
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.records.models import Record
from qtrace.rules.queries import load_rules
from qtrace.rules.trial import try_on_records
from qtrace.setup.demo import DemoOptions, install_demo
from qtrace.setup.install import install
from tests.conftest import NOW


def test_the_demonstration_has_two_forms_of_its_own_whose_records_keep_their_rules(tmp_path: Path) -> None:
    app = create_app(environ={"QTRACE_DATA_DIR": str(tmp_path), "QTRACE_SECRET_KEY": "demonstration" * 4})
    install(app, now=NOW)
    with app.test_request_context():
        install_demo(DemoOptions(orders=60), now=NOW, say=lambda _step, _share: None)
        with read():
            counts = dict(
                db.session.execute(select(Form.key, func.count(Record.id)).join(Record).group_by(Form.key)).all()
            )
            assert counts == {"qc": 160, "wh": 40}
            assert db.session.scalar(select(func.count(Record.id)).where(Record.created_at > NOW)) == 0
            assert db.session.scalar(select(func.count(Standard.id))) == 1
            for key, asked in (("qc", 2), ("wh", 2)):
                rules = load_rules(key, current_definition(key)[1])
                assert len(rules.rules) == asked
                hard = [replace(rule, level="block") for rule in rules.rules if rule.level == "block"]
                assert [try_on_records(rule, rules, now=NOW).stopped for rule in hard] == [()] * len(hard)
        dispose_engines()
