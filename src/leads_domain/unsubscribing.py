"""The links in messages to leads, by which people opt out (RFC 8058)."""

import re
from typing import NewType

from leads_domain.calendar import make_secret

UnsubscribeToken = NewType("UnsubscribeToken", str)
"""192 random bits for a URL. They say nothing about the lead, and nothing about the lead leads to them."""

TOKEN_BYTES = 24
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def make_token(entropy: bytes) -> UnsubscribeToken:
    """Return a token made of `TOKEN_BYTES` random bytes."""
    return UnsubscribeToken(make_secret(entropy))


def parse_token(text: str) -> UnsubscribeToken | None:
    """Return the token that a client sent, known or not; None if the text cannot be one."""
    return UnsubscribeToken(text) if _TOKEN.fullmatch(text) else None


def unsubscribe_url(public_url: str, token: UnsubscribeToken) -> str:
    """Return the URL of an unsubscribe link."""
    return f"{public_url}/unsubscribe/{token}"
