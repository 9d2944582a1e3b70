"""Characters that control a terminal, break a line, or reorder what people see.

Joiners and directional marks are not among them, because emoji and many scripts need them.
"""

import re

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""The control characters of Unicode (Cc), its line separators, and the directional embeddings, overrides and isolates.

No text of one line has any.
"""

CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
"""The control characters without tabs and line breaks. No text of several lines has any."""

_BREAK = re.compile(r"\r\n|[\t-\r\x85\u2028\u2029]")
_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def escape_controls(text: str) -> str:
    r"""Return a text that is safe on one line of a terminal: each control character as an escape of JSON (`\u001b`)."""
    return CONTROL.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)


def remove_controls(text: str) -> str:
    """Return a text of several lines without control characters."""
    return CONTROL_IN_TEXT.sub("", text)


def on_one_line(text: str) -> str:
    """Return a text without control characters, with a space for each tab and each line break."""
    return CONTROL.sub("", _BREAK.sub(" ", text))
