"""Try a rule on what there is: the newest records of its form, one record by its number, or one typed value."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.forms.answers import Answers
from qtrace.forms.registry import Sent, controls
from qtrace.rules.doors import Held, subject_of
from qtrace.rules.engine import Rule, check
from qtrace.rules.facts import Sample, facts_of
from qtrace.rules.queries import FormRules
from qtrace.web.filters import in_language

NEWEST = 500
MOST_SHOWN = 50


@dataclass(frozen=True)
class Stopped:
    """A record the rule would stop, and what it would say."""

    number: str
    url: str
    messages: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What a rule would do: how many records were tried, which it would stop, and how many of those are shown."""

    tried: int
    stopped: tuple[Stopped, ...]
    count: int
    changes: int = 0  # records on which it would change the form

    @property
    def rest(self) -> int:
        """Return how many stopped records are not shown."""
        return self.count - len(self.stopped)


def try_on_records(rule: Rule, rules: FormRules, *, now: datetime, number: str = "") -> Trial:
    """Return what the rule would do to the newest records, or to the one with this number."""
    facts = facts_of(rules.form)
    if facts is None:
        return Trial(0, (), 0)
    if number:
        sample = facts.by_number(rules.form, number)
        if sample is None:
            raise Refused(_("没有找到 %(number)s。请核对编号。", number=number[:60]), "number")
        samples = [sample]
    else:
        samples = list(facts.newest(rules.form, NEWEST))
    found = [_tried(rule, rules, sample, now) for sample in samples]
    stopped = [one for one, _changes in found if one is not None]
    return Trial(len(samples), tuple(stopped[:MOST_SHOWN]), len(stopped), sum(changes for _one, changes in found))


def try_on_value(rule: Rule, rules: FormRules, text: str, *, now: datetime) -> Trial:
    """Return what the rule would say of one value typed into its field."""
    asked = rules.form.definition.field(rule.field)
    if asked is None:
        raise Refused(_("子表的列不能单独试。请用一条记录来试。"), "value")
    value = controls()[asked.control].parse(asked, Sent({asked.id: [text]}))
    columns = {asked.column: value} if asked.column else {}
    answers = Answers(columns, {} if asked.column else {asked.id: value})
    verdict = check([rule], subject_of(rules, answers, None, now))
    messages = tuple(in_language(one.message) for one in verdict.findings)
    return Trial(
        1, (Stopped(text, "", messages),) if messages else (), 1 if messages else 0, bool(verdict.effects.steps)
    )


def _tried(rule: Rule, rules: FormRules, sample: Sample, now: datetime) -> tuple[Stopped | None, bool]:
    record = Held(sample.record_id, sample.columns, sample.answers) if sample.record_id is not None else None
    answers = Answers(dict(sample.columns), dict(sample.answers))
    verdict = check([rule], subject_of(rules, answers, record, now))
    effects = verdict.effects
    is_changed = bool(effects.hidden or effects.steps or effects.readonly)
    messages = tuple(dict.fromkeys(in_language(one.message) for one in verdict.findings))
    return (Stopped(sample.number, sample.url, messages) if messages else None), is_changed
