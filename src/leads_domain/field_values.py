"""Read values as forms, spreadsheets and other programs write them."""

import re
from collections.abc import Iterable

_NEXT_VALUE = " ::: "
_LABEL = re.compile(r"\s*(?:p|ph|t|m|e|tel|phone|mobile|mail|email|mailto)\s*:\s*", re.IGNORECASE)


def first_value(text: str) -> tuple[str, str]:
    """Return the first of several values in a text, and the others as text: Google separates them by ` ::: `."""
    first, _, others = text.partition(_NEXT_VALUE)
    return first.strip(), others.strip()


def without_label(text: str) -> str:
    """Return an e-mail address or a phone number without its typed prefix, such as `p:+49 30 123456`."""
    label = _LABEL.match(text)
    return text[label.end() :] if label else text


def joined_name(parts: Iterable[str | None]) -> str:
    """Join the parts of a full name. Each part may be missing."""
    return " ".join(part.strip() for part in parts if part and part.strip())
