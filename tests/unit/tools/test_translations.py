"""The English catalogue: counted messages have a form for one thing and one for several."""

import pytest
from babel.messages.catalog import Catalog
from flask import Flask
from flask_babel import force_locale, ngettext

from qtrace.web.filters import show_span
from tools import translations

COUNTED = ("%(num)s 起客诉", "%(num)s 起客诉")


def test_every_counted_message_has_both_forms_and_they_differ() -> None:
    catalog = translations.english()
    counted = [message for message in translations.collect() if not isinstance(message, str)]
    assert len(counted) > 30
    for message in counted:
        one, several = translations.forms(catalog, message)
        assert one and several, message
        assert one != several or "complaint" not in one, message


def test_no_message_is_used_both_with_a_count_and_without() -> None:
    assert translations.counted_and_not(translations.collect()) == []


def test_a_counted_message_that_has_one_form_only_counts_as_missing() -> None:
    catalog = Catalog(locale="en")
    catalog.add(COUNTED[0], "%(num)s complaints")
    assert translations.forms(catalog, COUNTED) == ("", "")
    assert translations.forms(catalog, COUNTED[0]) == ("%(num)s complaints",)
    assert translations.forms(catalog, "没有的话") == ("",)


@pytest.mark.parametrize(("count", "told"), [(0, "0 complaints"), (1, "1 complaint"), (2, "2 complaints")])
def test_english_readers_are_told_one_complaint_and_two_complaints(sqlite_app: Flask, count: int, told: str) -> None:
    with sqlite_app.test_request_context(), force_locale("en"):
        assert ngettext(*COUNTED, count) == told
    with sqlite_app.test_request_context(), force_locale("zh"):
        assert ngettext(*COUNTED, count) == f"{count} 起客诉"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(60, "1 minute"), (120, "2 minutes"), (3600, "1 hour"), (5400, "1.5 hours"), (172_800, "2 days")],
)
def test_spans_agree_with_their_number(sqlite_app: Flask, seconds: int, told: str) -> None:
    with sqlite_app.test_request_context(), force_locale("en"):
        assert show_span(seconds) == told
