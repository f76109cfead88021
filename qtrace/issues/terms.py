"""Where issues, their opening rules and saved views name terms of the taxonomies, for mergers."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, select

from qtrace.classification.places import Mention, Merging, Place, Rewrite, register_places
from qtrace.core.db import db, table_of
from qtrace.issues.models import Issue, OpeningRule, SavedView
from qtrace.issues.saved import PAGE_KEY

ISSUES = table_of(Issue)
FILTER_OF = {"type": "type", "severity": "severity", "responsible_party": "party", "detection_point": "detection"}


def register(app: Flask) -> None:
    """Let mergers of terms reach issues, opening rules and saved views."""
    labels = {
        "issue": _l("质量问题"), "opening_rule": _l("立案规则"), "saved_view": _l("保存的视图"),
    }  # fmt: skip
    mentions = [Mention("opening_rule.condition", _uncounted), Mention("saved_view.query", _views)]
    register_places(app, labels=labels, find=_signatures, mentions=mentions)


def _signatures(kind: str) -> Iterable[Place]:
    """Find the signatures by which open issues attract complaints; they end with the type."""
    if kind == "type":
        yield Place("issue.signature", ISSUES, _signed, _sign, counted=False)


def _signed(term: int) -> ColumnElement[bool]:
    return ISSUES.c.signature.endswith(f"|{term}", autoescape=True)


def _sign(old: int, new: int) -> dict[str, ColumnElement[str]]:
    kept = func.substr(ISSUES.c.signature, 1, func.length(ISSUES.c.signature) - len(str(old)))
    return {"signature": kept + str(new)}


def _uncounted(merging: Merging) -> list[Rewrite]:
    """Take a merged type off the types a rule does not count: the other one is counted or not for itself."""
    if merging.kind != "type":
        return []
    found = []
    for row in db.session.execute(select(OpeningRule.id, OpeningRule.condition)):
        codes: list[Any] = row.condition.get("not_types", [])
        if merging.code in codes:
            after = dict(row.condition) | {"not_types": [code for code in codes if code != merging.code]}
            found.append(Rewrite(row.id, row.condition, after))
    return found


def _views(merging: Merging) -> list[Rewrite]:
    name = FILTER_OF.get(merging.kind)
    found = []
    for row in db.session.execute(select(SavedView.id, SavedView.query).where(SavedView.page == PAGE_KEY)):
        pairs = parse_qsl(row.query)
        new = [(key, _followed(value, merging) if key == name else value) for key, value in pairs]
        if new != pairs:
            found.append(Rewrite(row.id, row.query, urlencode(new)))
    return found


def _followed(value: str, merging: Merging) -> str:
    return {str(merging.term_id): str(merging.into_id), merging.code: merging.into_code}.get(value, value)
