"""The decisions of a case as paper shows them: who, where, what, when, and the signature as it was drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.core.db import db
from qtrace.core.errors import NotFound
from qtrace.core.files import open_path
from qtrace.flows.case_models import FlowSignature
from qtrace.flows.history import word_at
from qtrace.flows.instances import stored_tree
from qtrace.flows.models import FlowDecision, FlowInstance
from qtrace.flows.signing import names_of_deciders
from qtrace.web.filters import localised, show_time


@dataclass(frozen=True)
class DrawnSignature:
    """A signature that is drawn on paper: its row, its file, and whose it is."""

    id: int
    file_id: str
    name: str


@dataclass(frozen=True)
class StageLine:
    """One decision on the way."""

    stage: str
    verdict: str
    by: str
    at: str
    note: str
    signed: str
    drawn: DrawnSignature | None


def decisions_of(kind: str, subject_id: int) -> list[StageLine]:
    """Return the decisions of a case from the first to the last; what the clock did by itself is left out."""
    instance = db.session.scalar(
        select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == subject_id)
    )
    if instance is None:
        return []
    nodes = stored_tree(instance.definition_id).nodes
    rows = db.session.scalars(
        select(FlowDecision).where(FlowDecision.instance_id == instance.id, FlowDecision.verdict != "timeout")
        .order_by(FlowDecision.version)
    ).all()  # fmt: skip
    signed = db.session.scalars(select(FlowSignature).where(FlowSignature.instance_id == instance.id))
    signatures = {row.version: row for row in signed}
    deciders = names_of_deciders(rows)
    return [
        StageLine(
            localised(nodes[row.node]) if row.node in nodes else "", word_at(row.verdict, nodes.get(row.node or "")),
            deciders[row.id], show_time(row.at), row.note, *_signed(signatures.get(row.version)),
        )
        for row in rows
    ]  # fmt: skip


def files_of(lines: Sequence[StageLine]) -> list[str]:
    """Return the files of the drawn signatures."""
    return [line.drawn.file_id for line in lines if line.drawn]


def _signed(signature: FlowSignature | None) -> tuple[str, DrawnSignature | None]:
    """Return how a decision was signed in words, and the drawing where there is one."""
    if signature is None:
        return "", None
    words = [_("密码签署")] if signature.with_password else []
    if signature.file_id is None:
        return "、".join(words), None
    try:
        open_path(signature.file_id, data_dir=current_app.config["QTRACE_DATA_DIR"])
    except NotFound:  # paper says so instead of showing an empty box
        return "、".join([*words, _("手写签名(图片缺失)")]), None
    return "、".join(words), DrawnSignature(signature.id, signature.file_id, signature.name)
