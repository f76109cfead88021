"""Ask a colleague something inside a case, and answer: the one asked gets a to-do and sees the case until then."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from qtrace.accounts.models import User
from qtrace.core import events
from qtrace.core.db import db, require_write
from qtrace.core.errors import Conflict, Forbidden, NotFound, Refused
from qtrace.flows.case_models import FlowQuestion
from qtrace.flows.company import active
from qtrace.flows.instances import case_of, stored_tree
from qtrace.flows.mentions import page_of, tell_called
from qtrace.flows.models import FlowInstance
from qtrace.flows.performing import HELP, QUESTION
from qtrace.flows.titles import title_at
from qtrace.tasks.models import Task
from qtrace.tasks.service import NewTask, close_tasks, open_task
from qtrace.tasks.standing import stands_in

MOST_TEXT = 2000


def ask(instance: FlowInstance, asked_id: int, text: str, *, node: str, by: User, now: datetime) -> int:
    """Ask somebody at a node and return the question's id; a to-do leads the one asked to what the node shows of the case."""
    text = text.strip()[:MOST_TEXT]
    if not text:
        raise Refused(_("请写下要问的问题。"), field="note")
    if asked_id == by.id or not active((asked_id,)):
        raise Refused(_("请选择一位在职的同事。"), field="users")
    session, case = require_write(), case_of(instance)
    question = FlowQuestion(instance_id=instance.id, asker_id=by.id, asked_id=asked_id, text=text, at=now, node=node)
    session.add(question)
    session.flush()  # its to-do names it
    new = NewTask(
        kind=QUESTION, subject=case.subject, title=_("%(name)s 问:%(text)s", name=by.name, text=text)[:300],
        url=case.url, node=f"{QUESTION}:{question.id}", detail=_called(instance, node),
        owner_id=asked_id,
    )  # fmt: skip
    question.task_id = open_task(new, by=by.id, now=now)
    body = {"question": question.id, "users": [asked_id], "task": question.task_id}
    events.record("question_asked", subject=case.subject, by=by.id, now=now, body=body, reason=text[:500])
    _tell_called(question, case.subject, text, by=by, now=now)
    return question.id


def answer(question_id: int, text: str, *, by: User, now: datetime) -> FlowInstance:
    """Answer a question that was asked of this person and return its case; the asker hears of it."""
    session = require_write()
    question = session.scalar(select(FlowQuestion).where(FlowQuestion.id == question_id).with_for_update())
    if question is None:
        raise NotFound
    deputy = stands_in(by.id, question.asked_id, None, now)
    if question.asked_id != by.id and not deputy:
        raise Forbidden
    if question.answered_at is not None:
        raise Conflict(_("这个问题已经答复过了。"))
    text = text.strip()[:MOST_TEXT]
    if not text:
        raise Refused(_("请写下答复。"), field="answer")
    question.answer, question.answered_at = text, now
    question.asked_id = by.id  # a deputy answers in the own name
    instance = session.get_one(FlowInstance, question.instance_id)
    subject = (instance.subject_kind, instance.subject_id)
    close_tasks(subject, by=by.id, now=now, task_id=question.task_id)
    body = {"question": question.id, "users": [question.asker_id]} | _named(instance, question.node or "")
    events.record("question_answered", subject=subject, by=by.id, now=now, body=body, reason=text[:500])
    _tell_called(question, subject, text, by=by, now=now)
    return instance


def _called(instance: FlowInstance, node: str) -> str:
    return title_at(stored_tree(instance.definition_id).nodes.get(node), case_of(instance))


def _named(instance: FlowInstance, node: str) -> dict[str, str]:
    """Return what the case is called at the node, where that is not its title."""
    called = _called(instance, node)
    return {} if called == instance.title else {"title": called, "url": instance.url}


def finish_help(task_id: int, text: str, *, by: User, now: datetime) -> None:
    """Hand in what one's department did beside a node; what was done stands in the story of the case."""
    session = require_write()
    task = session.scalar(select(Task).where(Task.id == task_id).with_for_update())
    if task is None or task.kind != HELP:
        raise NotFound
    if task.state != "open":
        raise Conflict(_("这件待办刚刚被别人处理过,没有保存。请刷新后查看最新状态。"))
    text = text.strip()[:MOST_TEXT]
    if not text:
        raise Refused(_("请写一句做了什么。"), field="answer")
    subject = (task.subject_kind, task.subject_id)
    close_tasks(subject, by=by.id, now=now, task_id=task_id)
    events.record("flow_helped", subject=subject, by=by.id, now=now, body={"task": task_id}, reason=text[:500])
    tell_called(subject, text, task.url, by=by.id, now=now, about={"helped": task_id})


def questions_of(instance_id: int) -> Sequence[FlowQuestion]:
    """Return the questions of a case, the oldest first."""
    statement = select(FlowQuestion).where(FlowQuestion.instance_id == instance_id).order_by(FlowQuestion.id)
    return db.session.scalars(statement.options(joinedload(FlowQuestion.asker), joinedload(FlowQuestion.asked))).all()


def _tell_called(question: FlowQuestion, subject: tuple[str, int], text: str, *, by: User, now: datetime) -> None:
    """Tell whom a question or its answer calls by name; the two it is between hear of it anyway."""
    tell_called(
        subject, text, page_of(subject, f"question-{question.id}"), by=by.id, now=now, about={"asked": question.id},
        besides=(question.asker_id, question.asked_id),
    )  # fmt: skip
