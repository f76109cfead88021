"""Controls that choose from a taxonomy: defect type, severity and, in general, any of its trees."""

# ruff: noqa: ARG002 -- every control keeps the signatures of the contract

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from flask import Flask
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import bindparam, select

from qtrace.classification.models import Taxonomy, Term
from qtrace.classification.queries import is_kind, merged_names, successor, taxonomies, term_ids, terms_of
from qtrace.core.db import db, table_of
from qtrace.core.errors import Refused
from qtrace.core.ids import as_id
from qtrace.forms.controls.choice import by_name
from qtrace.forms.registry import (
    Cell,
    Choice,
    Control,
    FieldDefinition,
    Option,
    OptionChoice,
    Samples,
    Sent,
    Shape,
    Storage,
    Value,
    cell_text,
    register_control,
)

LOUD = ("bad", "warn")
TERMS = table_of(Term)
TREE_OF = select(TERMS.c.kind, TERMS.c.active, TERMS.c.merged_into_id).where(TERMS.c.id == bindparam("term"))


class TermRef(Control):
    """One term of a taxonomy tree; `first` names the codes that stand as chips before all others."""

    storage = Storage.REF
    grouped = True
    wide = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("kind", str, label_zh="哪棵分类树", label_en="Which tree", advanced=True,
               help_zh="不选就用本控件自己的分类树。", help_en="Left empty it is the control's own tree."),
        Option("top", int, label_zh="直接显示几个", label_en="Shown at once", default=6, least=1, most=20),
        Option("first", list, shape=Shape.WORDS, label_zh="排在最前的编号", label_en="Codes that stand first", advanced=True),
    )  # fmt: skip
    kind = ""

    def panel(self) -> Sequence[Option]:
        """Return the settings with every tree there is now, the company's own among them."""
        trees = tuple(OptionChoice(tree.key, tree.name_zh, tree.name_en) for tree in taxonomies())
        return [replace(option, choices=trees) if option.name == "kind" else option for option in self.options]

    def samples(self, field: FieldDefinition) -> Samples:
        """Return the first term of the tree, and numbers no term has."""
        first = [choice.value for choice in self.choices(field)][:1]
        return Samples([Sent({field.id: first})], [Sent({field.id: [text]}) for text in ("0", "999999999", "漏液")])

    def choices(self, field: FieldDefinition) -> Sequence[Choice]:
        """Return the active terms with path and rubric: the `first` ones, then the tree in reading order."""
        terms = terms_of(self.kind_of(field))
        names = {term.id: local_name(term) for term in terms}
        loud = loudness(terms)
        listed = field.options.get("first")
        rank = _ranks(listed, self.kind_of(field)) if isinstance(listed, list) else {}
        return [
            Choice(
                str(term.id), names[term.id], _rubric(term), names.get(term.parent_id or 0, ""), loud.get(term.id, "")
            )
            for term in sorted(terms, key=lambda term: rank.get(term.id, len(rank)))
        ]

    def parse(self, field: FieldDefinition, sent: Sent) -> Value:
        """Return the term's id; refuse one of another tree or a retired one."""
        text = sent.first(field.id)
        if not text:
            return None
        sent_id = as_id(text) or 0
        term = db.session.execute(TREE_OF, {"term": sent_id}).one_or_none()
        if term is not None and term.merged_into_id is not None:  # the page was open while it was merged
            return self.parse(field, Sent({field.id: [str(term.merged_into_id)]}))
        if term is None or term.kind != self.kind_of(field) or not term.active:
            raise Refused(_("请从列表中选择。"))
        return sent_id

    def check_options(self, options: Mapping[str, object]) -> list[str]:
        """Add that the tree exists."""
        kind = options.get("kind", self.kind)
        return super().check_options(options) + ([] if is_kind(kind) else [_("没有这个分类树:%(kind)s。", kind=kind)])

    def show(self, field: FieldDefinition, value: Value) -> str:
        """Return the term's name, and where it was merged to."""
        term = db.session.get(Term, value) if isinstance(value, int) else None
        return name_now(term) if term else "—"

    def from_cell(self, field: FieldDefinition, cell: Cell) -> Value:
        """Read a term by name; the former name of a merged term means where it went."""
        text = "" if cell is None else cell_text(cell)
        found = by_name(self.choices(field), text)
        if found == text and text:
            found = str(merged_names(self.kind_of(field)).get(text, text))
        return self.parse(field, Sent({field.id: [found]}))

    def kind_of(self, field: FieldDefinition) -> str:
        """Return the tree this field chooses from."""
        return field.text("kind", self.kind)


class DefectCode(TermRef):
    """What went wrong; the first few as chips, the rest behind "more"."""

    key, name_zh, name_en = "defect_code", "问题类型", "Defect type"
    family = "quality"
    basic = True
    icon = "alert-triangle"
    kind = "type"


class Severity(TermRef):
    """How bad it is, with the rubric shown."""

    key, name_zh, name_en = "severity", "严重程度", "Severity"
    family = "quality"
    basic = True
    icon = "flag"
    kind = "severity"


class TreeSelect(TermRef):
    """A term of any taxonomy tree, from one list with the path written out."""

    key, name_zh, name_en = "tree_select", "分类树选择", "Tree select"
    family = "choice"
    icon = "layers"
    grouped = False
    wide = False
    options = (
        Option("kind", str, required=True, label_zh="哪棵分类树", label_en="Which tree",
               of_site=lambda: _trees()),
    )  # fmt: skip

    @property
    def template(self) -> str:
        """Return the drop-down list with headings."""
        return "forms/controls/pick.html"

    def starter(self) -> dict[str, object]:
        """Return the tree of defect types."""
        return {"kind": "type"}


def register_controls(app: Flask) -> None:
    """Register the controls of this package."""
    register_control(app, TreeSelect())
    register_control(app, DefectCode())
    register_control(app, Severity())


def loudness(terms: Iterable[Term]) -> dict[int, str]:
    """Return the chip class of each severity: the worst is red, the next amber, the rest plain."""
    ranked = [term.id for term in terms if term.kind == "severity"]
    return dict(zip(ranked, LOUD, strict=False))


def local_name(term: Term | Taxonomy) -> str:
    """Return the name of a term or tree in the reader's language."""
    return term.name_en if str(get_locale() or "zh").startswith("en") else term.name_zh


def name_now(term: Term) -> str:
    """Return the term's name, with the one it was merged into."""
    today = successor(term.id) if term.merged_into_id is not None else None
    return (
        local_name(term) if today is None else _("%(old)s(已并入 %(new)s)", old=local_name(term), new=local_name(today))
    )


def _trees() -> tuple[OptionChoice, ...]:
    """Return every tree; a retired one stays known to the forms that choose from it."""
    return tuple(OptionChoice(tree.key, tree.name_zh, tree.name_en) for tree in taxonomies(active_only=False))


def _ranks(codes: Sequence[object], kind: str) -> dict[int, int]:
    """Return the places of terms listed first; a merged one lends its place to where it went."""
    ids = term_ids(kind)
    ranks: dict[int, int] = {}
    for place, code in enumerate(codes):
        if str(code) in ids:
            ranks.setdefault(ids[str(code)], place)
    return ranks


def _rubric(term: Term) -> str:
    return (term.rubric_en if str(get_locale() or "zh").startswith("en") else term.rubric_zh) or ""
