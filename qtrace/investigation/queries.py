"""Reads of the investigation."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.classification.controls import local_name
from qtrace.core.db import db
from qtrace.investigation.models import Action, CostLine, EffectCheck, Responsibility, Why
from qtrace.issues.models import Issue


@dataclass(frozen=True)
class WhyNode:
    """One answer with those below it."""

    why: Why
    children: "tuple[WhyNode, ...]"


def why_tree(issue_id: int) -> tuple[WhyNode, ...]:
    """Return the 5-Why tree."""
    rows = db.session.scalars(select(Why).where(Why.issue_id == issue_id).order_by(Why.position, Why.id)).all()
    below: dict[int | None, list[Why]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)

    def build(parent: int | None) -> tuple[WhyNode, ...]:
        return tuple(WhyNode(row, build(row.id)) for row in below.get(parent, ()))

    return build(None)


def why_of(issue_id: int, why_id: int) -> Why | None:
    """Return one answer of an issue."""
    return db.session.scalar(select(Why).where(Why.issue_id == issue_id, Why.id == why_id))


def actions_of(issue_id: int) -> Sequence[Action]:
    """Return the actions of an issue in the order they were planned."""
    statement = select(Action).where(Action.issue_id == issue_id).options(joinedload(Action.owner)).order_by(Action.id)
    return db.session.scalars(statement).all()


def shares_of(issue_id: int) -> Sequence[Responsibility]:
    """Return the responsibility shares, the largest first."""
    statement = (
        select(Responsibility)
        .where(Responsibility.issue_id == issue_id)
        .options(joinedload(Responsibility.party))
        .order_by(Responsibility.percent.desc(), Responsibility.id)
    )
    return db.session.scalars(statement).all()


def checks_of(issue_id: int) -> Sequence[EffectCheck]:
    """Return the judgements of the effect, newest first."""
    return db.session.scalars(
        select(EffectCheck).where(EffectCheck.issue_id == issue_id).order_by(EffectCheck.id.desc())
    ).all()


def costs_of(issue_id: int) -> Sequence[CostLine]:
    """Return the cost lines."""
    return db.session.scalars(select(CostLine).where(CostLine.issue_id == issue_id).order_by(CostLine.id)).all()


def issue_facts(issue_ids: Sequence[int]) -> dict[int, str]:
    """Return one line about each issue: its number, how many complaints it holds, how severe it is."""
    rows = db.session.scalars(select(Issue).where(Issue.id.in_(issue_ids)).options(joinedload(Issue.severity)))
    return {row.id: _facts(row) for row in rows}


def issue_severities(issue_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
    """Return how severe each issue is, those without a severity left out: (rank, name), the gravest first."""
    rows = db.session.scalars(select(Issue).where(Issue.id.in_(issue_ids)).options(joinedload(Issue.severity)))
    return {row.id: (row.severity.position, local_name(row.severity)) for row in rows if row.severity is not None}


def _facts(issue: Issue) -> str:
    severity = "" if issue.severity is None else local_name(issue.severity)
    complaints = ngettext("%(num)s 起客诉", "%(num)s 起客诉", issue.complaint_count) if issue.complaint_count else ""
    return " · ".join(part for part in (issue.number, complaints, severity) if part)
