"""Read files of any text encoding as UTF-8, while they arrive."""

import codecs
import io
import re
from itertools import pairwise

from leads_adapters.lead_files import Readable

SAMPLE_BYTES = 2**13
"""The size of the sample from which an encoding is detected."""

START_BYTES = 2**8
"""The size of the start of a file that shows whether it is UTF-16."""

_CHUNK = 2**16

UTF_8, UTF_16, WESTERN = "utf-8", "utf-16", "cp1252"

_MARKS = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: UTF_16, codecs.BOM_UTF16_BE: UTF_16}
_DETECTED = [WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "koi8_r"]
_DETECTED += ["mac_roman", "cp850", "cp437", "cp932", "euc_jp", "gb18030", "big5", "cp949"]
_PUNCTUATION = "\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026\u00ab\u00bb\u00b7\u00a0\u00ae\u2122\u00b0"
_PUNCTUATION += "\u3000\u3001\u3002\u30fb"
_CAPITAL_IN_WORD = re.compile(r"(?<=[^\W\d_])[\u00c0-\u00de\u0400-\u042f](?=[a-z])")
_SHARE_OF_LATIN = 0.1


class Utf8Stream(io.RawIOBase):
    """A text file of any encoding as a stream of UTF-8.

    `encoding` is what the stream has found so far. A text that is not UTF-16 counts as UTF-8 until the first byte that
    is not ASCII; then it is UTF-8, or the encoding that a sample looks like. Bytes that the
    encoding does not define stay unchanged.
    """

    def __init__(self, stream: Readable) -> None:
        self._read = getattr(stream, "read1", stream.read)  # what has arrived, without waiting for more
        self._decode: codecs.IncrementalDecoder | None = None
        self._is_decided = False
        self._rest = b""
        self.encoding = UTF_8
        self._start(self._filled(b"", START_BYTES))

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read UTF-8 into a buffer. Return its length, 0 at the end."""
        if not self._rest:
            self._rest = self._next()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self) -> bytes:
        while chunk := self._read(_CHUNK):
            if utf8 := self._converted(chunk):
                return utf8
        return self._decode.decode(b"", final=True).encode("utf-8", "replace") if self._decode else b""

    def _converted(self, chunk: bytes) -> bytes:
        if not self._is_decided and not chunk.isascii():
            chunk = self._filled(chunk, SAMPLE_BYTES)
            self._decide(encoding_of(chunk))
        return self._decode.decode(chunk).encode("utf-8", "surrogateescape") if self._decode else chunk

    def _start(self, sample: bytes) -> None:
        for mark, encoding in _MARKS.items():
            if sample.startswith(mark):
                self._decide(encoding)
        if byte_order := _utf_16_byte_order(sample):
            self._decide(UTF_16, f"utf-16-{byte_order}")
        self._rest = self._converted(sample)

    def _decide(self, encoding: str, codec: str = "") -> None:
        self._is_decided, self.encoding = True, encoding
        if encoding != UTF_8:
            errors = "replace" if encoding == UTF_16 else "surrogateescape"
            self._decode = codecs.getincrementaldecoder(codec or encoding)(errors)

    def _filled(self, sample: bytes, size: int) -> bytes:
        """Return the sample, and as much of the stream as it needs to have this size."""
        while len(sample) < size and (more := self._read(size - len(sample))):
            sample += more
        return sample


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


def _utf_16_byte_order(sample: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: most of its Latin characters have a NUL in the same position."""
    positions = {"be": sample[::2].count(0), "le": sample[1::2].count(0)}
    likely = max(positions, key=lambda order: positions[order])
    enough = len(sample) / 2 * _SHARE_OF_LATIN
    return likely if positions[likely] > enough and positions[likely] > 10 * min(positions.values()) else None
