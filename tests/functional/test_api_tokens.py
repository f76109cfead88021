"""What opens the API and what does not, and that a repeated request has one effect."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from qtrace.accounts.models import User
from qtrace.api.answers import forget_old
from qtrace.api.models import ApiAnswer, ApiToken
from qtrace.api.scopes import SCOPES
from qtrace.api.tokens import find_token
from qtrace.core import clock
from qtrace.core.db import write
from qtrace.core.jobs import JobContext, enqueue
from qtrace.core.models import JobRow
from qtrace.issues.models import Comment
from tests.conftest import log_in, user_id
from tests.factories.api import API, Program, make_token, program
from tests.factories.issues import fresh, make_issue

BAD = ["", "Bearer", "Bearer ", "Bearer qt_", "Basic qt_x", "Bearer qt_" + "a" * 43, "Bearer null", "Bearer 令牌"]


@pytest.mark.parametrize("header", BAD)
def test_what_is_no_token_opens_nothing(sqlite_app: Flask, header: str) -> None:
    answer = sqlite_app.test_client().get(
        f"{API}/issues", headers={"Authorization": header.encode("utf-8").decode("latin-1")}
    )
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_login_of_the_browser_means_nothing_to_the_api(sqlite_app: Flask) -> None:
    browser = log_in(sqlite_app, "admin")
    assert browser.get(f"{API}/issues").status_code == 401
    assert browser.client.post(f"{API}/issues", json={}).status_code == 401


def test_a_token_ends_by_time_by_revocation_and_with_its_person(sqlite_app: Flask) -> None:
    key, now = make_token(days=30), clock.now()
    assert find_token(key, now=now + timedelta(days=29)) is not None
    assert find_token(key, now=now + timedelta(days=31)) is None
    with write() as session:
        session.get_one(User, user_id("quality_lead")).active = False
    assert find_token(key, now=now) is None


def test_a_token_needs_the_scope_and_its_person_the_permission(sqlite_app: Flask) -> None:
    reader = program(sqlite_app, scopes=["issues:read"])
    answer = reader.post("/issues", {"values": {}})
    assert answer.status_code == 403
    assert 'scope="issues:write"' in answer.headers["WWW-Authenticate"]
    auditor = program(sqlite_app, "auditor", scopes=tuple(SCOPES))
    assert auditor.post("/issues", {"values": {}}).status_code == 403
    assert auditor.get("/issues").status_code == 200


def test_wrong_tokens_are_limited_and_right_ones_are_not(sqlite_app: Flask) -> None:
    client, key = sqlite_app.test_client(), make_token()
    wrong = {"Authorization": "Bearer qt_" + "x" * 43}
    statuses = [client.get(f"{API}/issues", headers=wrong).status_code for _try in range(22)]
    assert statuses[:20] == [401] * 20
    assert statuses[-1] == 429
    assert client.get(f"{API}/issues", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_the_use_of_a_token_is_noted_at_most_every_ten_minutes(sqlite_app: Flask) -> None:
    erp = program(sqlite_app)
    erp.get("/issues")
    first = fresh().scalars(select(ApiToken.last_used_at)).one()
    erp.get("/issues")
    assert first is not None
    assert fresh().scalars(select(ApiToken.last_used_at)).one() == first


def test_only_the_digest_of_a_key_is_kept(sqlite_app: Flask) -> None:
    key = make_token()
    token = fresh().scalars(select(ApiToken)).one()
    kept = [str(value) for value in vars(token).values()]
    assert not any(key in value for value in kept)


def test_every_error_is_a_problem_in_the_language_asked_for(sqlite_app: Flask) -> None:
    erp = program(sqlite_app)
    client = sqlite_app.test_client()
    answers = [
        (erp.get("/nowhere"), 404), (erp.get("/issues/QI-0"), 404), (client.put(f"{API}/issues"), 405),
 (erp.get("/issues", limit=0), 422), (erp.get("/issues", filter="{"), 422),
        (erp.get("/issues", filter={"field": "nothing", "op": "eq", "value": 1}), 422),
        (erp.get("/issues", cursor="AAAA"), 422), (erp.get("/issues", sort="title"), 422),
        (_raw(erp, b"{", "application/json"), 400), (_raw(erp, b'{"values": NaN}', "application/json"), 400),
        (_raw(erp, b"[" * 100_000, "application/json"), 400), (_raw(erp, b"a=1", "text/plain"), 415),
        (_raw(erp, b'{"values": {"title": "\\u0000"}}', "application/json"), 422),
        (_raw(erp, b'{"values": {"title": "\\ud800"}}', "application/json"), 422),
        (_raw(erp, b"[1]", "application/json"), 422), (_raw(erp, b" " * 5_000_000, "application/json"), 413),
    ]  # fmt: skip
    for answer, status in answers:
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text[:300]
        assert answer.json["status"] == status
    assert (
        erp.get("/issues", filter={"field": "nothing", "op": "eq", "value": 1}).json["errors"][0]["path"]
        == "filter.field"
    )
    assert erp.get("/nowhere", headers={"Accept-Language": "zh-CN"}).json["title"] == "找不到"


def test_the_same_key_has_one_effect_and_one_answer(app: Flask) -> None:
    issue, erp = make_issue(), program(app)
    path, key = f"/issues/{issue.number}/comments", {"Idempotency-Key": "order-7"}
    first = erp.post(path, {"text": "已补发"}, headers=key)
    again = erp.post(path, {"text": "已补发"}, headers=key)
    assert (first.status_code, again.status_code, again.json) == (201, 201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert erp.post(path, {"text": "别的话"}, headers=key).status_code == 422
    assert erp.post(path, {"text": "已补发"}, headers={"Idempotency-Key": "x" * 121}).status_code == 422
    assert program(app, "inspector").post(path, {"text": "已补发"}, headers=key).status_code in (201, 404)
    mine = select(func.count(Comment.id)).where(Comment.by == user_id("quality_lead"))
    assert fresh().scalar(mine) == 1


def test_a_refused_request_keeps_no_answer(sqlite_app: Flask) -> None:
    issue, erp = make_issue(), program(sqlite_app)
    path, key = f"/issues/{issue.number}/comments", {"Idempotency-Key": "k"}
    assert erp.post(path, {"text": " "}, headers=key).status_code == 422
    assert fresh().scalar(select(func.count(ApiAnswer.id))) == 0
    assert erp.post(path, {"text": "好"}, headers=key).status_code == 201


def test_answers_are_forgotten_after_a_day(sqlite_app: Flask) -> None:
    issue, erp = make_issue(), program(sqlite_app)
    erp.post(f"/issues/{issue.number}/comments", {"text": "好"}, headers={"Idempotency-Key": "k"})
    with write() as session:
        session.execute(ApiAnswer.__table__.update().values(at=clock.now() - timedelta(hours=25)))  # type: ignore[attr-defined]
        job = enqueue("x", {}, now=clock.now())
    with write() as session:
        session.get_one(JobRow, job).state = "running"
    forget_old({}, JobContext(job or 0, 0, 1, clock.now))
    assert fresh().scalar(select(func.count(ApiAnswer.id))) == 0


def test_many_at_once_with_one_key_have_one_effect(app: Flask) -> None:
    issue, key = make_issue(), make_token()
    url, found, start = f"/issues/{issue.number}/comments", [], threading.Barrier(8)

    def send() -> None:
        erp = Program(app.test_client(), key)
        start.wait()
        answer = erp.post(url, {"text": "同时发送"}, headers={"Idempotency-Key": "race"})
        found.append((answer.status_code, answer.json.get("id")))

    threads = [threading.Thread(target=send) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert found[0][0] == 201
    assert fresh().scalar(select(func.count(Comment.id))) == 1


def _raw(erp: Program, body: bytes, media_type: str) -> Any:
    headers = {"Authorization": f"Bearer {erp.key}", "Accept-Language": "en"}
    return erp.client.post(f"{API}/issues", data=body, content_type=media_type, headers=headers)
