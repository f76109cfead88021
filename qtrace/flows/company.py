"""The company as a flow asks it: people by role, department or rank, and what packages above know of a subject.

What only the subject's package knows (its fields, its article, its supplier) is asked through `flows.subjects`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from qtrace.accounts.models import Department, Role, User, user_role
from qtrace.classification.duties import responsible_for
from qtrace.conditions.formula_tree import FormulaError
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.flows.definition import Tree, Who
from qtrace.flows.facts import Answer, Draw, HeadOf, Holds, Keepers, People, Question
from qtrace.flows.subject_facts import holds, people_in, worked_out
from qtrace.flows.subjects import flow_subjects

KEEPER = "config.flows"  # who may, keeps the flows of the company
HIGHEST = 20  # departments above one another; a ring among them ends here

DUTIES = {
    "sku_owner": ("sku", "shop"), "shop_owner": ("shop",), "supplier_contact": ("supplier",),
    "responsible_contact": ("responsible_party", "supplier"),
}  # fmt: skip
Subject = tuple[str, int]


@dataclass(frozen=True)
class CompanyFacts:
    """The facts of one subject: who started it, in which department, and who acts now."""

    tree: Tree
    subject: Subject
    initiator: int | None
    department: int | None
    by: int | None = None

    def answer(self, question: Question, /) -> Answer:
        """Answer from the database as it stands."""
        match question:
            case People(_node, who):
                return active(self._meant(who))
            case Holds(node, branch):
                return (1,) if self._holds(node, branch) else ()
            case HeadOf(user):
                return active(self._heads(user)[:1])
            case Keepers():
                return keepers()
            case Draw(_node, among):
                return (secrets.randbelow(among),)

    def _meant(self, who: Who) -> Sequence[int]:
        match who.kind:
            case "initiator":
                return _some(self.initiator)
            case "current":
                return _some(self.by)
            case "user":
                return _ids(select(User.id).where(User.username == who.value))
            case "role":
                return people_of_role(who.value)
            case "department":
                return _ids(select(User.id).where(User.department_id == _department(who.value)).order_by(User.id))
            case "head" | "department_head":
                named = _department(who.value) if who.value else self.department
                return self._heads_of(named)[:1]
            case "nth_head":
                return self._heads(self.initiator)[who.level - 1 : who.level]
            case "head_chain":
                return self._heads(self.initiator)[: who.level]
            case "user_field":
                return people_in(*self.subject, who.value)
            case "department_field_head":
                return [head for one in people_in(*self.subject, who.value) for head in self._heads_of(one)[:1]]
            case "expression":
                return self._worked_out(who.value)
            case "sku_owner" | "shop_owner" | "supplier_contact" | "responsible_contact":
                return self._responsible(DUTIES[who.kind])
            case _:  # chosen by somebody: the engine knows whom
                return ()

    def _holds(self, node: str, branch: str) -> bool:
        condition = next(one.condition for one in self.tree.nodes[node].branches if one.id == branch)
        return holds(*self.subject, condition)

    def _worked_out(self, source: str) -> Sequence[int]:
        """Return whom an expression names: by user name, name or number; nobody where it can't be worked out."""
        try:
            found = worked_out(*self.subject, source, clock.now())
        except FormulaError:  # the flow goes on with its own answer to nobody found, and the designer shows the error
            return ()
        if isinstance(found, str):
            named = select(User.id).where((User.username == found) | (User.name == found)).order_by(User.id)
            return _ids(named.limit(1)) if found else ()
        return [int(found)] if isinstance(found, int | Decimal) and not isinstance(found, bool) else ()

    def _responsible(self, kinds: Sequence[str]) -> Sequence[int]:
        """Return who is responsible for what the subject is about, for the next best where nobody is."""
        subject = flow_subjects().get(self.subject[0])
        links = subject.links(self.subject[1]) if subject else {}
        for kind in kinds:
            if kind in links and (found := responsible_for(kind, links[kind])):
                return found
        return ()

    def _heads(self, user: int | None) -> list[int]:
        """Return the heads above a person, the nearest first; a head is not its own head."""
        department = db.session.scalar(select(User.department_id).where(User.id == user))
        return [head for head in self._heads_of(department) if head != user]

    def _heads_of(self, department: int | None) -> list[int]:
        found: list[int] = []
        for _level in range(HIGHEST):
            row = db.session.execute(
                select(Department.head_id, Department.parent_id).where(Department.id == department)
            ).one_or_none()
            if row is None:
                break
            if row.head_id is not None and row.head_id not in found:
                found.append(row.head_id)
            department = row.parent_id
        return found


def people_of_role(role_key: str) -> Sequence[int]:
    """Return the active people of a role, longest there first."""
    return _ids(
        select(User.id).join(user_role, user_role.c.user_id == User.id).join(Role, Role.id == user_role.c.role_id)
        .where(Role.key == role_key, User.active).order_by(User.id)
    )  # fmt: skip


def keepers() -> Answer:
    """Return who keeps the flows: the active people who may manage them; administrators only where nobody else may."""
    roles = [role.key for role in db.session.scalars(select(Role).order_by(Role.id)) if KEEPER in role.permissions]
    found = [user for key in roles if key != "admin" for user in people_of_role(key)]
    return tuple(dict.fromkeys(found or people_of_role("admin")))


def active(users: Sequence[int]) -> Answer:
    """Leave out who has left, keep the order."""
    if not users:
        return ()
    here = set(_ids(select(User.id).where(User.id.in_(users), User.active)))
    return tuple(user for user in dict.fromkeys(users) if user in here)


def _department(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def _some(user: int | None) -> Sequence[int]:
    return () if user is None else (user,)


def _ids(statement: Any) -> list[int]:
    return list(db.session.scalars(statement))
