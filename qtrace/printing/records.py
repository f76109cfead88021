"""What the print page of a record sees, of any form; and of an empty form to be filled in by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from qtrace.accounts.queries import names_of
from qtrace.core.models import StoredFileRow
from qtrace.forms.controls.identity import qr_svg
from qtrace.forms.definition import FormDefinition, Section
from qtrace.forms.models import Form
from qtrace.forms.queries import stored_definition
from qtrace.forms.registry import FieldDefinition, Storage, controls
from qtrace.printing.contexts import Fact
from qtrace.records.fields import STATES, stage_words
from qtrace.records.models import Record
from qtrace.records.pages import Cell, sections_of
from qtrace.records.queries import files_of
from qtrace.records.timeline import Entry, entries_of, source_words
from qtrace.web.filters import localised, show_time

MOST_ENTRIES = 20
BLANK_ROWS = 6
MOST_BOXES = 24


@dataclass(frozen=True)
class Picture:
    """A photo or a signature of a record."""

    id: str
    name: str
    caption: str = ""


@dataclass(frozen=True)
class Answer:
    """One answer on paper: its label and its words, table or drawing; pictures and the names of other files."""

    label: str
    shown: Markup
    wide: bool
    pictures: Sequence[Picture] = ()
    files: Sequence[str] = ()


@dataclass(frozen=True)
class PaperSection:
    """A section as it was designed: its title, how many answers stand side by side, whether a new page begins."""

    title: str
    columns: int
    page_break: bool
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Line:
    """One thing that happened."""

    at: str
    who: str
    words: str
    reason: str


@dataclass(frozen=True)
class RecordReport:
    """Everything a printed record shows."""

    company: str
    form: str
    number: str
    title: str
    address: str
    code: Markup  # the address as a QR code
    facts: Sequence[Fact]
    sections: Sequence[PaperSection]
    history: Sequence[Line]
    history_rest: str  # how much of the history is not printed, in words
    printed_at: str
    printed_by: str
    chain_head: str


@dataclass(frozen=True)
class Gap:
    """A place to write: what for, and the boxes to tick, the columns of a table or the room it needs."""

    label: str
    required: bool
    wide: bool
    boxes: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: int = 0
    lines: Sequence[str] = ()  # what each row is about, where that is known
    tall: bool = False
    note: Markup = field(default_factory=Markup)


@dataclass(frozen=True)
class BlankForm:
    """An empty form for the clipboard."""

    company: str
    form: str
    note: str
    sections: Sequence[tuple[str, int, bool, Sequence[Gap]]]
    printed_at: str
    printed_by: str
    version: int


def record_report(form: Form, record: Record, *, now: datetime, by: str, chain_head: str) -> RecordReport:
    """Gather what is printed of a record the reader may see; what is masked on its page is masked here."""
    definition = stored_definition(form.key, record.form_version_id)
    address = f"{current_app.config['QTRACE_BASE_URL']}/records/{form.key}/{record.number}"
    history = entries_of(record, definition)
    files = files_of(record.id)
    rest = len(history) - MOST_ENTRIES
    return RecordReport(
        company=current_app.config["QTRACE_COMPANY"], form=localised(form), number=record.number, title=record.title,
        address=address, code=qr_svg(address, title=_("二维码")), facts=_facts(record),
        sections=[_section(section, cells, files) for section, cells in sections_of(definition, record.answers)],
        history=[_line(entry) for entry in history[:MOST_ENTRIES]],
        history_rest=ngettext("更早的 %(num)s 条没有打印", "更早的 %(num)s 条没有打印", rest) if rest > 0 else "",
        printed_at=show_time(now), printed_by=by, chain_head=chain_head[:16],
    )  # fmt: skip


def blank_form(form: Form, definition: FormDefinition, version: int, *, now: datetime, by: str) -> BlankForm:
    """Return an empty form; what the system works out by itself is left out."""
    return BlankForm(
        company=current_app.config["QTRACE_COMPANY"], form=localised(form), note=localised(form, "note"),
        sections=[
            (localised(section, "title"), section.columns, section.page_break, gaps)
            for section in definition.sections
            if (gaps := [_gap(one) for one in section.fields if not one.retired and not _by_itself(one)])
        ],
        printed_at=show_time(now), printed_by=by, version=version,
    )  # fmt: skip


def _facts(record: Record) -> list[Fact]:
    people = names_of({user_id for user_id in (record.created_by, record.changed_by) if user_id is not None})
    found = [
        Fact(_("状态"), str(stage_words().get(record.stage if record.state != "void" else "", STATES[record.state]))),
        Fact(_("填写人"), people.get(record.created_by or 0) or source_words(record) or "—"),
        Fact(_("填写时间"), show_time(record.created_at)),
    ]
    if record.version > 1:
        found.append(
            Fact(_("修改时间"), f"{show_time(record.changed_at)} {people.get(record.changed_by or 0, '')}".strip())
        )
    return found


def _section(section: Section, cells: Sequence[Cell], files: Mapping[str, Sequence[StoredFileRow]]) -> PaperSection:
    answers = [_answer(cell, files.get(cell.field.id, ())) for cell in cells]
    return PaperSection(localised(section, "title"), section.columns, section.page_break, answers)


def _answer(cell: Cell, files: Sequence[StoredFileRow]) -> Answer:
    captions = cell.control.captions(cell.field, cell.value)
    pictures = [
        Picture(file.id, file.name, captions.get(file.id, "")) for file in files if file.media_type.startswith("image/")
    ]
    others = [file.name for file in files if not file.media_type.startswith("image/")]
    shown = Markup() if files and cell.control.holds_files else cell.control.on_paper(cell.field, cell.value)
    return Answer(localised(cell.field, "label"), shown, cell.control.wide or bool(files), pictures, others)


def _line(entry: Entry) -> Line:
    return Line(show_time(entry.at), entry.who, entry.words, entry.reason)


def _by_itself(asked: FieldDefinition) -> bool:
    control = controls()[asked.control]
    return control.assigned or (control.storage is Storage.COMPUTED and not control.layout)


def _gap(asked: FieldDefinition) -> Gap:
    control, label = controls()[asked.control], localised(asked, "label")
    if control.layout:
        return Gap(label, required=False, wide=True, note=control.on_paper(asked, None))
    columns = [localised(one, "label") for one in control.columns(asked)]
    if columns:
        return Gap(label, asked.required, wide=True, columns=columns, rows=BLANK_ROWS)
    items = asked.words("items")
    if items:
        heads = (_("项目"), _("结果"), _("说明"))
        return Gap(label, asked.required, wide=True, columns=heads, lines=[line.replace("|", " ") for line in items])
    choices = [choice.label for choice in control.choices(asked)]
    boxes = [_("是"), _("否")] if control.storage is Storage.BOOL else choices if len(choices) <= MOST_BOXES else []
    tall = control.holds_files or asked.control in ("textarea", "richtext")
    return Gap(label, asked.required, control.wide or tall or len(boxes) > 4, boxes=boxes, tall=tall)
