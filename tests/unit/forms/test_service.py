"""Publishing forms."""

from flask import Flask
from sqlalchemy import select

from qtrace.core.db import db, write
from qtrace.forms.definition import parse_definition
from qtrace.forms.models import FormVersion
from qtrace.forms.queries import current_form
from qtrace.forms.seed import DEFINITION, ISSUE_FORM, seed
from qtrace.forms.service import publish_form
from qtrace.forms.vocabulary import vocabulary
from tests.conftest import NOW, user_id


def test_a_publication_is_a_new_version_and_the_old_one_stays(app: Flask) -> None:
    definition = parse_definition(DEFINITION, vocabulary(ISSUE_FORM))
    before = current_form(ISSUE_FORM)[1]
    lead = user_id("quality_lead")
    with write():
        publish_form(ISSUE_FORM, definition, name_zh="登记", name_en="Record", by=lead, now=NOW)
    form, version = current_form(ISSUE_FORM)
    assert (form.current_version, version.version) == (2, 2)
    assert db.session.get_one(FormVersion, before.id).definition == before.definition


def test_seeding_again_changes_nothing(app: Flask) -> None:
    with write():
        seed(now=NOW)
    assert len(db.session.scalars(select(FormVersion)).all()) == 1
