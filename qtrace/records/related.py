"""The related list: on the page of a record, the records of another form that link to it or are about the same thing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import url_for
from flask_babel import gettext as _

from qtrace.accounts.models import User
from qtrace.conditions.tree import All, Any_, Clause, Condition
from qtrace.core.errors import NotFound
from qtrace.forms.controls.layout import LayoutItem
from qtrace.forms.definition import FormDefinition
from qtrace.forms.models import Form
from qtrace.forms.queries import current_form, stored_definition
from qtrace.forms.registry import FieldDefinition, Option, OptionChoice
from qtrace.forms.slots import slots_of
from qtrace.records.asking import Asked
from qtrace.records.fields import list_fields
from qtrace.records.models import Record
from qtrace.records.queries import count, record_forms, record_page

SHOWN = 5
LINK = "link"
THROUGH = (
    OptionChoice(LINK, "关联到这条记录的", "Linked to this record"),
    OptionChoice("sku", "同一商品的", "Of the same article"),
    OptionChoice("lot_no", "同一批次的", "Of the same lot"),
    OptionChoice("supplier", "同一供应商的", "Of the same supplier"),
    OptionChoice("order_ref", "同一订单的", "Of the same order"),
)


class RelatedList(LayoutItem):
    """Records of another form that belong to this one, shown on the page of the record."""

    key, name_zh, name_en = "related_list", "关联列表", "Related list"
    icon = "list"
    public = False  # what else there is about it is nothing for outsiders
    options = (
        Option("form", str, required=True, label_zh="哪张表单的记录", label_en="Records of which form"),
        Option("through", str, label_zh="列出哪些", label_en="Which ones", default=LINK, choices=THROUGH,
               help_zh="那张表单上要有同样的控件(或“关联记录”),并且设为可筛选。", help_en="That form needs the same control (or a link to a record), made filterable."),
    )  # fmt: skip

    def starter(self) -> dict[str, object]:
        """Return the first form there is."""
        return {"form": next((form.key for form, _version in record_forms()), "form"), "through": LINK}

    def panel(self) -> Sequence[Option]:
        """Return the settings with the forms there are."""
        forms = tuple(OptionChoice(form.key, form.name_zh, form.name_en) for form, _version in record_forms())
        return [replace(option, choices=forms) if option.name == "form" else option for option in self.options]


@dataclass(frozen=True)
class Related:
    """One related list: the records there are, the first of them, and where all are listed."""

    field: FieldDefinition
    form: Form | None
    total: int
    rows: Sequence[Record]
    url: str
    problem: str = ""


def related_lists(record: Record, form: Form, user: User) -> list[Related]:
    """Return the related lists a form has now for one of its records, as far as the person sees what is in them."""
    _form, version = current_form(form.key)
    lists = [one for one in stored_definition(form.key, version.id).fields if one.control == RelatedList.key]
    own = stored_definition(form.key, record.form_version_id)
    return [_related(one, record, own, form.key, user) for one in lists]


def linking_fields(definition: FormDefinition, form_key: str) -> list[FieldDefinition]:
    """Return the fields of another form that can link to a record of this one."""
    return [one for one in definition.fields if one.control == LINK and one.text("form") in ("", form_key)]


def _related(asked: FieldDefinition, record: Record, definition: FormDefinition, form_key: str, user: User) -> Related:
    try:
        form, version = current_form(asked.text("form"))
    except NotFound:
        return Related(asked, None, 0, (), "", _("要列出的表单已经没有了。"))
    other = stored_definition(form.key, version.id)
    through = asked.text("through", LINK)
    value: int | str | None
    if through == LINK:
        found, value = linking_fields(other, form_key), record.id
    else:
        found, value = [one for one in other.fields if one.control == through], _held(record, definition, through)
    slots = slots_of(form.id)
    usable = [one for one in found if one.id in slots]
    if not usable or form.built_in:
        return Related(asked, form, 0, (), "", _("「%(form)s」里没有可以对上的可筛选字段。", form=form.name_zh))
    if value is None:
        return Related(asked, form, 0, (), "")
    clauses = tuple(Clause(f"f.{one.id}", "eq", value) for one in usable)
    condition: Condition = clauses[0] if len(clauses) == 1 else Any_(clauses)
    if form.id == record.form_id:
        condition = All((condition, Clause("number", "ne", record.number)))
    wanted, fields = Asked(condition=condition), list_fields(other, slots, english=False)
    rows = record_page(form.id, wanted, fields, user, size=SHOWN).rows
    url = f"{url_for('records.list_show', form_key=form.key)}?{wanted.query()}"
    return Related(asked, form, count(form.id, wanted, fields, user), rows, url)


def _held(record: Record, definition: FormDefinition, control: str) -> int | str | None:
    """Return what the record is about: the first answer given in such a control."""
    for one in definition.fields:
        value = record.answers.get(one.id)
        if one.control == control and isinstance(value, int | str) and value != "":
            return value
    return None
