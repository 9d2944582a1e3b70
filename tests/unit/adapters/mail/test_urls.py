"""Test the URLs of mailboxes, and that no error shows a password."""

import pytest

from leads_adapters.mail.imap import ImapMailbox, ImapServer
from leads_adapters.mail.maildir import Maildir
from leads_adapters.mail.urls import open_mailbox

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "imaps://sales%40example.com:s3cret@imap.example.com/INBOX",
            ImapServer("imaps", "imap.example.com", 993, "sales@example.com", SECRET),
        ),
        ("imaps://ann:s3cret@imap.example.com", ImapServer("imaps", "imap.example.com", 993, "ann", SECRET)),
        (
            "imap+starttls://ann:p%2Fw%C3%BC@mail.example.com:1143/Eing%C3%A4nge/2026/",
            ImapServer("imap+starttls", "mail.example.com", 1143, "ann", "p/wü", "Eingänge/2026"),
        ),
        ("imap://ann:s3cret@localhost", ImapServer("imap", "localhost", 143, "ann", SECRET)),
        ("imap://ann:s3cret@[::1]:1143", ImapServer("imap", "::1", 1143, "ann", SECRET)),
    ],
)
def test_a_url_names_a_folder_on_a_mail_server(url: str, server: ImapServer) -> None:
    opened = open_mailbox(url)
    assert isinstance(opened, ImapMailbox)
    assert opened._server == server
    assert SECRET not in repr(server)


def test_a_url_names_a_folder_on_this_machine() -> None:
    opened = open_mailbox("maildir:///srv/mail/Verk%C3%A4ufe%20%231")
    assert isinstance(opened, Maildir)
    assert str(opened._folder) == "/srv/mail/Verkäufe #1"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("imap://ann:s3cret@imap.example.com", "imap:// sends the password in clear text. Use imaps://"),
        ("imaps://imap.example.com", "The user name or the password is missing."),
        ("imaps://ann@imap.example.com", "The user name or the password is missing."),
        ("imaps://:s3cret@imap.example.com", "The user name or the password is missing."),
        ("imaps://ann:s3cret@", "Give a URL such as imaps://"),
        ("imaps://ann:s3cret/x@imap.example.com", "Give a URL such as imaps://"),
        ("imaps://ann:s3cret#1@imap.example.com", "Write characters such as / @ ? # in a user name or password as"),
        ("imaps://ann:s3cret?@imap.example.com", "Write characters such as / @ ? # in a user name or password as"),
        ("imaps://ann:s3cret@imap.example.com/?x=1", "The URL must have no spaces, ? or #."),
        ("imaps://ann:s3cret 1@imap.example.com", "The URL must have no spaces, ? or #."),
        ("imaps://ann:s3cret@imap.example.com:0", "Give a URL such as imaps://"),
        ("imaps://ann:s3cret@imap.example.com:s3cret", "Give a URL such as imaps://"),
        ("imaps://ann:s3cret@[::1", "Give a URL such as imaps://"),
        ("imaps://ann:s3cret%0d%0aA LOGOUT@imap.example.com", "The URL must have no spaces, ? or #."),
        ("imaps://ann:s3cret%0d%0aA@imap.example.com", "The URL contains a control character. Remove it."),
        ("imaps://ann:s3cret@imap.example.com/IN%00BOX", "The URL contains a control character. Remove it."),
        ("imaps://ann:s3cret%ff@imap.example.com", "The URL has bytes that are not UTF-8."),
        ("imaps://ann:s3cret%ZZ@imap.example.com", "A % in the URL has no two hexadecimal digits behind it."),
        ("imaps://ann:s3cret%4@imap.example.com", "A % in the URL has no two hexadecimal digits behind it."),
        ("maildir:///srv/100%", "A % in the URL has no two hexadecimal digits behind it."),
        ("imaps://ann@x:s3cret@example.com", "Write %40 for an @ in the user name or password."),
        ("imaps://ann:s3cret@x@example.com", "Write %40 for an @ in the user name or password."),
        ("pop3://ann:s3cret@pop.example.com", "Give a URL such as imaps://"),
        ("s3cret", "Give a URL such as imaps://"),
        ("maildir://srv/mail", "Give the absolute path of a folder after maildir://"),
        ("maildir://", "Give the absolute path of a folder after maildir://"),
        ("maildir:///", "Give the absolute path of a folder after maildir://"),
    ],
)
def test_a_wrong_url_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as raised:
        open_mailbox(url)
    assert message in str(raised.value)
    assert SECRET not in str(raised.value)
