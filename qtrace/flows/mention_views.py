"""A case to be read by whoever may see it, and the names of those who can be called in it, completed while typing."""

from flask import Response, request, url_for

from qtrace.accounts.access import actor, login_needed
from qtrace.accounts.queries import people
from qtrace.core import clock
from qtrace.core.errors import NotFound
from qtrace.flows.asking import questions_of
from qtrace.flows.case_page import history_of, instance_of, jump_targets, takes_part
from qtrace.flows.case_views import bp
from qtrace.flows.company import KEEPER
from qtrace.flows.field_rights import rights_in
from qtrace.flows.instances import stored_tree
from qtrace.flows.joined import joined_ahead, nodes_ahead
from qtrace.flows.mentions import Audience, people_to_call
from qtrace.flows.naming import flow_name
from qtrace.flows.operating import case_operations
from qtrace.flows.roots import root_of
from qtrace.flows.subjects import flow_subjects
from qtrace.web.htmx import go, render
from qtrace.web.limits import limited

LONGEST_NAME = 80


@bp.get("/cases/<kind>/<int:subject_id>")
@login_needed
def case_show(kind: str, subject_id: int) -> Response:
    """Show a case to who may see it: what it is about, the questions in it, and what was decided.

    Who sees it by a to-do only is led to that, which leaves out what the step hides.
    """
    instance = instance_of(kind, subject_id)
    if instance is None:
        raise NotFound
    user, audience = actor(), Audience((kind, subject_id))
    if not audience.reads(user):
        task_id = audience.task_of(user)
        if task_id is None:
            raise NotFound
        return go(url_for("cases.decision_show", task_id=task_id))
    root, number = root_of(kind, subject_id)
    return render(
        "flows/case_over.html", instance=instance, task=None, now=clock.now(), lines=history_of(instance),
        summary=flow_subjects()[root].summary(number, rights_in(root, number, user).hidden), questions=questions_of(instance.id),
        flow=flow_name(stored_tree(instance.definition_id).definition), case_operations=case_operations(instance, user),
        jumps=jump_targets(instance) if user.can(KEEPER) else [], ahead=nodes_ahead(instance),
        joined=joined_ahead(instance, user), signatures=takes_part(instance.id, user),
        people=[person for person in people(active_only=True) if person.id != user.id],
    )  # fmt: skip


@bp.get("/cases/<kind>/<int:subject_id>/people")
@login_needed
@limited("search")
def people_show(kind: str, subject_id: int) -> Response:
    """List the few people the name begun may mean of those who may see the case; `on_page` wants its page to be theirs.

    Only who sees the case may ask.
    """
    subject, user = (kind, subject_id), actor()
    audience = Audience(subject, to_dos="on_page" not in request.args)
    if not audience.sees(user):
        raise NotFound
    found = people_to_call(audience, subject, request.args.get("q", "")[:LONGEST_NAME], by=user.id)
    return render("flows/_people.html", people=found)
