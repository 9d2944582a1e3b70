"""Read headers: encoded words (RFC 2047), addresses (RFC 5322) and Message-IDs, however broken they are."""

import re
from collections.abc import Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from email.utils import getaddresses, quote

from leads_adapters.mail.charsets import clean_line, decode_text
from leads_adapters.mail.parts import HEADER_MAX
from leads_domain.details import NAME_MAX
from leads_domain.incoming_mail import Mailbox

MAILBOXES_MAX = 20
IDS_MAX = 100

_ADDRESS_MAX = 320
_ID_MAX = 1_000
_WORD = r"=\?[^?\s]*\?[bq]\?(?:[^?\s]| )*\?="
_WORDS = re.compile(rf"{_WORD}(?:[ \t]*{_WORD})*", re.IGNORECASE)
_ADDRESS = re.compile(r"""[^\s"<>()\[\],:;@\\]{1,320}+@[^\s"<>()\[\],:;@\\]{1,255}""")
_BARE_NAME = re.compile(
    rf"""(?:^|(?<=[,:;]))(?:(?:{_WORD}|[^"<>,:;]){{1,200}}+|(?:{_WORD}|[^"<>@:;]){{1,200}}+)(?=<)""", re.IGNORECASE
)
_ID = re.compile(r"<([^<>\s]++)>")


def decode_words(text: str) -> str:
    """Return a header with its encoded words decoded. The library joins neighbours, which can divide a character."""
    return _WORDS.sub(lambda found: _decoded(found[0]), text)


def read_mailboxes(text: str) -> Sequence[Mailbox]:
    """Return the mailboxes of a header, those of groups included. If none can be read, any address in it counts."""
    text = text[:HEADER_MAX]
    text = text.replace('"', " ") if text.count('"') % 2 else text
    text = _BARE_NAME.sub(_quoted, text)
    try:
        pairs = getaddresses([text])
    except RecursionError:  # a thousand comments in one another
        pairs = []
    mailboxes = [_mailbox(name, found[0]) for name, address in pairs if (found := _ADDRESS.search(address))]
    if not mailboxes:  # Python since 3.11.10 refuses headers with one address that is broken
        mailboxes = [_mailbox("", address) for address in _ADDRESS.findall(decode_words(text))]
    return tuple(mailboxes[:MAILBOXES_MAX])


def read_ids(text: str) -> Sequence[str]:
    """Return the Message-IDs of a header, without angle brackets. One without brackets counts if it is alone."""
    ids = _ID.findall(text) or [each for each in text.split() if "@" in each][:1]
    return tuple(id for each in ids[:IDS_MAX] if (id := clean_line(each, _ID_MAX).strip("<>")))


def _quoted(name: re.Match[str]) -> str:
    """Return a name in quotes, without which the library takes commas, brackets and addresses in it as syntax."""
    return f'"{quote(clean_line(decode_words(name[0]), NAME_MAX))}"'


def _decoded(words: str) -> str:
    try:
        return "".join(decode_text(data, (charset or "").partition("*")[0]) for data, charset in decode_header(words))
    except HeaderParseError:  # broken base64
        return words


def _mailbox(name: str, address: str) -> Mailbox:
    name, address = clean_line(decode_words(name), NAME_MAX).strip("'\" ,"), clean_line(address, _ADDRESS_MAX)
    return Mailbox(address=address, name="" if name.casefold() == address.casefold() else name)
