"""Recognise spam by simple rules. Each rule returns the reason as a sentence, or None."""

import re
from collections.abc import Mapping

ELAPSED_FIELD = "leads_seconds"
"""The hidden field of a form for the seconds between its display and its submission. A script fills it in."""

LINKS_MAX = 5

_LINK = re.compile(r"https?://|(?<![\w/.])www\.", re.IGNORECASE)


def honeypot_reason(content: Mapping[str, str], honeypot: str | None) -> str | None:
    """Report a value in the honeypot, a field that people do not see."""
    if honeypot is None or not content.get(honeypot, "").strip():
        return None
    return f"The field {honeypot}, which people do not see, was filled in."


def speed_reason(content: Mapping[str, str], minimum_seconds: float | None) -> str | None:
    """Report a form that was filled in faster than a person can. Without a script, the time is unknown."""
    try:
        elapsed = float(content.get(ELAPSED_FIELD, ""))
    except ValueError:
        return None
    if minimum_seconds is None or not elapsed < minimum_seconds:
        return None
    return f"The form was filled in within {max(elapsed, 0):.1f} s. A person needs at least {minimum_seconds:g} s."


def links_reason(message: str) -> str | None:
    """Report a message with more than `LINKS_MAX` links."""
    links = len(_LINK.findall(message))
    return f"The message has {links} links, more than {LINKS_MAX}." if links > LINKS_MAX else None
