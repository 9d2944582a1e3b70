"""Read files of any text encoding as UTF-8, while they arrive."""

import codecs
import io

from leads_adapters.encodings import SAMPLE_BYTES, UTF_8, encoding_of
from leads_adapters.lead_files import Readable

START_BYTES = 2**8
"""The size of the start of a file that shows whether it is UTF-16."""

_CHUNK = 2**16

UTF_16 = "utf-16"

_MARKS = {codecs.BOM_UTF8: UTF_8, codecs.BOM_UTF16_LE: UTF_16, codecs.BOM_UTF16_BE: UTF_16}
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


def _utf_16_byte_order(sample: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: most of its Latin characters have a NUL in the same position."""
    positions = {"be": sample[::2].count(0), "le": sample[1::2].count(0)}
    likely = max(positions, key=lambda order: positions[order])
    enough = len(sample) / 2 * _SHARE_OF_LATIN
    return likely if positions[likely] > enough and positions[likely] > 10 * min(positions.values()) else None
