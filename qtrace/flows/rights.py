"""Whose turn it is: the person's own, of a pool, stood in for, or an administrator's who helps out."""

from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select

from qtrace.accounts.models import User
from qtrace.core import clock
from qtrace.core.db import db
from qtrace.core.errors import Refused
from qtrace.flows.definition import ASKING, JUDGING, Definition, Node, Tree
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowInstance
from qtrace.flows.state import Entry as Turn
from qtrace.flows.state import State, Token
from qtrace.tasks.models import Task
from qtrace.tasks.standing import claims_for, persons_behind, stood_for


def may_act(tree: Tree, instance: FlowInstance, found: tuple[Token, Turn], by: User, now: datetime) -> bool:
    """Say whether a turn is the person's: its own, of a pool, stood in for, or an administrator helps out.

    Refused where a deputy would judge the own case and the node forbids that.
    """
    turn = found[1]
    deputy = stood_in_for(turn, by.id, tree.definition.key, now) is not None
    if by.id != turn.user and by.id not in turn.pool and not deputy and not by.has_role("admin"):
        return False
    check_deputy(tree, instance, found, by, now)
    return True


def stood_in_for(turn: Turn, by: int, flow: str, now: datetime) -> int | None:
    """Return whose turn a deputy acts on: its person, or one of its pool; None where it is the own one, or a stranger's."""
    if by == turn.user or (turn.user is None and by in turn.pool):
        return None
    behind = [one.user_id for one in persons_behind(by, now) if one.covers(flow)]
    asked = turn.pool if turn.user is None else (turn.user,)
    return next((user for user in behind if user in asked), None)


def may_decide(_definition: Definition, instance: FlowInstance, user: User) -> bool:
    """Say whether the person may decide now: by permission, and on an approval by being asked for it.

    Asked for are those whose turn it is and whoever its to-do was handed to; an administrator can always help out. What
    has ended is opened again by those who decide on the last node.
    """
    tree = stored_tree(instance.definition_id)
    node = tree.nodes[instance.node] if instance.node else last_asking(tree)
    if not user.can(node.permission):
        return _stands_in_for_one_who_may(instance, tree.definition.key, node, user)
    if node.kind not in JUDGING or user.has_role("admin"):
        return True
    role = next((who.value for who in node.who if who.kind == "role"), "")
    if node.signing.mode == "claim" and role and user.has_role(role):
        return True
    handed = select(Task.id).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.node == node.id, or_(Task.owner_id == user.id, stood_for(user)),
    )  # fmt: skip
    return db.session.scalar(handed.limit(1)) is not None


def turn_for(tree: Tree, instance: FlowInstance, state: State, user: User) -> tuple[Token, Turn] | None:
    """Return the turn a person acts on: the own one, else one the person may take or stands in for, else the first."""
    behind = {one.user_id for one in persons_behind(user.id, clock.now()) if one.covers(tree.definition.key)}
    found = [
        (token, entry)
        for token in sorted(state.tokens, key=lambda token: tree.order[token.node])
        for seat in token.seats
        for entry in seat.chain
        if entry.state == "open"
    ]
    ranked = sorted(
        found,
        key=lambda one: (
            one[1].user != user.id, user.id not in one[1].pool,
            one[1].user not in behind and (one[1].user is not None or behind.isdisjoint(one[1].pool)),
        ),
    )  # fmt: skip
    here = [one for one in ranked if one[0].node == instance.node]
    return next(iter(here or ranked), None)


def last_asking(tree: Tree) -> Node:
    """Return the last node at which somebody is asked."""
    return [node for node in tree.walk() if node.kind in ASKING][-1]


def check_deputy(tree: Tree, instance: FlowInstance, found: tuple[Token, Turn] | None, by: User, now: datetime) -> None:
    """Refuse a deputy to judge the own case where the node forbids that; the person stood in for still may."""
    if found is None or by.id != instance.initiator_id or found[1].user == by.id:
        return
    node = tree.nodes[found[0].node]
    forbidden = node.kind in JUDGING and node.policies.self_approval != "self"
    if forbidden and stood_in_for(found[1], by.id, tree.definition.key, now) is not None:
        raise Refused(_("这是您自己发起的,这一步不能由您代为审批。"), field="note")


def _stands_in_for_one_who_may(instance: FlowInstance, flow: str, node: Node, user: User) -> bool:
    """Say whether somebody whose to-do the stage is may decide, and has this person as a deputy now."""
    behind = [one.user_id for one in persons_behind(user.id, clock.now()) if one.covers(flow)]
    if not behind:
        return False
    tasks = select(Task).where(
        Task.subject_kind == instance.subject_kind, Task.subject_id == instance.subject_id, Task.state == "open",
        Task.node == node.id,
    )  # fmt: skip
    now = clock.now()
    asked = {task.owner_id or claims_for(task, user.id, now) for task in db.session.scalars(tasks)}
    people = db.session.scalars(select(User).where(User.id.in_(asked & set(behind))))
    return any(person.can(node.permission) for person in people)
