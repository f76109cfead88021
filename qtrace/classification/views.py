"""The pages on which the company edits its taxonomies."""

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from qtrace.accounts.access import actor, needs
from qtrace.classification.controls import local_name
from qtrace.classification.merging import forms_naming, merge_term, mergers_of, preview_merger, undo_merger
from qtrace.classification.models import Taxonomy, Term, TermMerger
from qtrace.classification.queries import taxonomies, taxonomy, terms_of
from qtrace.classification.service import (
    TermWords,
    add_taxonomy,
    add_term,
    change_taxonomy,
    describe_term,
    move_term,
    place_term,
    switch_term,
)
from qtrace.classification.tree import Shape
from qtrace.core import clock
from qtrace.core.db import existing, write
from qtrace.core.errors import Conflict, DomainError, NotFound, Refused
from qtrace.core.ids import as_id
from qtrace.web.csrf import answer_at
from qtrace.web.htmx import go, render

bp = Blueprint("taxonomies", __name__, url_prefix="/config/taxonomies")


@bp.get("")
@needs("config.rules")
def index() -> Response:
    """Show one taxonomy, the types at first."""
    return _page(request.args.get("kind", "type"), term_id=as_id(request.args.get("term")))


@bp.post("")
@needs("config.rules")
def taxonomy_create() -> Response:
    """Add a tree of the company's own."""
    sent = request.form
    try:
        with write():
            tree_id = add_taxonomy(
                sent.get("key", ""), sent.get("name_zh", ""), sent.get("name_en", ""), by=actor().id, now=clock.now()
            )
            key = existing(Taxonomy, tree_id).key
            answer_at(url_for("taxonomies.index", kind=key))
    except Refused as error:
        return _page(sent.get("back", "type"), error)
    return _back(key, _("已添加"))


@bp.post("/<kind>/names")
@needs("config.rules")
def taxonomy_update(kind: str) -> Response:
    """Rename a tree, or retire one of the company's own."""
    sent = request.form
    try:
        with write():
            change_taxonomy(
                kind, sent.get("name_zh", ""), sent.get("name_en", ""), active=sent.get("active", "1") == "1",
                by=actor().id, now=clock.now(), seen=as_id(sent.get("tree")),
            )  # fmt: skip
    except (Refused, Conflict) as error:
        return _page(kind, error)
    return _back(kind, _("已保存"))


@bp.post("/<kind>")
@needs("config.rules")
def term_create(kind: str) -> Response:
    """Add a term."""
    try:
        with write():
            add_term(
                kind, request.form.get("name_zh", ""), request.form.get("name_en", ""),
                parent_id=as_id(request.form.get("parent_id")), by=actor().id, now=clock.now(),
            )  # fmt: skip
            answer_at(url_for("taxonomies.index", kind=kind))
    except Refused as error:
        return _page(kind, error)
    return _back(kind, _("已添加"))


@bp.post("/terms/<int:term_id>")
@needs("config.rules")
def term_update(term_id: int) -> Response:
    """Change what a term is called and what explains it."""
    kind, sent = existing(Term, term_id).kind, request.form
    words = TermWords(
        name_zh=sent.get("name_zh", ""), name_en=sent.get("name_en", ""), rubric_zh=sent.get("rubric_zh", ""),
        rubric_en=sent.get("rubric_en", ""), safety=sent.get("safety") == "1",
    )  # fmt: skip
    try:
        with write():
            describe_term(term_id, words, by=actor().id, now=clock.now(), seen=as_id(sent.get("version")))
    except (Refused, Conflict) as error:
        return _page(kind, error, term_id)
    return _back(kind, _("已保存"), term_id)


@bp.post("/terms/<int:term_id>/position")
@needs("config.rules")
def position_update(term_id: int) -> Response:
    """Move a term up or down, behind a sibling (dragged), or beneath another parent."""
    kind, sent = existing(Term, term_id).kind, request.form
    try:
        with write():
            if "up" in sent:
                move_term(term_id, up=sent["up"] == "1", by=actor().id, now=clock.now())
            else:
                parent = as_id(sent.get("parent_id"))
                place_term(
                    term_id, parent_id=parent, place=_place(kind, parent, term_id, sent.get("after")), by=actor().id,
                    now=clock.now(), seen=as_id(sent.get("tree")),
                )  # fmt: skip
    except (Refused, Conflict) as error:
        return _page(kind, error, term_id)
    return _back(kind, _("已保存"), term_id)


@bp.post("/terms/<int:term_id>/activity")
@needs("config.rules")
def activity_update(term_id: int) -> Response:
    """Switch a term on or off."""
    kind, active = existing(Term, term_id).kind, request.form.get("active") == "1"
    try:
        with write():
            seen = as_id(request.form.get("version"))
            switch_term(term_id, active=active, by=actor().id, now=clock.now(), seen=seen)
    except (Refused, Conflict) as error:
        return _page(kind, error, term_id)
    return _back(kind, _("已启用") if active else _("已停用;已有记录保持不变"), term_id)


@bp.get("/terms/<int:term_id>/merger")
@needs("config.rules")
def merger_new(term_id: int) -> Response:
    """Show what merging a term into another would move."""
    term, into = existing(Term, term_id), as_id(request.args.get("into")) or 0
    try:
        moved = preview_merger(term_id, into)
    except Refused as error:
        return _page(term.kind, error, term_id)
    return render(
        "classification/merger.html", term=term, target=existing(Term, into), moved=moved, tree=taxonomy(term.kind),
        forms=forms_naming(term.code),
    )  # fmt: skip


@bp.post("/terms/<int:term_id>/merger")
@needs("config.rules")
def merger_create(term_id: int) -> Response:
    """Merge a term into another."""
    kind, sent = existing(Term, term_id).kind, request.form
    versions = as_id(sent.get("version")), as_id(sent.get("into_version"))
    seen = None if versions[0] is None or versions[1] is None else (versions[0], versions[1])
    try:
        with write():
            into = as_id(sent.get("into")) or 0
            moved = merge_term(term_id, into, by=actor().id, now=clock.now(), seen=seen)
            answer_at(url_for("taxonomies.index", kind=kind))
    except (Refused, Conflict) as error:
        return _page(kind, error, term_id)
    return _back(kind, ngettext("已合并,%(num)s 条记录改到新的分类", "已合并,%(num)s 条记录改到新的分类", moved))


@bp.post("/mergers/<int:merger_id>/reversal")
@needs("config.rules")
def reversal_create(merger_id: int) -> Response:
    """Undo a merger."""
    kind = existing(TermMerger, merger_id).kind
    try:
        with write():
            moved = undo_merger(merger_id, by=actor().id, now=clock.now())
    except Refused as error:
        return _page(kind, error)
    return _back(kind, ngettext("已撤销,%(num)s 条记录改回原来的分类", "已撤销,%(num)s 条记录改回原来的分类", moved))


def _place(kind: str, parent_id: int | None, term_id: int, after: str | None) -> int:
    """Return the place behind a sibling; the end when none is named, the start when it is an empty one."""
    siblings = [row for row in Shape.of(kind).children.get(parent_id, ()) if row != term_id]
    if after == "":
        return 0
    return siblings.index(int(after)) + 1 if after and int(after) in siblings else len(siblings)


def _back(kind: str, text: str, term_id: int | None = None) -> Response:
    return go(url_for("taxonomies.index", kind=kind, term=term_id), trigger={"toast": text})


def _page(kind: str, error: DomainError | None = None, term_id: int | None = None) -> Response:
    trees = taxonomies(active_only=False)
    tree = next((row for row in trees if row.key == kind), None)
    if tree is None:
        raise NotFound
    terms, shape = terms_of(kind, active_only=False), Shape.of(kind)
    term = next((row for row in terms if row.id == term_id), None)
    beneath = {row.id for row in terms if term and term.id in (row.id, *shape.above(row.id))}
    room = tree.depth - (shape.height(term.id) if term else 1)
    return render(
        "classification/taxonomies.html",
        status=error.status if error else 200,
        kind=kind,
        tree=tree,
        kinds=[
            (local_name(row), url_for("taxonomies.index", kind=row.key), None, row.key == kind)
            for row in trees
            if row.active or row.key == kind
        ],
        retired=[row for row in trees if not row.active],
        terms=terms,
        levels={row.id: shape.level(row.id) for row in terms},
        names={row.id: local_name(row) for row in terms},
        parents=[row for row in terms if row.active and row.id not in beneath and shape.level(row.id) <= room],
        tops=[row for row in terms if row.active and shape.level(row.id) < tree.depth],
        term=term,
        mergers=mergers_of(kind),
        error=error.message if error else "",
    )
