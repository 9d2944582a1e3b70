"""Tests of reading messages."""

from leads_adapters.mail.reading import read_mail
from leads_domain.incoming_mail import IncomingMail, Mailbox


def test_message_of_a_person() -> None:
    data = (
        b"Message-ID: <1@example.com>\r\nFrom: =?utf-8?q?J=C3=A9r=C3=B4me?= <jerome@example.com>\r\n"
        b"Date: Sun, 29 Nov 2026 08:00:00 +0000\r\nSubject: Hello\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b"<p>A <a href='https://example.org/x'>page</a>"
    )
    assert read_mail(data) == IncomingMail(
        message_id="1@example.com",
        senders=(Mailbox(address="jerome@example.com", name="Jérôme"),),
        date="Sun, 29 Nov 2026 08:00:00 +0000",
        subject="Hello",
        text="A page <https://example.org/x>",
    )
