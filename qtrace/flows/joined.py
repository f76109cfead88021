"""Who joined the nodes ahead of a case: which there are, who is there, and who may take whom out again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.accounts.queries import names_of
from qtrace.core.db import db
from qtrace.flows.company import KEEPER
from qtrace.flows.instances import stored_tree
from qtrace.flows.joining import joinable
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.stored import load_state
from qtrace.web.filters import localised

JOIN, UNJOIN = "join", "unjoin"


@dataclass(frozen=True)
class Joined:
    """One person who joined a node ahead; `removable` by the person who looks."""

    node: str
    stage: str
    user: int
    name: str
    removable: bool


def nodes_ahead(instance: FlowInstance) -> list[tuple[str, str]]:
    """Return (id, name) of the nodes people may still join."""
    if instance.status != "running":
        return []
    tree = stored_tree(instance.definition_id)
    return [(one, localised(tree.nodes[one])) for one in joinable(tree, load_state(instance.state))]


def joined_ahead(instance: FlowInstance, user: User) -> list[Joined]:
    """Return who joined the nodes ahead: whoever let them join may take them out, or the keeper of the flows."""
    stages, joined = dict(nodes_ahead(instance)), load_state(instance.state).joined
    found = [(node, one) for node, users in joined if node in stages for one in users]
    if not found:
        return []
    names, by = names_of({one for _node, one in found}), _by_whom(instance.id)
    keeper = user.can(KEEPER)
    return [
        Joined(node, stages[node], one, names.get(one, ""), keeper or by.get((node, one)) == user.id)
        for node, one in found
    ]


def words_of_joining(rows: Iterable[FlowDecision]) -> dict[int, str]:
    """Return what a history says of each of its rows by which people joined or were taken out, with their names."""
    found = {row.id: (row.verdict == JOIN, _users(row)) for row in rows if row.verdict in (JOIN, UNJOIN)}
    names = names_of({user for _in, users in found.values() for user in users}) if found else {}
    told = {number: "、".join(names.get(user, "—") for user in users) for number, (_in, users) in found.items()}
    return {
        number: _("追加 %(names)s", names=told[number]) if joins else _("去掉追加的 %(names)s", names=told[number])
        for number, (joins, _users_of) in found.items()
    }


def _users(row: FlowDecision) -> list[int]:
    return list((row.operation or {}).get("users", ()))


def _by_whom(instance_id: int) -> Mapping[tuple[str, int], int | None]:
    """Return who let each person join a node, the last time it was done."""
    rows = db.session.scalars(
        select(FlowDecision).where(FlowDecision.instance_id == instance_id, FlowDecision.verdict == JOIN)
        .order_by(FlowDecision.version)
    )  # fmt: skip
    return {(str(row.node), user): row.by for row in rows for user in _users(row)}
