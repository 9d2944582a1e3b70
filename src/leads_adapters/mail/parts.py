"""Split messages into their MIME parts (RFC 2045, RFC 2046) in time proportional to their size.

The parser of the standard library takes minutes for hostile messages: `docs/decisions/0048-reading-mail.md`.
"""

import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property

DEPTH_MAX = 120
PARTS_MAX = 1_000
HEADER_MAX = 10_000
"""The number of bytes of a header that are read."""

_VALUES_MAX = 20
_PARAMETERS_MAX = 2_000
_DELIMITERS_MAX = 10_000
_HEADER = re.compile(rb"^([!-9;-~]{1,100}):(.*(?:\n[ \t].*)*+)", re.MULTILINE)
_HEADERS_ONLY = re.compile(rb"(?:[!-9;-~]{1,100}:.*+\n?(?:[ \t].*+\n?)*+)*+")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_BOUNDARY = re.compile(rb"^--(\S{1,70})[ \t]*\r?$", re.MULTILINE)


@dataclass
class Part:
    """A message or one part of it. `parts` are those of a multipart; all others have a `body`.

    The names of the headers are in lower case. Each header has its first values only.
    """

    headers: Mapping[str, Sequence[str]]
    body: bytes
    parts: Sequence["Part"] = ()
    mime: Message = field(default_factory=Message)

    @property
    def content_type(self) -> str:
        """Return the type of the content, such as `text/plain`, which is the default."""
        return self.mime.get_content_type()

    def header(self, name: str) -> str:
        """Return the first value of a header; an empty text if it is missing."""
        return next(iter(self.headers.get(name, ())), "")

    def parameter(self, name: str) -> str:
        """Return a parameter of the content type in lower case; an empty text if it is missing."""
        value = self.mime.get_param(name)
        return value.strip().casefold() if isinstance(value, str) else ""

    def walk(self) -> Iterator["Part"]:
        """Return the part and all parts in it, in their order."""
        yield self
        for part in self.parts:
            yield from part.walk()

    @cached_property
    def content(self) -> bytes:
        """Return the body without its transfer encoding, as far as it can be decoded."""
        match self.header("content-transfer-encoding").strip().casefold():
            case "base64":
                return decode_base64(self.body)
            case "quoted-printable":
                return binascii.a2b_qp(self.body)
            case _:
                return self.body


@dataclass(slots=True)
class _Budget:
    """The number of parts and of delimiters that are still read."""

    parts: int = PARTS_MAX
    delimiters: int = _DELIMITERS_MAX


def parse(data: bytes) -> Part:
    """Return a message with its parts. Any bytes are a message."""
    data = data if b"\n" in data else data.replace(b"\r", b"\n")
    return _parse(data, 0, len(data), DEPTH_MAX, _Budget())


def parse_headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Return the headers in some lines, with their names in lower case."""
    return _headers(data, 0, len(data))


def _headers(data: bytes, start: int, end: int) -> Iterator[tuple[str, str]]:
    for found in _HEADER.finditer(data, start, end):
        value = found[2][:HEADER_MAX].strip()
        yield found[1].decode("ascii").lower(), _FOLD.sub("", _decoded(value))


def decode_base64(data: bytes) -> bytes:
    """Return decoded bytes. Others than those of the alphabet do not count, and an incomplete group is dropped.

    Some programs encode each line or each part of a text alone, so that padding can occur anywhere.
    """
    return b"".join(_decode_digits(digits) for digits in _NOT_BASE64.sub(b"", data).split(b"=") if digits)


def _decode_digits(digits: bytes) -> bytes:
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4))


def _parse(data: bytes, start: int, end: int, depth: int, budget: _Budget) -> Part:
    """Return the part between two places. Nothing is copied before its end: a message can have 120 levels of 1 MiB."""
    head_end, body_start = _split_head(data, start, end)
    headers: dict[str, list[str]] = {}
    for name, value in _headers(data, start, head_end):
        values = headers.setdefault(name, [])
        if len(values) < _VALUES_MAX:
            values.append(value)
    mime = _mime(headers)
    parts = []
    if mime.get_content_maintype() == "multipart" and depth:
        for inner in _split_parts(data, body_start, end, _boundary(mime, data, body_start, end), budget):
            budget.parts -= 1
            if budget.parts < 0:
                break
            parts.append(_parse(data, *inner, depth - 1, budget))
    return Part(headers, b"" if parts else data[body_start:end], parts, mime)


def _split_head(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Return the end of the headers and the start of the body.

    An empty line divides them, else the first line that is no header.
    """
    for blank in (b"\n", b"\r\n"):
        if data.startswith(blank, start, end):
            return start, start + len(blank)
    ends = [(place, mark) for mark in (b"\n\n", b"\n\r\n") if (place := data.find(mark, start, end)) >= 0]
    if ends:
        place, mark = min(ends)
        return place + 1, place + len(mark)
    found = _HEADERS_ONLY.match(data, start, end)
    place = found.end() if found else start
    return place, place


def _split_parts(data: bytes, start: int, end: int, boundary: bytes, budget: _Budget) -> Iterator[tuple[int, int]]:
    """Return where the parts between the delimiters start and end. The last part may lack its end."""
    delimiter, part, place = b"--" + boundary, None, start - 1
    while boundary and budget.delimiters and (place := data.find(b"\n" + delimiter, place, end)) >= 0:
        budget.delimiters -= 1
        rest = place + 1 + len(delimiter)
        line = data[rest : min(rest + 80, end)].partition(b"\n")[0].strip()
        if line in (b"", b"--"):
            if part is not None:
                yield part, max(part, place - (data[place - 1 : place] == b"\r"))
            if line:
                return
            line_end = data.find(b"\n", rest, end)
            part = line_end + 1 if line_end >= 0 else end
        place = rest
    if part is not None:
        yield part, end


def _boundary(mime: Message, data: bytes, start: int, end: int) -> bytes:
    """Return the boundary of a multipart. If the header lacks it, the first line that looks like a delimiter tells."""
    boundary = mime.get_boundary()
    if boundary and boundary.strip():
        return boundary.encode("utf-8", "replace")
    found = _BOUNDARY.search(data, start, end)
    return found[1] if found else b""


def _mime(headers: Mapping[str, Sequence[str]]) -> Message:
    """Return the headers that have parameters, short enough for the parser of the standard library."""
    message = Message()
    for name in ("content-type", "content-disposition"):
        for value in headers.get(name, ())[:1]:
            message[name] = value[:_PARAMETERS_MAX]
    return message


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")
