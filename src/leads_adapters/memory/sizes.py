"""Measure what counts for the size of a page."""

import msgspec


def json_size(value: object) -> int:
    """Return the number of bytes of a value as JSON."""
    return len(msgspec.json.encode(value))
