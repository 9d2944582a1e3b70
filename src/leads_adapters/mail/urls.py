"""Open the mailbox that a URL names. Errors are `ValueError`s that do not quote the URL, because it has a password."""

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from leads_adapters.mail.imap import PLAIN, PORTS, ImapMailbox, ImapServer
from leads_adapters.mail.maildir import Maildir
from leads_domain.mail_source import MailSource

_MAILDIR = "maildir"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_NOT_ENCODED = re.compile("%(?![0-9A-Fa-f]{2})")
_FORMS = (
    "Give a URL such as imaps://user:password@imap.example.com/INBOX, imap+starttls://user:password@imap.example.com "
    "or maildir:///srv/mail/sales. Write characters such as / @ ? # in a user name or password as %2F %40 %3F %23"
)


def open_mailbox(url: str) -> MailSource:
    """Return the mailbox; raises `ValueError`. Nothing is connected or read yet."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its text may quote a part of the password
        raise ValueError(f"{_FORMS}.") from None
    if not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise ValueError(f"{_FORMS}. The URL must have no spaces, ? or #.")
    if _NOT_ENCODED.search(url):
        raise ValueError("A % in the URL has no two hexadecimal digits behind it. Write a % itself as %25.")
    if "@" in parts.netloc.rpartition("@")[0]:
        raise ValueError("Write %40 for an @ in the user name or password.")
    if parts.scheme == _MAILDIR:
        return _maildir(parts)
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or "@" in parts.hostname:
        raise ValueError(f"{_FORMS}.")
    if parts.scheme == PLAIN and parts.hostname not in _THIS_MACHINE:
        raise ValueError("imap:// sends the password in clear text. Use imaps:// or imap+starttls://.")
    return ImapMailbox(_server(parts, port or PORTS[parts.scheme]))


def _server(parts: SplitResult, port: int) -> ImapServer:
    user, password, folder = _decoded(parts.username), _decoded(parts.password), _decoded(parts.path.strip("/"))
    if not user or not password:
        raise ValueError(f"The user name or the password is missing. {_FORMS}.")
    return ImapServer(parts.scheme, parts.hostname or "", port, user, password, folder or "INBOX")


def _maildir(parts: SplitResult) -> MailSource:
    path = Path(_decoded(parts.path))
    if parts.netloc or not path.is_absolute() or path == Path("/"):
        raise ValueError("Give the absolute path of a folder after maildir://, such as maildir:///srv/mail/sales.")
    return Maildir(path)


def _decoded(text: str | None) -> str:
    """Return the text without percent-encoding. A line break in it could begin a command to the mail server."""
    try:
        decoded = unquote(text or "", errors="strict")
    except UnicodeDecodeError:
        raise ValueError("The URL has bytes that are not UTF-8. Encode its characters as UTF-8.") from None
    if re.search(r"[\x00-\x1f\x7f]", decoded):
        raise ValueError("The URL contains a control character. Remove it.")
    return decoded
