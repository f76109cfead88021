"""Verbs on people, departments and roles."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select

from qtrace.accounts.models import Department, Role, User
from qtrace.accounts.passwords import hash_password, verify_password
from qtrace.accounts.permissions import ROLES
from qtrace.accounts.sessions import close_all_sessions
from qtrace.core import events
from qtrace.core.db import db, existing, require_write
from qtrace.core.errors import Conflict, Refused


def seed_roles() -> None:
    """Add the shipped roles that are not there yet; existing ones stay as the company changed them."""
    session = require_write()
    known = set(session.scalars(select(Role.key)))
    for seed in ROLES:
        if seed.key not in known:
            session.add(
                Role(
                    key=seed.key,
                    name_zh=seed.name_zh,
                    name_en=seed.name_en,
                    permissions=list(seed.permissions),
                    scope=seed.scope,
                )
            )
    session.flush()  # the ids are needed by whoever adds people next


def authenticate(username: str, password: str) -> int | None:
    """Return the id of the active person with this name and password; as slow for unknown names."""
    row = db.session.execute(
        select(User.id, User.password_hash, User.active).where(User.username == username)
    ).one_or_none()
    fits = verify_password(row.password_hash if row else None, password)
    return row.id if row and fits and row.active else None


def add_user(
    username: str,
    name: str,
    password: str,
    role_keys: Sequence[str],
    *,
    by: int | None,
    now: datetime,
    department_id: int | None = None,
    lang: str = "zh",
) -> int:
    """Add a person and return the id; refused when the name is taken or a role is unknown."""
    return add_user_hashed(
        username, name, hash_password(password), role_keys, by=by, now=now, department_id=department_id, lang=lang
    )


def add_user_hashed(
    username: str,
    name: str,
    password_hash: str,
    role_keys: Sequence[str],
    *,
    by: int | None,
    now: datetime,
    department_id: int | None = None,
    lang: str = "zh",
) -> int:
    """Add a person whose password was hashed before the write began."""
    session = require_write()
    username = username.strip()
    if not username:
        raise Refused(_("请填写用户名。"), field="username")
    if session.scalar(select(User.id).where(User.username == username)):
        raise Conflict(_("用户名 %(name)s 已存在。请换一个,或编辑已有的成员。", name=username), field="username")
    user = User(
        username=username,
        name=name or username,
        password_hash=password_hash,
        department_id=department_id,
        lang=lang,
        active=True,
        created_at=now,
        roles=_roles(role_keys),
    )
    session.add(user)
    session.flush()  # the id is needed for the event
    events.record(
        "user_added", subject=("user", user.id), by=by, now=now, body={"username": username, "roles": sorted(role_keys)}
    )
    return user.id


def set_password(user_id: int, password_hash: str, *, by: int | None, now: datetime) -> None:
    """Replace the password and end every login of the person."""
    user = _user(user_id)
    user.password_hash = password_hash
    close_all_sessions(user_id)
    events.record("password_changed", subject=("user", user_id), by=by, now=now)


def change_user(
    user_id: int,
    *,
    name: str,
    role_keys: Sequence[str],
    department_id: int | None,
    active: bool,
    by: int,
    now: datetime,
) -> None:
    """Change a person; a change of roles or switching off ends the person's logins at once."""
    user = _user(user_id)
    old_roles = sorted(role.key for role in user.roles)
    before = {"name": user.name, "roles": old_roles, "active": user.active}
    if user_id == by and not active:
        raise Refused(_("不能停用自己。请让另一位管理员来做。"), field="active")
    if user_id == by and "admin" in old_roles and "admin" not in role_keys:
        raise Refused(_("不能取消自己的管理员角色。请让另一位管理员来做。"), field="roles")
    user.name, user.department_id, user.active, user.roles = name, department_id, active, _roles(role_keys)
    after = {"name": name, "roles": sorted(role_keys), "active": active}
    if old_roles != after["roles"] or not active:
        close_all_sessions(user_id)
    changed = {key: {"old": before[key], "new": after[key]} for key in before if before[key] != after[key]}
    events.record("user_changed", subject=("user", user_id), by=by, now=now, body=changed)


def set_language(user_id: int, lang: str) -> None:
    """Remember the person's language."""
    _user(user_id).lang = lang


def ensure_department(name: str) -> int:
    """Return the id of the department with this name, added when it is new."""
    session = require_write()
    department = session.scalar(select(Department).where(Department.name == name))
    if department is None:
        department = Department(name=name)
        session.add(department)
        session.flush()  # the id is the answer
    return department.id


def set_head(department_id: int, user_id: int) -> None:
    """Make a person the head of a department."""
    department = existing(Department, department_id)
    department.head_id = user_id


def _roles(keys: Sequence[str]) -> list[Role]:
    roles = list(require_write().scalars(select(Role).where(Role.key.in_(keys))))
    missing = set(keys) - {role.key for role in roles}
    if missing or not roles:
        raise Refused(
            _("没有这个角色:%(keys)s。请从列表中选择。", keys="、".join(sorted(missing)) or "—"), field="roles"
        )
    return roles


def _user(user_id: int) -> User:
    return existing(User, user_id)
