"""Forms of the import pages."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from wtforms import BooleanField, FileField, Form, IntegerField, SelectField, StringField
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, NumberRange, Regexp

from qtrace.catalog.models import Shop
from qtrace.exchange.kinds import KINDS, Kind
from qtrace.exchange.mapping import suggest
from qtrace.exchange.presets import presets
from qtrace.exchange.queries import RunDetail
from qtrace.exchange.targets import kind_labels


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
        self.kind.choices = [("", _("自动识别")), *kind_labels().items()]
        self.mapping.choices = [("", _("自动识别")), *((name, name) for name in names)]
        self.shop.choices = [("", _("自动")), *((shop.key, shop.name) for shop in shops)]


class MappingForm(Form):
    """What a file's rows become and how they are read; under `save_as` the mapping is remembered."""

    kind = SelectField(lazy_gettext("数据类别"), validators=[DataRequired(lazy_gettext("请选择数据类别。"))])
    shop = SelectField(lazy_gettext("店铺"), validate_choice=False)
    key = SelectField(lazy_gettext("按哪一项认出同一条"), validate_choice=False)
    empty = StringField(
        lazy_gettext("当作空格的写法"),
        validators=[Length(max=200, message=lazy_gettext("当作空格的写法太长,最多 200 个字。"))],
    )
    epoch = SelectField(lazy_gettext("日期数字从哪年算起"), validate_choice=False)
    keep_totals = BooleanField(lazy_gettext("合计行和表尾也导入"))
    save_as = StringField(
        lazy_gettext("保存为"),
        validators=[
            Length(max=80, message=lazy_gettext("「保存为」的名字太长,最多 80 个字。")),
            Regexp(r"^[^/\\]*$", message=lazy_gettext("「保存为」的名字里不能有斜杠。")),
        ],
    )
    pattern = StringField(
        lazy_gettext("适用的文件名"),
        validators=[Length(max=120, message=lazy_gettext("适用的文件名太长,最多 120 个字。"))],
    )

    def offer(self, kind: Kind, shops: Sequence[Shop] = ()) -> None:
        """Fill the choices; `shops` are those the rows may belong to where that is still to be said."""
        self.kind.choices = list(kind_labels().items())
        self.shop.choices = [("", _("请选择")), *((shop.key, shop.name) for shop in shops)]
        self.epoch.choices = [("", _("按文件")), ("1900", "1900"), ("1904", "1904")]
        labels = [(name, str(one.label)) for name in kind.keys if (one := kind.field(name)) is not None]
        # a shop's facts are always known by their number
        self.key.choices = labels if kind.name in KINDS else [("", _("每行都是新的一条")), *labels]

    def definition(self, detail: RunDetail, columns: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """Return the mapping as it was filled in, with the sheet and headers a person has chosen."""
        found: dict[str, Any] = {"kind": self.kind.data, "columns": columns, "empty": (self.empty.data or "").split()}
        if self.key.data and self.kind.data not in KINDS:
            found["key"] = self.key.data
        if self.epoch.data in ("1900", "1904"):
            found["epoch"] = self.epoch.data
        if self.keep_totals.data:
            found["keep_totals"] = True
        chosen = {"sheet": detail.sheet, "header_row": detail.header_row, "header_rows": detail.header_rows}
        return found | (
            {name: value for name, value in chosen.items() if value != ""} if detail.why == "chosen" else {}
        )


class SheetForm(Form):
    """Which sheet holds the rows, and which of its rows are the headers."""

    sheet = StringField(lazy_gettext("工作表"))
    header_row = IntegerField(lazy_gettext("表头从第几行开始"), validators=[InputRequired(), NumberRange(1, 10000)])
    header_rows = StringField(lazy_gettext("表头有几行"), validators=[AnyOf(("0", "1", "2", "3"))])


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


def suggested_fields(kind: Kind, headers: Sequence[str]) -> list[str]:
    """Return, for every header, the field it seems to hold, or nothing."""
    found = {header: field for field, header in suggest(kind, headers, alike=True).items()}
    return [found.get(header, "") for header in headers]
