"""A case on a real SQLite database, with everything people and clocks do to it through the doors they use.

Whatever is done is first done on a machine that stops between two rows, after which nothing may be there of it, and then
again, after which it is there once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from sqlalchemy import select

from qtrace.accounts.models import User
from qtrace.accounts.service import change_user
from qtrace.conditions.tree import FieldKind
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError, Forbidden
from qtrace.flows.asking import answer, ask
from qtrace.flows.beginning import prepare_flow, start_flow, start_submitted
from qtrace.flows.case import Case
from qtrace.flows.checking import faults
from qtrace.flows.condition_fields import Seen, register_condition_fields
from qtrace.flows.deciding import decide
from qtrace.flows.definition import JUDGING, WAITING, Definition, Tree
from qtrace.flows.engine import return_targets
from qtrace.flows.instances import locked, stored_tree
from qtrace.flows.migrating import move_case
from qtrace.flows.models import FlowDecision, FlowDefinition, FlowInstance, FlowTimer
from qtrace.flows.operating import Given, decide_task, operate, operate_case
from qtrace.flows.reading import dump_definition
from qtrace.flows.service import apply, halt, resume
from qtrace.flows.state import Signal, State
from qtrace.flows.stored import load_state
from qtrace.flows.timers import do_batch
from qtrace.tasks.handing import hand_over
from qtrace.tasks.models import StandIn, Task, task_pool
from qtrace.tasks.service import claim, transfer
from qtrace.tasks.standing import NewStandIn, end_stand_in, set_stand_in
from qtrace.tasks.urging import urge
from tests.unit.flows.crashes import Disk, crashed
from tests.unit.flows.stored_laws import check_stored
from tests.unit.flows.stored_people import BEGUN, People, stored_form
from tests.unit.flows.trees import edited, tree

ZONE = ZoneInfo("Asia/Shanghai")
MOST_ROWS = 40  # a crash comes before one of so many rows
NOTE = "已核实"

Job = Callable[[], object]


class StoredCase:
    """One case; `tally` counts what was done, `every_row` lets the machine stop before each row in turn."""

    def __init__(
        self, app: Flask, people: People, number: int, *, seed: int, tally: Counter[str], every_row: bool = False
    ) -> None:
        self.people, self.random, self.tally, self.every_row = people, Random(seed), tally, every_row
        self.subject, self.now, self.disk = ("thing", number), BEGUN, Disk()
        register_condition_fields(
            app, "thing", lambda _key: (),
            lambda _id: Seen({"drawn": FieldKind.NUMBER}, {"drawn": Decimal(self.random.randrange(10))}),
        )  # fmt: skip
        self.newest = stored_form(tree(self.random), f"drawn{number}", people.department)
        self._publish(self.newest)
        initiator = self.random.choice(people.users)
        self.case = Case(self.subject, f"第 {number} 件", f"/things/{number}", initiator, None)

    def run(self, steps: int) -> None:
        """Start the case, do so many things to it, and end it."""
        with current_app.test_request_context():
            self._everybody_is_back()
            self._attempt("start", self._start)
            for _step in range(steps):
                self.now += timedelta(minutes=self.random.choice((1, 1, 60, 24 * 60)))
                self.tally["steps"] += 1
                self.random.choice(self._steps())()
            if self._state().status == "running":
                self._attempt("terminate", self._whole("terminate"))
        self.tally["cases"] += 1
        self.disk.close()

    # Things that are done ----------------------------------------------------------------------------------------

    def _attempt(self, name: str, job: Job, *, check: bool = True) -> bool:
        """Do a thing: with crashes that leave nothing of it, then once; say whether it was allowed."""
        place = 0 if self.every_row else self.random.randrange(MOST_ROWS)
        try:
            while crashed(job, place, self.disk):
                self.tally["crashes"] += 1
                place += 1 if self.every_row else MOST_ROWS
        except DomainError:
            self.tally["refused"] += 1
            return False
        finally:
            db.session.remove()
        if check:
            check_stored(self._instance())
        self.tally[name] += 1
        return True

    def _steps(self) -> Sequence[Callable[[], None]]:
        state = self._state()
        if state.status != "running":
            return (self._reopen, self._ask, self._absence)
        return (
            *(self._decide,) * 6, *(self._operate,) * 4, *(self._pool,) * 2, self._strange, self._take_back,
            self._whole_case, self._hand_over, self._leave, self._time, *(self._signal,) * 2, *(self._absence,) * 2,
            self._move, self._pause, self._urge, self._ask,
        )  # fmt: skip

    def _start(self) -> None:
        with write():
            initiator = self.case.initiator_id
            if self.random.random() < 0.5:
                start_submitted(self.case, flow=self.newest.key, by=initiator, now=self.now)
            else:
                prepared = prepare_flow(
                    initiator_id=initiator, department_id=None, now=self.now, flow=self.newest.key
                )  # fmt: skip
                start_flow(self.case, prepared, by=initiator, now=self.now)

    def _decide(self) -> None:
        """Somebody whose turn it is, or a deputy, agrees or rejects; a second tap changes nothing."""
        task = self._some_task()
        if task is None:
            return
        by, reject, targets = self._actor(task), self.random.random() < 0.2, self._targets(task)
        given = Given(NOTE, self.random.choice(("", *targets)) if reject else "")
        judging = self._tree().nodes[task.node].kind in JUDGING
        job = self._write(lambda who: decide_task(task.id, reject=reject, given=given, by=who, now=self.now), by)
        if self._attempt("reject" if reject else "approve" if judging else "submit", job):
            self._told_for(task, by)
            self._refused(job)

    def _operate(self) -> None:
        """Somebody returns, transfers, delegates, adds or removes signers, releases, sends copies."""
        task = self._some_task()
        if task is None:
            return
        names = ("return", "transfer", "delegate", "add_before", "add_after", "remove", "release", "cc")
        name, by = self.random.choice(names), self._actor(task)
        if self.random.random() < 0.5 and self._added_by(by):
            name = "remove"
        elif self.random.random() < 0.5 and task.owner_id is not None and self._pool_of(task):
            name = "release"
        users, target = tuple(self.random.sample(self._here(), 1)), ""
        if name == "return":
            target = self.random.choice(("", *self._targets(task)))
        elif name == "remove":
            target = str(next((one.id for one in self._added_by(by)), ""))
        given = Given(NOTE, target, users)
        job = self._write(lambda who: operate(task.id, name, given=given, by=who, now=self.now), by)
        told = {"cc": "cc_now", "remove": "remove_signer"}.get(name, name)
        if self._attempt(told, job) and name != "cc":
            self._told_for(task, by)

    def _pool(self) -> None:
        """Somebody claims a to-do on its own page, or hands it over there."""
        task = self._some_task()
        if task is None:
            return
        if task.owner_id is None:
            by = self._actor(task)
            self._attempt("claim", self._write(
                lambda who: claim(task.id, by=who, expected_version=task.version, now=self.now), by
            ))  # fmt: skip
        else:
            to = self.random.choice(self._here())
            self._attempt("transfer", self._write(
                lambda who: transfer(task.id, to=to, by=who, note=NOTE, expected_version=task.version, now=self.now),
                task.owner_id,
            ))  # fmt: skip

    def _strange(self) -> None:
        """Whoever is not asked, in no pool and nobody's deputy now may not decide."""
        task = self._some_task()
        if task is None:
            return
        asked = {task.owner_id, *self._pool_of(task), self._deputy(task.owner_id)}
        others = [user for user in self._here() if user not in asked]
        if others:
            job = self._write(
                lambda who: decide_task(task.id, reject=False, given=Given(NOTE), by=who, now=self.now), others[0]
            )
            self._refused(job, Forbidden)
            self.tally["stranger"] += 1

    def _take_back(self) -> None:
        if last := self._state().last:
            self._attempt("take_back", self._whole("take_back", last.by))

    def _whole_case(self) -> None:
        """Somebody withdraws, ends or moves the whole case."""
        chance = self.random.random()
        if chance < 0.2:
            self._attempt("withdraw", self._whole("withdraw", self.case.initiator_id))
        elif chance < 0.3:
            self._attempt("close", self._whole("close"))
        elif chance < 0.4:
            self._attempt("terminate", self._whole("terminate"))
        else:
            target = self.random.choice(list(self._tree().nodes))
            self._attempt("jump", self._whole("jump", target=target))

    def _reopen(self) -> None:
        self._attempt("reopen", self._whole("reopen"))

    def _hand_over(self) -> None:
        user, to = self.random.sample(self._here(), 2)
        self._attempt("hand_over_all", self._write(lambda who: hand_over(user, to, by=who, now=self.now)))

    def _leave(self) -> None:
        """Somebody is switched off: what waits for this person goes to whoever stands above."""
        here = self._here()
        if len(here) > 4:
            self._attempt("user_disabled", self._switch(self.random.choice(here), active=False))

    def _time(self) -> None:
        """The next clock runs out: so much time has passed."""
        due = db.session.scalar(
            select(FlowTimer.at).where(FlowTimer.instance_id == self._instance().id).order_by(FlowTimer.at).limit(1)
        )
        if due is not None:
            self.now = max(self.now, due)
            self._attempt("timeout", lambda: do_batch(self.now))

    def _signal(self) -> None:
        """What a node waited for comes, or has failed."""
        tree, passed = self._tree(), self.random.random() < 0.7
        waiting = [one.id for one in self._state().tokens if tree.nodes[one.node].kind in WAITING | {"verify"}]
        if waiting:
            token = self.random.choice(waiting)
            self._attempt("passed" if passed else "failed", self._write(
                lambda _who: apply(locked(self.subject), self.case, Signal(token, passed), by=None, now=self.now)
            ))  # fmt: skip

    def _absence(self) -> None:
        """Somebody names a deputy for some days, or is back early."""
        running = db.session.scalars(select(StandIn).where(StandIn.ends_at > self.now).order_by(StandIn.id)).all()
        if running and self.random.random() < 0.3:
            stand_in = self.random.choice(running)
            number, user = stand_in.id, stand_in.user_id
            self._attempt("end_stand_in", self._write(
                lambda who: end_stand_in(number, by=who.id, now=self.now), user
            ))  # fmt: skip
            return
        task, today = self._some_task(), self.now.astimezone(ZONE).date()
        user = task.owner_id if task is not None and task.owner_id else self.random.choice(self._here())
        deputy, days = self.random.choice(self._here()), timedelta(days=self.random.randrange(3))
        new = NewStandIn(user_id=user, deputy_id=deputy, begins=today, ends=today + days)
        self._attempt("set_stand_in", self._write(
            lambda who: set_stand_in(new, zone=ZONE, by=who.id, now=self.now), user
        ))  # fmt: skip

    def _move(self) -> None:
        """A new version is published, and the case moved to it."""
        newer = stored_form(edited(self.newest, self.random), self.newest.key, self.people.department)
        if faults(newer):
            return
        target, self.newest = self._publish(newer), newer
        instance = self._instance().id
        self._attempt("move", self._write(
            lambda who: move_case(instance, target, key=newer.key, by=who.id, now=self.now)
        ))  # fmt: skip

    def _pause(self) -> None:
        """The case waits for a while, with no to-do, and goes on where it stood."""
        keeper = self.people.keeper
        self._attempt("halt", self._write(lambda _who: halt(self.case, by=keeper, now=self.now)), check=False)
        assert self._tasks() == []
        self.now += timedelta(hours=5)
        self._attempt("resume", self._write(lambda _who: resume(self.case, by=keeper, now=self.now)))

    def _urge(self) -> None:
        self._attempt("urge", self._write(
            lambda who: urge(self.subject, by=who, zone=ZONE, now=self.now, note=NOTE), self.case.initiator_id
        ))  # fmt: skip

    def _ask(self) -> None:
        """Somebody asks a colleague inside the case, who replies."""
        asker, asked = self.random.sample(self._here(), 2)
        asked_of: list[int] = []
        if self._attempt("ask", self._write(
            lambda who: asked_of.append(
                ask(self._instance(), asked, "批号对吗?", node=self._instance().node or "", by=who, now=self.now)
            ), asker
        )):  # fmt: skip
            question = asked_of[-1]
            self._attempt("reply", self._write(lambda who: answer(question, "对。", by=who, now=self.now), asked))

    # What is checked besides the laws ----------------------------------------------------------------------------

    def _told_for(self, task: Task, by: int) -> None:
        """A deputy's decision is told as made for the person, and nobody else's is."""
        row = db.session.scalars(
            select(FlowDecision).where(FlowDecision.instance_id == self._instance().id, FlowDecision.by == by)
            .order_by(FlowDecision.version.desc()).limit(1)
        ).first()  # fmt: skip
        stood_in = self._deputy(task.owner_id) == by
        if row is not None and row.operation is not None and row.operation.get("entry") == task.entry:
            assert row.on_behalf == (task.owner_id if stood_in else None)
            self.tally["stand_in"] += stood_in

    def _refused(self, job: Job, kind: type[DomainError] = DomainError) -> None:
        """What may not be done, or was done already, is refused and leaves nothing."""
        before = self.disk.version
        try:
            job()
        except kind:
            self.tally["double_tap"] += kind is DomainError
        else:
            raise AssertionError("done though it may not be")
        finally:
            db.session.remove()
        assert self.disk.version == before

    # Looking up --------------------------------------------------------------------------------------------------

    def _write(self, act: Callable[[User], Any], by: int | None = None) -> Job:
        def job() -> None:
            with write() as session:
                act(session.get_one(User, by or self.people.keeper))

        return job

    def _whole(self, name: str, by: int | None = None, target: str = "") -> Job:
        moved = self._state().moved
        if name in ("close", "terminate"):
            return self._write(
                lambda who: decide(self.case, verdict=name, expected_version=moved, by=who, now=self.now, note=NOTE)  # type: ignore[arg-type]
            )
        given = Given(NOTE, target)
        return self._write(lambda who: operate_case(self.subject, name, given=given, by=who, now=self.now), by)

    def _switch(self, user_id: int, *, active: bool) -> Job:
        def act(who: User) -> None:
            user = db.session.get_one(User, user_id)
            change_user(
                user_id, name=user.name, role_keys=[role.key for role in user.roles], active=active, by=who.id,
                department_id=user.department_id, now=self.now,
            )  # fmt: skip

        return self._write(act)

    def _everybody_is_back(self) -> None:
        for user in set(self.people.users) - set(self._here()):
            self._switch(user, active=True)()
        with write() as session:
            session.query(StandIn).delete()

    def _publish(self, definition: Definition) -> int:
        with write() as session:
            row = FlowDefinition(
                key=definition.key, version=definition.version, definition=dump_definition(definition), active=True
            )
            session.add(row)
            session.flush()
            number: int = row.id
        self.tally["publish"] += 1
        return number

    def _instance(self) -> FlowInstance:
        kind, number = self.subject
        return db.session.scalars(
            select(FlowInstance).where(FlowInstance.subject_kind == kind, FlowInstance.subject_id == number)
        ).one()

    def _state(self) -> State:
        return load_state(self._instance().state)

    def _tree(self) -> Tree:
        return stored_tree(self._instance().definition_id)

    def _tasks(self) -> list[Task]:
        kind, number = self.subject
        return list(db.session.scalars(
            select(Task).where(
                Task.subject_kind == kind, Task.subject_id == number, Task.state == "open", Task.kind == "stage"
            ).order_by(Task.id)
        ))  # fmt: skip

    def _some_task(self) -> Task | None:
        tasks = self._tasks()
        return self.random.choice(tasks) if tasks else None

    def _actor(self, task: Task) -> int:
        """Return who acts on a to-do: its owner, the deputy meanwhile, or somebody of the pool."""
        if task.owner_id is None:
            return self.random.choice(self._pool_of(task) or self._here())
        deputy = self._deputy(task.owner_id)
        return deputy if deputy is not None and self.random.random() < 0.8 else task.owner_id

    def _deputy(self, user: int | None) -> int | None:
        """Return who stands in for a person at this moment."""
        at = (StandIn.begins_at <= self.now) & (StandIn.ends_at > self.now)
        return db.session.scalar(select(StandIn.deputy_id).where(StandIn.user_id == user, at))

    def _pool_of(self, task: Task) -> list[int]:
        turns = (one for token in self._state().tokens for seat in token.seats for one in seat.chain)
        pool = next((one.pool for one in turns if one.id == task.entry), ())
        return sorted({*pool, *db.session.scalars(select(task_pool.c.user_id).where(task_pool.c.task_id == task.id))})

    def _added_by(self, user: int) -> list[Any]:
        return [
            one
            for token in self._state().tokens
            for seat in token.seats
            for one in seat.chain
            if one.added_by == user and one.state in {"open", "waiting"}
        ]

    def _targets(self, task: Task) -> tuple[str, ...]:
        return return_targets(self._tree(), self._state(), task.entry or 0)

    def _here(self) -> list[int]:
        return list(db.session.scalars(
            select(User.id).where(User.id.in_(self.people.users), User.active).order_by(User.id)
        ))  # fmt: skip
