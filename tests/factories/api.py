"""Programs that talk to the API: a client with a token of a person, and what it sends."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from qtrace.api.scopes import SCOPES
from qtrace.api.tokens import NewToken, create_token
from qtrace.core import clock
from qtrace.core.db import write
from tests.conftest import user_id

API = "/api/v1"


@dataclass
class Program:
    """A client that sends its token with every request."""

    client: FlaskClient
    key: str

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        """GET an address below the API's root; a filter may be given as data."""
        asked = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in query.items()}
        return self.client.get(API + path, query_string=asked, headers=self._headers(headers))

    def post(self, path: str, data: Any, *, headers: dict[str, str] | None = None) -> Any:
        """POST data as JSON."""
        return self.client.post(API + path, json=data, headers=self._headers(headers))

    def patch(self, path: str, data: Any, *, headers: dict[str, str] | None = None) -> Any:
        """PATCH data as JSON."""
        return self.client.patch(API + path, json=data, headers=self._headers(headers))

    def _headers(self, more: dict[str, str] | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Accept-Language": "en"} | (more or {})


def make_token(role: str = "quality_lead", *, scopes: Sequence[str] = tuple(SCOPES), days: int = 30) -> str:
    """Return the key of a new token of the role's person."""
    with write():
        return create_token(user_id(role), NewToken("ERP", scopes, days), now=clock.now())


def program(app: Flask, role: str = "quality_lead", *, scopes: Sequence[str] = tuple(SCOPES)) -> Program:
    """Return a program that acts as the role's person."""
    return Program(app.test_client(), make_token(role, scopes=scopes))
