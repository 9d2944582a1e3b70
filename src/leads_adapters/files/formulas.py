"""Defuse cells that a spreadsheet would run as a formula, and restore them.

A cell that starts with `=`, `+`, `-`, `@`, a tab or a carriage return gets an apostrophe in front, as OWASP recommends
against CSV injection. A text that starts with apostrophes and one of these characters gets one more apostrophe, so that
`restored` is exact.
"""

import re

_FORMULA_START = re.compile(r"'*[=+\-@\t\r]")


def defused(text: str) -> str:
    """Return the text with an apostrophe in front if a spreadsheet would run it, else unchanged."""
    return f"'{text}" if _FORMULA_START.match(text) else text


def restored(text: str) -> str:
    """Return the original of a defused text: `restored(defused(text)) == text` for every text."""
    return text[1:] if text.startswith("'") and _FORMULA_START.match(text) else text
