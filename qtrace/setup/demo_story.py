"""What the demonstration's staff did with complaints and issues, week by week, through the very services of the pages."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select

from qtrace.accounts.models import User
from qtrace.classification.models import Term
from qtrace.complaints.models import Complaint
from qtrace.complaints.service import settle
from qtrace.core.db import db, read, write
from qtrace.flows.case import Case
from qtrace.flows.deciding import decide
from qtrace.flows.models import FlowInstance
from qtrace.investigation.models import Action, Why
from qtrace.investigation.service import NewAction, add_cost, check_effect, finish_action, plan_action
from qtrace.investigation.shares import decide_responsibility
from qtrace.investigation.whys import add_why, change_why
from qtrace.issues.models import Issue
from qtrace.issues.remarks import add_comment
from qtrace.sdk.records import Order
from qtrace.setup.demo_data import Demo
from qtrace.setup.demo_scripts import Script, script_for

SETTLE_AFTER = timedelta(days=4)
LEAVE_OPEN = timedelta(days=9)
STAGE_AGES = {  # how old an issue is when it leaves a stage
    "record": timedelta(days=2),
    "triage": timedelta(days=7),
    "investigate": timedelta(days=16),
    "act": timedelta(days=30),
    "verify": timedelta(days=62),
}
HANDLING = {"after_sale": "refund", "review": "reply", "order": "reply", "staff": "reply"}


class DemoStory:
    """Works through complaints and issues the way the company's people would."""

    def __init__(self, demo: Demo, users: Mapping[str, int]) -> None:
        self.demo, self.users = demo, users
        self.today = max(
            record.placed_at
            for records in demo.records.values()
            for record in records
            if isinstance(record, Order) and record.placed_at
        )
        self.people = {person.role: users[person.username] for person in demo.people}
        with read():
            rows = db.session.execute(select(Term.kind, Term.code, Term.id))
            self.terms = {(kind, code): term for kind, code, term in rows}

    def week_passed(self, now: datetime) -> None:
        """Settle what is old enough and move every issue as far as its age says."""
        self._settle(now)
        with read():
            waiting = list(db.session.scalars(select(Issue.id).where(Issue.status == "open").order_by(Issue.id)))
        for issue_id in waiting:
            self._advance(issue_id, now)

    def finish(self, now: datetime) -> None:
        """Leave the newest things to do for the visitor, with a remark on the most urgent one."""
        with read():
            worst = db.session.scalar(
                select(Issue.id).where(Issue.status == "open").order_by(Issue.complaint_count.desc()).limit(1)
            )
        if worst is not None:
            with write():
                add_comment(worst, "已请供应商今天内回复,在库先冻结。", by=self.people["quality_lead"], now=now)

    def _settle(self, now: datetime) -> None:
        last = min(now - SETTLE_AFTER, self.today - LEAVE_OPEN)
        with read():
            rows = db.session.execute(
                select(Complaint.id, Complaint.source_kind).where(
                    Complaint.status == "open", Complaint.occurred_at < last
                )
            ).all()
        by_source: dict[str, list[int]] = {}
        for complaint_id, source in rows:
            by_source.setdefault(source, []).append(complaint_id)
        for source, ids in sorted(by_source.items()):
            with write():
                settle(ids, handling=HANDLING[source], terms={}, by=self.people["customer_service"], now=now)

    def _advance(self, issue_id: int, now: datetime) -> None:
        for _step in range(len(STAGE_AGES)):
            with read():
                issue = db.session.get_one(Issue, issue_id)
                stage, age, limit = issue.stage, now - issue.opened_at, self._stops_at(issue)
                script = self._script(issue)
            if age < STAGE_AGES.get(stage, timedelta(days=9999)) or stage == limit:
                return
            self._work(issue_id, stage, script, now)
            self._submit(issue_id, now)
            with read():
                if db.session.get_one(Issue, issue_id).status != "open":
                    return

    def _work(self, issue_id: int, stage: str, script: Script, now: datetime) -> None:
        lead = self.people["quality_lead"]
        with read():
            issue = db.session.get_one(Issue, issue_id)
        with write():
            if stage == "triage":
                shares = {self.terms["responsible_party", code]: part for code, part in script.parties.items()}
                decide_responsibility(issue, shares, reason=script.reason, version=0, by=lead, now=now)
            if stage == "investigate":
                self._find_causes(issue_id, script, now)
            if stage == "act":
                self._act(issue, script, now)
            if stage == "verify":
                effective = self._effective(issue_id)
                check_effect(issue, effective_at=effective, accepted=True, note=script.effect, by=lead, now=now)

    def _find_causes(self, issue_id: int, script: Script, now: datetime) -> None:
        lead, parent = self.people["quality_lead"], None
        for place, (statement, evidence) in enumerate(script.chain):
            parent = add_why(
                issue_id, parent_id=parent, statement=statement, evidence=evidence, kind="occurrence", by=lead, now=now
            )
            root = place == len(script.chain) - 1
            values = {"tested": "true", "is_root": root, "evidence": evidence}
            change_why(issue_id, parent, values, version=1, by=lead, now=now)
        top = db.session.scalar(select(func.min(Why.id)).where(Why.issue_id == issue_id))
        statement, evidence = script.escape
        escape = add_why(
            issue_id, parent_id=top, statement=statement, evidence=evidence, kind="escape", by=lead, now=now
        )
        values = {"tested": "true", "is_root": True, "evidence": evidence, "kind": "escape"}
        change_why(issue_id, escape, values, version=1, by=lead, now=now)

    def _act(self, issue: Issue, script: Script, now: datetime) -> None:
        plans = (
            ("containment", script.containment, self.people["inspector"]),
            ("corrective", script.corrective, self.people["purchasing"]),
            ("preventive", script.preventive, self.people["inspector"]),
        )
        effective = self._planned_effect(issue, now)
        for kind, text, owner in plans:
            new = NewAction(kind=kind, text=text, owner_id=owner, due_at=now + timedelta(days=7))
            action = plan_action(issue, new, by=self.people["quality_lead"], now=now)
            finish_action(issue.id, action, proof=script.proof, effective_at=effective, version=1, by=owner, now=now)
        cost = {"category": "external", "payer": "supplier", "amount": script.cost, "note": "退款与运费"}
        add_cost(issue.id, cost, by=self.people["quality_lead"], now=now)

    def _submit(self, issue_id: int, now: datetime) -> None:
        with write() as session:
            issue = session.get_one(Issue, issue_id)
            version = session.scalars(
                select(FlowInstance.moved).where(
                    FlowInstance.subject_kind == "issue", FlowInstance.subject_id == issue_id
                )
            ).one()
            lead = session.get_one(User, self.people["quality_lead"])
            case = Case(("issue", issue_id), issue.title, f"/issues/{issue.number}", None, issue.department_id)
            decide(case, verdict="submit", expected_version=version, by=lead, now=now)

    def _stops_at(self, issue: Issue) -> str:
        """Return the stage at which the visitor shall find an issue; the planted recent ones are left half-way."""
        planted = self.demo.planted
        if issue.opened_at < self.today - timedelta(days=130):
            return ""
        if issue.sku is not None and issue.sku.external_id == planted.bad_lot.sku:
            return "investigate"
        if issue.courier_line == planted.careless_line.line:
            return "triage"
        if issue.sku is not None and issue.sku.external_id == planted.wrong_listing.sku:
            return "act"
        return "verify" if issue.opened_at > self.today - timedelta(days=75) else ""

    def _script(self, issue: Issue) -> Script:
        return script_for(issue.type.code if issue.type else "")

    def _planned_effect(self, issue: Issue, now: datetime) -> datetime:
        solved = self.demo.planted.solved
        with_sku = db.session.get_one(Issue, issue.id)
        if with_sku.sku is not None and with_sku.sku.external_id == solved.sku:
            return min(datetime.combine(solved.effective_on, time(0), UTC), now)
        return now

    def _effective(self, issue_id: int) -> datetime:
        found = db.session.scalar(
            select(func.max(Action.effective_at)).where(Action.issue_id == issue_id, Action.kind == "corrective")
        )
        assert found is not None
        return found
