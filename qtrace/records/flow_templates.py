"""The flows a form may choose for its records, as data: who checks what was filled in."""

from dataclasses import dataclass
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from qtrace.flows.definition import Definition
from qtrace.flows.reading import parse_definition

HOUR = 60
FILL, APPROVED = "fill", "approved"
LEAD = "quality_lead"
APPROVE = "record.approve"


@dataclass(frozen=True)
class Template:
    """One way to check records: its name, what it means, and whether the quality lead looks once more."""

    key: str
    name: LazyString
    note: LazyString
    twice: bool


TEMPLATES = (
    Template("one_check", _("一次审核"), _("提交后由审核的角色通过,或写明原因退回。"), twice=False),
    Template("two_checks", _("两次审核"), _("审核的角色通过后,质量主管再复核一次。"), twice=True),
)


def flow_key(template: str, role: str) -> str:
    """Return the key of the flow a template becomes for a role."""
    return f"{template}_{role}"


def chosen_in(key: str) -> tuple[str, str]:
    """Return (template, role) of a form's flow; empty ones where it has none of these."""
    found = next((one for one in TEMPLATES if key.startswith(f"{one.key}_")), None)
    return (found.key, key.removeprefix(f"{found.key}_")) if found else ("", "")


def build(template: Template, role: str) -> Definition:
    """Return the flow in which people of the role check what was filled in."""
    nodes: list[dict[str, Any]] = [
        _node(FILL, "填写", "Fill in", "start", {"kind": "initiator"}, 24 * HOUR, "record.create"),
        _node("check", "审核", "Check", "approve", {"kind": "role", "value": role}, 16 * HOUR, APPROVE),
    ]
    if template.twice:
        owner = {"kind": "role", "value": LEAD}
        nodes.append(_node("lead_check", "复核", "Second check", "approve", owner, 16 * HOUR, APPROVE))
    return parse_definition({"key": flow_key(template.key, role), "version": 1, "nodes": nodes})


def _node(key: str, zh: str, en: str, kind: str, owner: dict[str, str], due: int, permission: str) -> dict[str, Any]:
    return {
        "id": key, "name_zh": zh, "name_en": en, "kind": kind, "who": [owner], "signing": {"mode": "claim"},
        "due_minutes": due, "permission": permission,
    }  # fmt: skip
