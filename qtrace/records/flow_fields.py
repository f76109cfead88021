"""What the branches of a flow may ask of a record: the fields of its form."""

from collections.abc import Sequence

from qtrace.core.db import db
from qtrace.flows.condition_fields import FieldGroup, Seen, form_group
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.vocabulary import read_definition
from qtrace.records.models import Record
from qtrace.records.queries import record_forms
from qtrace.rules.reading import FormWords
from qtrace.rules.subject import Sight
from qtrace.web.filters import localised


def record_groups(flow_key: str) -> Sequence[FieldGroup]:
    """Return the fields of every form that makes records; those whose records go through the flow are bound to it."""
    return [
        form_group(localised(form), read_definition(form.key, version.definition), bound=form.flow == flow_key)
        for form, version in record_forms()
    ]


def seen_record(record_id: int) -> Seen:
    """Return a record as conditions see it, in the words of the form it was made with."""
    record = db.session.get_one(Record, record_id)
    definition = stored_definition(db.session.get_one(Form, record.form_id).key, record.form_version_id)
    values = Sight(definition).of({}, record.answers)
    return Seen(FormWords(definition).kinds, values, lambda: form_group("", definition, bound=True).fields)
