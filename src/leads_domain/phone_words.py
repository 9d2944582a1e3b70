"""Words that find a telephone number: by its international form, its national form, and its last digits."""

import re
from collections.abc import Iterator

LAST_DIGITS_MIN = 3
"""How many last digits find a number."""

_BACKWARDS = "\u00ac"
"""Begins a word that holds a number from its last digit on. Nobody can search for it, because it is no letter."""

_DIGITS_MAX = 15  # ITU-T E.164
_TRUNK_PREFIX_MIN = 5  # a shorter number, such as 007, keeps its zeros
_CALLING_CODE = re.compile(
    "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}"  # ITU-T E.164, list of assigned codes
)
_TRUNK_PREFIXES = {"7": "8", "36": "6", "375": "80", "993": "8"}
"""Trunk prefixes, without leading zeros, of the countries where they are more than a zero."""


def phone_words(e164: str) -> tuple[str, str, str]:
    """Return the words of a stored number: international, national without leading zeros, and backwards."""
    digits = e164.removeprefix("+")
    code, national = _parts(digits)
    return digits, _TRUNK_PREFIXES.get(code, "") + national, _BACKWARDS + digits[::-1]


def phone_query_words(text: str) -> tuple[str, ...]:
    """Return the words one of which a number must have that is typed like this: digits in groups, maybe after a +."""
    digits = "".join(re.findall("[0-9]+", text))
    return tuple(dict.fromkeys(filter(None, _readings(digits, is_international=text.startswith("+")))))


def _readings(digits: str, *, is_international: bool) -> Iterator[str]:
    yield digits
    if is_international:
        yield "".join(_parts(digits))
        return
    if len(digits) >= _TRUNK_PREFIX_MIN:
        yield digits.lstrip("0")
        if digits.startswith("00"):
            yield "".join(_parts(digits[2:]))
    if LAST_DIGITS_MIN <= len(digits) <= _DIGITS_MAX:
        yield _BACKWARDS + digits[::-1]


def _parts(digits: str) -> tuple[str, str]:
    """Return the country calling code and the rest, without the zeros of a trunk prefix: +49 (0)30 is +49 30."""
    match = _CALLING_CODE.match(digits)
    code = match[0] if match else ""
    return code, digits[len(code) :].lstrip("0")
