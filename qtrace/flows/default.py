"""The flow a new company starts with: five stages from recording a quality issue to its proven end."""

from functools import cache

from qtrace.flows.definition import Definition
from qtrace.flows.reading import parse_definition

HOUR = 60
WORKDAY = 8 * HOUR
QUALITY_LEAD = [{"kind": "role", "value": "quality_lead"}]
ONE_OF_THEM = {"mode": "claim"}

FIVE_STAGES = {
    "key": "quality_issue",
    "version": 1,
    "name_zh": "质量问题",
    "name_en": "Quality issue",
    "reopen_at": "investigate",
    "nodes": [
        {
            "id": "record",
            "name_zh": "录入与分类",
            "name_en": "Record and classify",
            "kind": "start",
            "who": [{"kind": "initiator"}],
            "due_minutes": 4 * HOUR,
            "permission": "issue.create",
        },
        {
            "id": "triage",
            "name_zh": "定责",
            "name_en": "Decide responsibility",
            "kind": "handle",
            "who": QUALITY_LEAD,
            "signing": ONE_OF_THEM,
            "due_minutes": 8 * HOUR,
            "permission": "issue.decide",
            "gates": ["responsibility_decided"],
        },
        {
            "id": "investigate",
            "name_zh": "查原因",
            "name_en": "Find the cause",
            "kind": "handle",
            "who": QUALITY_LEAD,
            "signing": ONE_OF_THEM,
            "due_minutes": 3 * WORKDAY,
            "permission": "issue.decide",
            "gates": ["root_cause_found"],
        },
        {
            "id": "act",
            "name_zh": "整改",
            "name_en": "Put it right",
            "kind": "handle",
            "who": QUALITY_LEAD,
            "signing": ONE_OF_THEM,
            "due_minutes": 10 * WORKDAY,
            "permission": "issue.decide",
            "gates": ["actions_done"],
        },
        {
            "id": "verify",
            "name_zh": "看效果",
            "name_en": "Prove the effect",
            "kind": "verify",
            "who": QUALITY_LEAD,
            "signing": ONE_OF_THEM,
            "due_minutes": 30 * WORKDAY,
            "permission": "issue.decide",
            "gates": ["effect_verified"],
            "options": {"wait_days": 30, "wait_units": 300, "fail_to": "investigate"},
        },
    ],
}


@cache
def default_definition() -> Definition:
    """Return the five stages of a quality issue."""
    return parse_definition(FIVE_STAGES)
