"""Cells that a spreadsheet would run as a formula, made harmless and back again.

A cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return is written with an apostrophe
before it, as OWASP advises against CSV injection. So that this can be undone exactly, a text
that looks as if that had been done already gets one more apostrophe.
"""

import re

_RUNS = re.compile(r"'*[=+\-@\t\r]")


def defused(text: str) -> str:
    """`text` so that no spreadsheet runs it; other texts stay as they are."""
    return f"'{text}" if _RUNS.match(text) else text


def restored(text: str) -> str:
    """The text that `defused` was given: `restored(defused(text)) == text` for every text."""
    return text[1:] if text.startswith("'") and _RUNS.match(text) else text
