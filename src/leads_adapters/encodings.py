"""Detect the encoding of a text."""

import re
from itertools import pairwise

SAMPLE_BYTES = 2**13
"""The size of the sample from which an encoding is detected."""

UTF_8, WESTERN = "utf-8", "cp1252"

_DETECTED = [WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "koi8_r"]
_DETECTED += ["mac_roman", "cp850", "cp437", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
_PUNCTUATION = "\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026\u00ab\u00bb\u00b7\u00a0\u00ae\u2122\u00b0"
_PUNCTUATION += "\u3000\u3001\u3002\u30fb"
_CAPITAL_IN_WORD = re.compile(r"(?<=[^\W\d_])[\u00c0-\u00de\u0400-\u042f](?=[a-z])")


def encoding_of(sample: bytes) -> str:
    """Return the encoding of a sample of text, which can end within a character."""
    text = sample.decode("utf-8", "surrogateescape")
    invalid = sum("\udc80" <= char <= "\udcff" for char in text[:-3])
    if sum(not char.isascii() for char in text) >= 2 * invalid + (invalid > 0):
        return UTF_8
    return _detected(b"\n".join(line for line in sample.splitlines() if not line.isascii()))


def _detected(sample: bytes) -> str:
    """Return the encoding that a sample looks like, or UTF-8 if it looks like none. Ties are Western European."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it, and it takes 100 ms to load

    matches = from_bytes(sample[:SAMPLE_BYTES], cp_isolation=_DETECTED)
    likely = [(name, match) for match in matches for name in match.could_be_from_charset if name in _DETECTED]
    best = min(
        likely,
        key=lambda each: (_oddities(str(each[1])), each[1].chaos, _DETECTED.index(each[0])),
        default=None,
    )
    if best:
        return best[0]
    return WESTERN if sample.decode(WESTERN, "ignore").encode(WESTERN) == sample else UTF_8


def _oddities(text: str) -> int:
    """Count what a wrong encoding does to words: symbols next to letters, and capitals such as that in `MÅller`."""
    symbols = sum(
        letter.isalpha() and not (symbol.isascii() or symbol.isalpha() or symbol in _PUNCTUATION)
        for pair in pairwise(text)
        for letter, symbol in (pair, pair[::-1])
    )
    return symbols + len(_CAPITAL_IN_WORD.findall(text))
