"""Reads headers of requests."""

from collections.abc import Mapping
from typing import Any


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """Return a header, `name` in lower case; several lines are one list (RFC 9110, section 5.3)."""
    lines = [value for each, value in scope["headers"] if each == name]
    return b", ".join(lines).decode("latin-1") if lines else None
