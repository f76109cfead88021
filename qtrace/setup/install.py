"""Bring an installation to life: schema, seeds, the first administrator."""

import fcntl
import logging
import os
from datetime import datetime

from flask import Flask
from sqlalchemy import func, select

from qtrace import config as settings
from qtrace.accounts.models import User
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.service import add_user_hashed
from qtrace.core.db import db, read, write
from qtrace.setup.database import upgrade
from qtrace.setup.seed import seed

log = logging.getLogger("qtrace.setup")


def install(app: Flask, *, now: datetime) -> None:
    """Upgrade the schema and add what is missing; safe to run at every start and from several processes at once."""
    config: settings.Config = app.config["QTRACE_CONFIG"]
    lock = os.open(config.data_dir / ".install.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with app.test_request_context():
            if upgrade(config.data_dir, now=now):
                with write():
                    seed(now=now)
            _first_admin(config, now)
    finally:
        os.close(lock)


def _first_admin(config: settings.Config, now: datetime) -> None:
    if not (config["ADMIN_USER"] and config["ADMIN_PASSWORD"]):
        return
    with read() as session:
        if session.scalar(select(func.count()).select_from(User)):
            return
    hashed = hash_password(config["ADMIN_PASSWORD"])
    with write():
        add_user_hashed(config["ADMIN_USER"], config["ADMIN_USER"], hashed, ["admin"], by=None, now=now)
    log.info("created the administrator %s", config["ADMIN_USER"])


def has_people() -> bool:
    """Say whether anybody can log in yet."""
    return bool(db.session.scalar(select(User.id).limit(1)))
