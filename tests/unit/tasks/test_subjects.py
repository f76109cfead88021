"""What to-dos are about, told by the packages above."""

from collections.abc import Mapping, Sequence

from flask import Flask

from qtrace.tasks.models import Task
from qtrace.tasks.subjects import facts_of, register_subject


def test_each_kind_is_asked_once_for_all_its_to_dos() -> None:
    app, asked = Flask("a"), []

    def describe(ids: Sequence[int]) -> Mapping[int, str]:
        asked.append(list(ids))
        return {1: "QI-2611-0001"}

    register_subject(app, "thing", describe)
    tasks = [Task(id=7, subject_kind="thing", subject_id=2), Task(id=8, subject_kind="thing", subject_id=1)]
    with app.app_context():
        assert facts_of(tasks) == {7: "", 8: "QI-2611-0001"}
    assert asked == [[1, 2]]


def test_an_unknown_kind_has_no_facts() -> None:
    with Flask("a").app_context():
        assert facts_of([Task(id=7, subject_kind="thing", subject_id=2)]) == {7: ""}
        assert facts_of([]) == {}
