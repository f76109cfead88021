"""Controls that hold files."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from qtrace.core.errors import Refused
from qtrace.forms.registry import Cell, Control, FieldDefinition, Option, Sent, Storage, Value

MOST_PHOTOS = 9


class Photo(Control):
    """Photos from the camera or the album; they were made small and harmless before they came here."""

    key, name_zh, name_en = "photo", "照片", "Photo"
    wide = True
    storage = Storage.FILE_REFS
    options = (Option("max_count", int),)
    not_in_rows = lazy_gettext("照片请放在子表外面,按行命名。")

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the ids of the stored photos."""
        photos = sent.files.get(field.id, ())
        most = field.number("max_count", MOST_PHOTOS)
        if len(photos) > most:
            raise Refused(_("最多 %(most)d 张照片,现在有 %(n)d 张。请去掉几张。", most=most, n=len(photos)))
        return [photo.id for photo in photos] or None

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return nothing: a browser can't be given files back."""
        return {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return how many there are."""
        return ngettext("%(num)s 张照片", "%(num)s 张照片", len(value)) if isinstance(value, list) else "—"

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Refuse: a cell carries no photo; an empty one is fine."""
        if cell in (None, ""):
            return None
        raise Refused(_("照片不能从表格导入。请导入后在页面上添加。"))
