"""Forms that make records, for tests: an incoming inspection with fields of every filterable kind."""

from typing import Any

from qtrace.core.db import db, write
from qtrace.forms.models import Form
from qtrace.forms.service import publish_form
from qtrace.forms.vocabulary import read_definition
from tests.conftest import NOW

RESULTS = [
    {"value": "pass", "zh": "合格", "en": "Pass"},
    {"value": "fail", "zh": "不合格", "en": "Fail"},
]


def asked(key: str, control: str, zh: str, **more: Any) -> dict[str, Any]:
    """Return a field as definitions spell it; what is no key of a field becomes an option."""
    keys = {"required", "default", "filterable", "in_list", "retired", "column", "help_zh", "label_en"}
    options = {name: value for name, value in more.items() if name not in keys}
    rest = {name: value for name, value in more.items() if name in keys}
    return {"id": key, "control": control, "label_zh": zh, "label_en": key.title(), "options": options} | rest


INSPECTION = [
    asked("item", "text", "检验项目", required=True, in_list=True, filterable=True),
    asked("result", "select", "结论", required=True, in_list=True, filterable=True, choices=RESULTS),
    asked("qty", "integer", "抽检数", in_list=True, filterable=True, min=0),
    asked("day", "date", "检验日期", in_list=True, filterable=True),
    asked("urgent", "switch", "加急", filterable=True),
    asked("remark", "textarea", "说明"),
]


def make_form(
    fields: list[dict[str, Any]] | None = None, *, key: str = "inspection", name: str = "到货质检", prefix: str = "IQ"
) -> Form:
    """Publish a form with these fields in one section and return it."""
    sections = [{"id": "main", "title_zh": "检验", "title_en": "Inspection", "fields": fields or INSPECTION}]
    definition = read_definition(key, {"sections": sections})
    with write():
        publish_form(key, definition, name_zh=name, name_en=key.title(), by=None, now=NOW, prefix=prefix)
    return db.session.query(Form).where(Form.key == key).one()
