"""Controls that hold files."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, ClassVar, cast

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.datastructures import FileStorage

from qtrace.core.errors import Refused
from qtrace.core.files import MAX_BYTES, StoredFile, store
from qtrace.forms.registry import (
    Cell,
    Control,
    FieldDefinition,
    Option,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
)
from qtrace.web.photos import store_attachment, store_photo, store_signature

MOST_FILES = 9
MB = 1024 * 1024
SAMPLE = StoredFile("a" * 32, "b" * 64, 1200, "image/jpeg", "p.jpg")
VIDEOS = ("video/mp4", "video/quicktime", "video/webm")
KINDS = ("pdf", "xlsx", "xls", "csv", "docx", "txt", "zip", "jpg", "png", "webp")
NOT_IN_ROWS = lazy_gettext("照片请放在子表外面,按行命名。")

MOST = Option("max_count", int, label_zh="最多几个", label_en="At most", default=MOST_FILES, least=1, most=MOST_FILES)


class Files(Control):
    """Files that come with the form and belong to the record."""

    family = "media"
    storage = Storage.FILE_REFS
    options: ClassVar[tuple[Option, ...]] = (MOST,)
    holds_files = True
    wide = True
    not_in_rows = NOT_IN_ROWS
    accept: ClassVar[str] = "image/*"
    capture: ClassVar[str] = "environment"
    media_types: ClassVar[tuple[str, ...]] = ("image/jpeg",)

    def accepted(self, field: FieldDefinition) -> str:
        """Return what the browser's chooser shows."""
        return self.accept

    def limit(self, field: FieldDefinition) -> int:
        """Return how many files there may be."""
        return field.number("max_count", MOST_FILES)

    def keep(self, field: FieldDefinition, upload: FileStorage, *, data_dir: Path) -> StoredFile:
        """Put an upload into the store, made harmless; refuse what this field does not take."""
        return store_photo(upload, data_dir=data_dir)

    def samples(self, field: FieldDefinition) -> Samples:
        """Return one file, and more than there may be."""
        sample = self.sample()
        many = [sample] * (self.limit(field) + 1)
        return Samples([Sent(files={field.id: [sample]})], [Sent(files={field.id: many})])

    def sample(self) -> StoredFile:
        """Return a file as the store describes it."""
        return SAMPLE

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the ids of the stored files."""
        files = sent.files.get(field.id, ())
        if len(files) > self.limit(field):
            raise Refused(self.too_many(self.limit(field), len(files)))
        return [file.id for file in files] or None

    def too_many(self, most: int, n: int) -> str:
        """Return the sentence that refuses more files than there may be."""
        return _("最多 %(most)d 个文件,现在有 %(n)d 个。请去掉几个。", most=most, n=n)

    def send(self, field: FieldDefinition, value: Value) -> dict[str, list[str]]:
        """Return nothing: a browser can't be given files back."""
        return {}

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return how many there are."""
        return self.counted(len(value)) if isinstance(value, list) else "—"

    def counted(self, n: int) -> str:
        """Return the number in words."""
        return ngettext("%(num)s 个文件", "%(num)s 个文件", n)

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Refuse: a cell carries no file; an empty one is fine."""
        if cell in (None, ""):
            return None
        raise Refused(_("照片和文件不能从表格导入。请导入后在页面上添加。"))


class Photo(Files):
    """Photos from the camera or the album; they were made small and harmless before they came here."""

    key, name_zh, name_en = "photo", "照片", "Photo"
    basic = True

    def too_many(self, most: int, n: int) -> str:
        """Return the sentence that refuses more photos than there may be."""
        return _("最多 %(most)d 张照片,现在有 %(n)d 张。请去掉几张。", most=most, n=n)

    def counted(self, n: int) -> str:
        """Return the number of photos."""
        return ngettext("%(num)s 张照片", "%(num)s 张照片", n)


class PhotoMarkup(Photo):
    """Photos on which one draws what is wrong; each marked photo stands behind its untouched original."""

    key, name_zh, name_en = "photo_markup", "照片标注", "Marked photo"
    basic = False
    icon = "edit"

    def limit(self, field: FieldDefinition) -> int:
        """Return room for originals and their marked twins."""
        return super().limit(field) * 2


class Video(Files):
    """A short film, kept as it is."""

    key, name_zh, name_en = "video", "视频", "Video"
    icon = "play"
    accept, media_types = "video/mp4,video/quicktime,video/webm,video/*", VIDEOS
    not_in_rows = lazy_gettext("视频请放在子表外面。")
    options = (
        Option("max_count", int, label_zh="最多几个", label_en="At most", default=1, least=1, most=MOST_FILES),
        Option(
            "max_mb",
            int,
            label_zh="每个最大 MB",
            label_en="MB each at most",
            default=100,
            least=1,
            most=MAX_BYTES // MB,
        ),
    )

    def limit(self, field: FieldDefinition) -> int:
        """Return how many films there may be."""
        return field.number("max_count", 1)

    def sample(self) -> StoredFile:
        """Return a film as the store describes it."""
        return StoredFile("c" * 32, "d" * 64, MB, "video/mp4", "leak.mp4")

    def keep(self, field: FieldDefinition, upload: FileStorage, *, data_dir: Path) -> StoredFile:
        """Put a film into the store; refuse what is none."""
        stored = keep_file(upload, data_dir=data_dir, max_mb=field.number("max_mb", 100))
        if stored.media_type not in self.media_types:
            raise Refused(_("「%(name)s」不是视频。请上传 MP4、MOV 或 WebM。", name=stored.name))
        return stored

    def counted(self, n: int) -> str:
        """Return the number of films."""
        return ngettext("%(num)s 段视频", "%(num)s 段视频", n)


class Attachments(Files):
    """Any files; photos among them are made harmless, everything else is only ever downloaded."""

    key, name_zh, name_en = "file", "附件", "File"
    icon = "paperclip"
    not_in_rows = lazy_gettext("附件请放在子表外面。")
    options = (
        MOST,
        Option("kinds", list, shape=Shape.WORDS, label_zh="允许的类型", label_en="Kinds allowed",
               help_zh="如 pdf、xlsx;不填则都可以。", help_en="Like pdf, xlsx; empty allows all."),
        Option("max_mb", int, label_zh="每个最大 MB", label_en="MB each at most", default=20, least=1, most=MAX_BYTES // MB),
    )  # fmt: skip

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the kinds are endings of file names."""
        problems, kinds = super().check_options(options), options.get("kinds")
        if problems or not isinstance(kinds, list):
            return problems
        return [] if all(str(kind).isalnum() for kind in kinds) else [_("类型写成文件名的结尾,如 pdf、xlsx。")]

    def accepted(self, field: FieldDefinition) -> str:
        """Return the endings the chooser shows."""
        return ",".join(f".{kind.lower()}" for kind in field.words("kinds"))

    def sample(self) -> StoredFile:
        """Return a sheet as the store describes it."""
        return StoredFile("e" * 32, "f" * 64, MB, "application/pdf", "COA.pdf")

    def keep(self, field: FieldDefinition, upload: FileStorage, *, data_dir: Path) -> StoredFile:
        """Put a file into the store; refuse a kind that is not allowed."""
        ending, kinds = (
            Path(upload.filename or "").suffix.lower().lstrip("."),
            [k.lower() for k in field.words("kinds")],
        )
        if kinds and ending not in kinds:
            raise Refused(_("只接受 %(kinds)s。", kinds="、".join(kinds)))
        return store_attachment(upload, data_dir=data_dir, max_bytes=field.number("max_mb", 20) * MB)


class Signature(Files):
    """A signature drawn with a finger, kept as a small picture."""

    key, name_zh, name_en = "signature", "手写签名", "Signature"
    icon = "edit"
    options = ()
    capture = ""
    not_in_rows = lazy_gettext("签名请放在子表外面。")

    def limit(self, field: FieldDefinition) -> int:
        """Return one."""
        return 1

    def sample(self) -> StoredFile:
        """Return a drawing as the store describes it."""
        return StoredFile("9" * 32, "8" * 64, 900, "image/png", "signature.png")

    def keep(self, field: FieldDefinition, upload: FileStorage, *, data_dir: Path) -> StoredFile:
        """Put the drawing into the store as a PNG without metadata."""
        return store_signature(upload, data_dir=data_dir)

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return whether it is signed."""
        return _("已签名") if isinstance(value, list) else "—"


def keep_file(upload: FileStorage, *, data_dir: Path, max_mb: int) -> StoredFile:
    """Put an upload into the store as it is."""
    stream = cast(BinaryIO, upload.stream)
    return store(stream, display_name=upload.filename or "", data_dir=data_dir, max_bytes=max_mb * MB)
