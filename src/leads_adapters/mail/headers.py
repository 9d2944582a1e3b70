"""Read headers: encoded words (RFC 2047), addresses (RFC 5322) and Message-IDs, however broken they are.

The parsers of the standard library raise errors for broken headers, or need minutes for long ones:
`docs/decisions/0048-reading-mail.md`.
"""

import binascii
import re
from collections.abc import Iterator, Sequence

from leads_adapters.mail.charsets import clean_line, decode_text
from leads_adapters.mail.parts import decode_base64
from leads_domain.details import NAME_MAX
from leads_domain.incoming_mail import Mailbox

MAILBOXES_MAX = 20
IDS_MAX = 100

_ADDRESS_MAX = 320
_ID_MAX = 1_000
_WORD = re.compile(r"=\?([^?\s]{0,40}+)\?([bq])\?([^?]*+)(?:\?=|\Z)(?:\s+(?==\?[^?\s]{0,40}\?[bq]\?))?", re.IGNORECASE)
_ADDRESS = re.compile(
    r"""("(?:[^"\\]|\\.){1,80}+"|[^\s"<>()\[\],:;@\\]{1,320}+)@([^\s"<>()\[\],:;@\\]{1,255}+|\[[0-9a-fA-F.:IPv]{1,50}\])"""
)
_TOKEN = re.compile(
    r"""
    "(?P<quoted>(?:[^"\\]|\\.)*+)"
    | \((?P<comment>[^()]*+)\)
    | <(?P<angle>[^<>]*+)>?
    | (?P<word>=\?[^?\s]{0,40}+\?[bq]\?[^?]*+\?=)
    | (?P<separator>[,;:])
    | (?P<text>[^"(<,;:=]++|.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ID = re.compile(r"<([^<>\s]++)>")


def decode_words(text: str) -> str:
    """Return a header with its encoded words decoded. Neighbours are one text: mail programs divide characters."""
    result, end, pending, charset = [], 0, b"", ""
    for found in _WORD.finditer(text):
        between = text[end : found.start()]
        word_charset = found[1].partition("*")[0].casefold()
        if pending and (between or word_charset != charset):
            result.append(decode_text(pending, charset))
            pending = b""
        result.append(between)
        pending, charset, end = pending + _word_bytes(found[2], found[3]), word_charset, found.end()
    return "".join([*result, decode_text(pending, charset) if pending else "", text[end:]])


def read_mailboxes(text: str) -> Sequence[Mailbox]:
    """Return the mailboxes of a header, those of groups included. If none can be read, any address in it counts."""
    mailboxes = [mailbox for chunk in _chunks(text) if (mailbox := _mailbox(chunk))]
    if not mailboxes:
        found = (_ADDRESS.search(each) for each in (text, decode_words(text)))
        mailboxes = [Mailbox(address=clean_line(each[0], _ADDRESS_MAX)) for each in found if each][:1]
    return tuple(mailboxes[:MAILBOXES_MAX])


def read_ids(text: str) -> Sequence[str]:
    """Return the Message-IDs of a header, without angle brackets. One without brackets counts if it is alone."""
    ids = _ID.findall(text) or [each for each in text.split() if "@" in each][:1]
    return tuple(id for each in ids[:IDS_MAX] if (id := clean_line(each, _ID_MAX).strip("<>")))


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return decode_base64(data) if encoding in "bB" else binascii.a2b_qp(data, header=True)


def _chunks(text: str) -> Iterator[list[re.Match[str]]]:
    """Return the tokens of each mailbox. A comma divides mailboxes only after an address: many names have commas."""
    chunk: list[re.Match[str]] = []
    has_address = False
    for token in _TOKEN.finditer(text):
        separator = token["separator"]
        if separator in (":", ";") or (separator == "," and has_address):
            if separator != ":":  # else the name of a group
                yield chunk
            chunk, has_address = [], False
        else:
            chunk.append(token)
            has_address = has_address or "@" in (token["angle"] or token["text"] or "")
    yield chunk


def _mailbox(chunk: Sequence[re.Match[str]]) -> Mailbox | None:
    raw = "".join(token[0] for token in chunk if token["comment"] is None)
    angle = next((token["angle"] for token in chunk if "@" in (token["angle"] or "")), None)
    found = _ADDRESS.search(re.sub(r"\s+", "", angle) if angle else raw)
    if not found:
        return None
    comments = " ".join(token["comment"] for token in chunk if token["comment"])
    words = "".join(_words(token) for token in chunk) if angle else ""
    name = clean_line(decode_words(words) if words.strip() else decode_words(comments), NAME_MAX).strip("'\" ,")
    address = clean_line(found[0], _ADDRESS_MAX)
    return Mailbox(address=address, name="" if name.casefold() == address.casefold() else name)


def _words(token: re.Match[str]) -> str:
    if token["quoted"] is not None:
        return _ESCAPE.sub(r"\1", token["quoted"])
    return token["word"] or token["text"] or token["separator"] or ""
