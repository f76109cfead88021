"""Forms of the import pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, FileField, Form, SelectField, StringField
from wtforms.validators import DataRequired, Length, Regexp

from qtrace.catalog.models import Shop
from qtrace.exchange.kinds import KINDS
from qtrace.exchange.mapping import suggest
from qtrace.exchange.presets import presets


class UploadForm(Form):
    """A file to import and what is known of it."""

    file = FileField(lazy_gettext("文件"))
    kind = SelectField(lazy_gettext("数据类别"))
    mapping = SelectField(lazy_gettext("列的对应关系"))
    shop = SelectField(lazy_gettext("店铺"))
    dry_run = BooleanField(lazy_gettext("先试导入:只检查,不保存"))

    def offer(self, *, mappings: Sequence[str], shops: Sequence[Shop]) -> None:
        """Fill the choices."""
        names = list(dict.fromkeys([*mappings, *presets()]))
        self.kind.choices = [("", _("自动识别")), *((name, str(kind.label)) for name, kind in KINDS.items())]
        self.mapping.choices = [("", _("自动识别")), *((name, name) for name in names)]
        self.shop.choices = [("", _("自动")), *((shop.key, shop.name) for shop in shops)]


class MappingForm(Form):
    """The kind of a file and, under `save_as`, the name by which its mapping is remembered."""

    kind = SelectField(lazy_gettext("数据类别"), validators=[DataRequired(lazy_gettext("请选择数据类别。"))])
    save_as = StringField(
        lazy_gettext("保存为"),
        validators=[Length(max=80), Regexp(r"^[^/\\]*$", message=lazy_gettext("名字里不能有斜杠。"))],
    )

    def offer(self) -> None:
        """Fill the choices."""
        self.kind.choices = [(name, str(kind.label)) for name, kind in KINDS.items()]


def chosen_columns(sent: Mapping[str, str], headers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return {field: {"header": …}} as chosen in the selects named col-0, col-1, …; a field chosen twice is joined."""
    columns: dict[str, dict[str, Any]] = {}
    for place, header in enumerate(headers):
        field = sent.get(f"col-{place}", "")
        if not field:
            continue
        if field in columns:
            earlier = columns[field].get("join") or [columns[field]["header"]]
            columns[field] = {"join": [*earlier, header], "sep": " "}
        else:
            columns[field] = {"header": header}
    return columns


def suggested_fields(kind: str, headers: Sequence[str]) -> list[str]:
    """Return, for every header, the field it seems to hold, or nothing."""
    found = {header: field for field, header in suggest(kind, headers).items()} if kind in KINDS else {}
    return [found.get(header, "") for header in headers]
