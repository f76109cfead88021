"""Reads of rules."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import bindparam, select

from qtrace.core.db import db, existing, table_of
from qtrace.core.errors import NotFound, Refused
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_definition
from qtrace.forms.registry import FieldDefinition, Sent, Value, controls
from qtrace.rules.engine import Rule as ReadyRule
from qtrace.rules.engine import labels_of
from qtrace.rules.facts import AskedForm, SiteWorld
from qtrace.rules.models import Rule
from qtrace.rules.reading import Draft, FormWords, RuleError, read_rule
from qtrace.rules.subject import Sight
from qtrace.sdk.text import Text

FORMS, RULES = table_of(Form), table_of(Rule)
FORM_OF = select(FORMS.c.id, FORMS.c.key, FORMS.c.kind).where(FORMS.c.key == bindparam("form"))
ACTIVE = (
    select(RULES).where(RULES.c.form_id == bindparam("form"), RULES.c.active).order_by(RULES.c.position, RULES.c.id)
)

log = logging.getLogger("qtrace.rules")


@dataclass(frozen=True)
class FormRules:
    """The rules of a form as one version of it is asked; a batch loads them once."""

    form: AskedForm
    rules: tuple[ReadyRule, ...]

    @cached_property
    def words(self) -> FormWords:
        """Return what the form's rules may name."""
        return FormWords(self.form.definition)

    @cached_property
    def labels(self) -> Mapping[str, Text]:
        """Return what every field is called."""
        return labels_of(self.words.facts)

    @cached_property
    def sight(self) -> Sight:
        """Return how the rules see answers."""
        return Sight(self.form.definition)

    @cached_property
    def defaults(self) -> Mapping[str, object]:
        """Return what a new record has in a field nobody may change: its default, where the default is a plain value."""
        asked = list(self.form.definition.fields)
        stored = {one.id: default_of(one) for one in asked if one.default}
        return self.sight.of({one.column: stored.get(one.id) for one in asked if one.column}, stored)

    def world(self, now: datetime, *, besides: int | None) -> SiteWorld:
        """Return the facts of the site as seen from one record; a batch shares what can't change."""
        return self._world(now).beside(besides)

    def _world(self, now: datetime) -> SiteWorld:
        known: dict[datetime, SiteWorld] = self.__dict__.setdefault("_worlds", {})
        if now not in known:
            known.clear()
            known[now] = SiteWorld(self.form, now)
        return known[now]

    @cached_property
    def pixels_asked(self) -> frozenset[str]:
        """Return the fields whose rules ask for the pixels of pictures."""
        return frozenset(rule.field for rule in self.rules if rule.kind.key == "image_size")


def default_of(asked: FieldDefinition) -> Value:
    """Return the value a field begins with, None when its default is a word only the page understands."""
    try:
        return controls()[asked.control].parse(asked, Sent({asked.id: [asked.default]}))
    except Refused:
        return None


def load_rules(form_key: str, definition: FormDefinition) -> FormRules:
    """Return the rules that are on and that this version of the form can keep.

    A version that does not ask a rule's field is not held to it; a rule nobody can read any more is logged, and the page
    of rules shows why.
    """
    row = db.session.execute(FORM_OF, {"form": form_key}).one_or_none()
    if row is None:
        raise NotFound
    words = FormWords(definition)
    found = []
    for rule in db.session.execute(ACTIVE, {"form": row.id}):
        try:
            found.append(read_rule(draft_of(rule), words))
        except RuleError as error:
            log.info("rule %s of form %s is not asked: %s", rule.id, form_key, error.message)
    loaded = FormRules(AskedForm(row.id, row.key, row.kind, definition), tuple(found))
    if found:
        loaded.__dict__["words"] = words
    return loaded


def rules_of_form(form_id: int) -> Sequence[Rule]:
    """Return every rule of a form in its order."""
    return db.session.scalars(select(Rule).where(Rule.form_id == form_id).order_by(Rule.position, Rule.id)).all()


def rule_by_id(rule_id: int) -> Rule:
    """Return one rule; not found when there is none."""
    return existing(Rule, rule_id)


def draft_of(row: object) -> Draft:
    """Return a stored rule as plain data."""
    names = ("kind", "field", "options", "condition", "level", "message_zh", "message_en", "name", "id", "position")
    return Draft(**{name: getattr(row, name) for name in names})


def words_of(form_key: str) -> FormWords:
    """Return what rules of the form's current version may name."""
    return FormWords(current_definition(form_key)[1])
