"""Index words of phone numbers: the international form, the national form, and the last digits."""

import re
from collections.abc import Iterator

LAST_DIGITS_MIN = 3
"""The minimum number of last digits that find a number."""

_REVERSED = "\u00ac"
"""The first character of a word with the digits in reverse order. It is not a letter, so no search text contains it."""

_DIGITS_MAX = 15  # ITU-T E.164
_TRUNK_PREFIX_MIN = 5  # a shorter number, such as 007, keeps its zeros
_CALLING_CODE = re.compile(
    "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}"  # ITU-T E.164, list of assigned codes
)
_TRUNK_PREFIXES = {"7": "8", "36": "6", "375": "80", "993": "8"}
"""Trunk prefixes, without leading zeros, by country calling code. Other countries use a zero or none."""


def phone_words(e164: str) -> tuple[str, str, str]:
    """Return the index words of a number: international, national without leading zeros, and reversed."""
    digits = e164.removeprefix("+")
    code, national = _split(digits)
    return digits, _TRUNK_PREFIXES.get(code, "") + national, _REVERSED + digits[::-1]


def phone_query_words(text: str) -> tuple[str, ...]:
    """Return the possible beginnings of index words for a typed number: groups of digits, with or without a +."""
    digits = "".join(re.findall("[0-9]+", text))
    return tuple(dict.fromkeys(filter(None, _interpretations(digits, is_international=text.startswith("+")))))


def _interpretations(digits: str, *, is_international: bool) -> Iterator[str]:
    yield digits
    if is_international:
        yield "".join(_split(digits))
        return
    if len(digits) >= _TRUNK_PREFIX_MIN:
        yield digits.lstrip("0")
        if digits.startswith("00"):
            yield "".join(_split(digits[2:]))
    if LAST_DIGITS_MIN <= len(digits) <= _DIGITS_MAX:
        yield _REVERSED + digits[::-1]


def _split(digits: str) -> tuple[str, str]:
    """Split a number into country calling code and rest, without the zeros of a trunk prefix: +49 (0)30 is +49 30."""
    match = _CALLING_CODE.match(digits)
    code = match[0] if match else ""
    return code, digits[len(code) :].lstrip("0")
