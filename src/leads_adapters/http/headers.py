"""Read the headers of requests."""

from collections.abc import Mapping
from typing import Any


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """Return a header by its name in lower case. The values of repeated headers are joined (RFC 9110, 5.3)."""
    lines = [value for each, value in scope["headers"] if each == name]
    return b", ".join(lines).decode("latin-1") if lines else None
