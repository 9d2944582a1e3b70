"""Find, escape and remove characters that control a terminal, break a line, or reorder what people see.

These are the control characters of Unicode (category Cc), its line separators, and the directional embeddings,
overrides and isolates. Joiners and directional marks are not among them, because emoji and many scripts need them.
"""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def escape_controls(text: str) -> str:
    r"""Return a text that is safe on one line of a terminal: each control character as an escape of JSON (`\u001b`)."""
    return _CONTROL.sub(lambda found: _ESCAPES.get(found[0], f"\\u{ord(found[0]):04x}"), text)
