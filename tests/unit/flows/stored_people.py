"""People and definitions of drawn flows as the database knows them."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from qtrace.accounts.service import add_user_hashed, ensure_department
from qtrace.core.db import write
from qtrace.flows.definition import ASKING, Branch, Definition, Helper, Node, Who

BEGUN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ROLES = {1: "customer_service", 2: "customer_service", 3: "customer_service", 4: "inspector", 5: "inspector"}
ROLES_OF_TREES = {"lead": "inspector", "service": "customer_service", "warehouse": "purchasing"}


@dataclass(frozen=True)
class People:
    """Eight people of three departments, with those above them, and who keeps the flows."""

    users: tuple[int, ...]
    keeper: int
    department: int


def make_people() -> People:
    """Add the people once; they are called m1 to m8 and may leave and come back."""
    with write() as session:
        departments = [ensure_department(name) for name in ("机器一部", "机器二部", "机器三部")]
        users = tuple(
            add_user_hashed(
                f"m{number}", f"第 {number} 人", "-", [ROLES.get(number, "purchasing")], by=None, now=BEGUN,
                department_id=departments[number % 3],
            )
            for number in range(1, 9)
        )  # fmt: skip
        keeper = add_user_hashed(
            "m9", "流程管理员", "-", ["quality_lead", "admin"], by=None, now=BEGUN, department_id=departments[0]
        )
        session.flush()
    return People(users, keeper, departments[1])


def stored_form(definition: Definition, key: str, department: int) -> Definition:
    """Return a drawn definition for people and fields the database knows; now and then a department helps."""
    return replace(definition, key=key, nodes=tuple(_stored(node, department) for node in definition.nodes))


def _stored(node: Node, department: int) -> Node:
    policies = replace(node.policies, nobody_user=f"m{node.policies.nobody_user.removeprefix('m')}")
    branches = tuple(
        Branch(
            one.id, one.name_zh, one.name_en,
            None if one.condition is None else {"field": "drawn", "op": "gt", "value": 5},
            tuple(_stored(inner, department) for inner in one.nodes),
        )
        for one in node.branches
    )  # fmt: skip
    who = tuple(map(_who, node.who))
    helpers = (Helper(str(department), 60),) if node.kind in ASKING and node.id.endswith("3") else ()
    return replace(
        node, who=who, policies=policies, branches=branches, permission="issue.read", helpers=helpers
    )  # fmt: skip


def _who(who: Who) -> Who:
    match who.kind:
        case "user":
            return who if who.value.startswith("m") else replace(who, value=f"m{who.value}")
        case "role":
            return replace(who, value=ROLES_OF_TREES.get(who.value, who.value))
        case _:
            return replace(who, level=2) if who.kind == "head_chain" else who
