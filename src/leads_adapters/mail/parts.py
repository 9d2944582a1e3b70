"""Parse messages with the standard library, in a bounded time: `docs/decisions/0048-reading-mail.md`."""

import binascii
import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from email.policy import Compat32
from email.utils import collapse_rfc2231_value
from functools import cached_property
from itertools import islice
from typing import cast

HEADER_MAX = 10_000

_PARAMETERS_MAX = 50
_LIMITS = {
    re.compile(rb"\n"): 20_000,
    re.compile(rb"^--", re.MULTILINE): 500,
    re.compile(rb"^content-type:[^!-~]*(?:multipart|message)/", re.IGNORECASE | re.MULTILINE): 100,
}
"""The numbers of lines, delimiters and levels: the library compares each line with the delimiters of all levels."""

_NO_HEADER = re.compile(
    rb"^(?!From |[!-9;-~]+:|[ \t]).+\n(?=(?:.+\n){0,50}?(?:from|subject|content-type):)", re.IGNORECASE | re.MULTILINE
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")


class Part(Message):
    """A message, or a part of one."""

    @property
    def parts(self) -> Sequence["Part"]:
        """Return the parts of a multipart. A message that is attached is none."""
        is_multipart = self.get_content_maintype() == "multipart" and self.is_multipart()
        return cast("Sequence[Part]", self.get_payload()) if is_multipart else ()

    def walk_own(self) -> Iterator["Part"]:
        """Return the part and all parts in it, without those of attached messages: they say nothing about this one."""
        yield self
        for part in self.parts:
            yield from part.walk_own()

    @cached_property
    def content(self) -> bytes:
        """Return the body without its transfer encoding; nothing for a part that has parts.

        Base64 is our own: the library ends at the first padding, and decodes nothing if one character is missing.
        """
        if self.is_multipart():
            return b""
        if self.get("content-transfer-encoding", "").casefold() != "base64":
            return cast("bytes", self.get_payload(decode=True))
        del self["content-transfer-encoding"]
        digits = _NOT_BASE64.sub(b"", cast("bytes", self.get_payload(decode=True)))
        return b"".join(map(_decode_base64, digits.split(b"=")))

    def parameter(self, name: str, header: str = "content-type") -> str:
        """Return a parameter of a header; an empty text if it is missing, or so broken that the library fails."""
        try:
            return collapse_rfc2231_value(self.get_param(name, "", header)).strip()
        except (ValueError, TypeError, LookupError):
            return ""


class _Policy(Compat32):
    """Make headers text of one line: UTF-8, or else Windows-1252, and so short that nothing in it takes long."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        data = value.replace("\n", "").encode("ascii", "surrogateescape")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
        if name.casefold().startswith("content-"):
            text = ";".join(text.split(";", _PARAMETERS_MAX)[:_PARAMETERS_MAX])
        return name, text[:HEADER_MAX].strip()


def parse(data: bytes) -> Part:
    """Return a message with its parts. Any bytes are a message, which ends where the library would need too long."""
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for pattern, number in _LIMITS.items():
        excess = next(islice(pattern.finditer(data), number, None), None)
        data = data[: excess.start()] if excess else data
    head, empty, body = data.partition(b"\n\n")
    head = _NO_HEADER.sub(b"", head)  # the library takes the headers behind such a line as text
    return cast("Part", message_from_bytes(head + empty + body, Part, policy=_Policy()))


def _decode_base64(digits: bytes) -> bytes:
    digits = digits[:-1] if len(digits) % 4 == 1 else digits
    return binascii.a2b_base64(digits + b"==")
