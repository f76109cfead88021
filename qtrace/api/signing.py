"""Signatures of outgoing messages, as Standard Webhooks lays them down.

The secret of an endpoint is made from the site's own key and a nonce, so no secret lies in the database or its backups.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

MARK = "whsec_"


def secret_of(site_key: str, nonce: str) -> str:
    """Return the secret an endpoint checks signatures with."""
    key = hmac.new(site_key.encode(), f"webhook|{nonce}".encode(), hashlib.sha256).digest()
    return MARK + base64.b64encode(key).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one message with one secret."""
    key = base64.b64decode(secret.removeprefix(MARK))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed_headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that let a receiver check a message; one signature for each secret that holds."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }
