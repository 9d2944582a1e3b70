r"""Defuse cells that a spreadsheet would run as a formula, and restore them.

A spreadsheet can split a text at other separators than those of the file: `x;=HYPERLINK(...)` is a formula where the
list separator is a semicolon. So an apostrophe goes before each `=`, `+`, `-` and `@`, also in full width, that begins
a text or a part of it after `;`, `|`, a tab or a line break. Blanks, quotation marks and invisible characters before it
make no difference. Apostrophes that are there already get one more, so that `restored` is exact.
"""

import re

_SEPARATORS = r";|\t-\r\x1c-\x1f\x85\u2028\u2029"
_SKIPPED = r"\0-\x08\x0e-\x1b \"\x7f-\x84\x86-\xa0\xad\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff"
_START = rf"(?:\A|[{_SEPARATORS}])[{_SKIPPED}]*+"
_FORMULA = r"(?='*+[=+\-@\uff1d\uff0b\uff0d\uff20])"

_DANGEROUS = re.compile(_START + _FORMULA)
_DEFUSED = re.compile(f"({_START})'{_FORMULA}")


def defused(text: str) -> str:
    """Return the text with an apostrophe where a spreadsheet would run it, else unchanged."""
    if text.isprintable() and ";" not in text and "|" not in text:  # has one part: several times faster
        start = _DANGEROUS.match(text)
        return f"{start[0]}'{text[start.end() :]}" if start else text
    return _DANGEROUS.sub(r"\g<0>'", text)


def restored(text: str) -> str:
    """Return the original of a defused text: `restored(defused(text)) == text` for every text."""
    return _DEFUSED.sub(r"\1", text) if "'" in text else text
