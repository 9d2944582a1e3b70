"""Tests of messages that are made to keep a reader busy. Each has 1 MiB, the most that is read."""

from time import process_time

import pytest

from leads_adapters.mail.reading import UNREADABLE, read_mail
from leads_domain.incoming_mail import MAIL_BYTES_MAX

HEAD = b"From: ada@example.org\n"
HTML = HEAD + b"Content-Type: text/html\n\n"
MULTIPART = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
ENCODED = HEAD + b"Content-Transfer-Encoding: "
LONG = b"a" * 10_000 + b"\n"
COMMAS = b"," * 10_000 + b"\n"
SECONDS_MAX = 1.0  # of processor time: what takes longest needs 0.4 s, and quadratic time would be minutes


def levels(number: int) -> bytes:
    """Return the start of multiparts in each other."""
    return HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(number))


HOSTILE = {
    "parts": (MULTIPART, b"--b\n\nx\n"),
    "parts of unknown sets": (MULTIPART, b"--b\n\n" + b"caf\xe9 \x81\x9d\xff" * 10 + b"\n"),
    "parts with broken parameters": (MULTIPART, b'--b\nContent-Type: text/html; "' + b";" * 900 + b"\n\n\xe9 \x81\n"),
    "levels": (levels(10_000), b"x\n"),
    "levels of related parts": (levels(10_000).replace(b"mixed", b"related"), b"x\n"),
    "lines in 100 levels": (levels(100).replace(b"\n", b"\r"), b"x\r"),
    "messages in messages": (HEAD, b"Content-Type:\n \xc2\xa0message/rfc822\n\n"),
    "digests in digests": (MULTIPART, b"--b\n\nContent-Type: multipart/digest; boundary=b\n\n"),
    "lines that are no headers": (HEAD, b"x\n"),
    "addresses in comments": (b"From: ", b"("),
    "delimiters that are none": (MULTIPART * 119, b"--bx\n"),
    "a header": (HEAD + b"X-Long: ", b"x"),
    "a header without a name": (HEAD, b"x"),
    "a folded subject": (HEAD + b"Subject: ", b"x\n "),
    "encoded words": (HEAD + b"Subject: ", b"=?utf-8?q?a?= "),
    "senders": (b"From: ", b"a@example.org, "),
    "headers of senders": (b"Reply-To: " + COMMAS, b"From: " + COMMAS),
    "senders without an address": (b"From: " + LONG + b"Reply-To: " + LONG + b"X-Failed-Recipients: " + LONG, b"x\n"),
    "names without an address": (b"From: ", b'a, (b "'),
    "parameters": (HEAD + b"Content-Type: text/plain; ", b"a*0*=';"),
    "references": (HEAD + b"References: ", b"<a@b> "),
    "elements": (HTML, b"<div>"),
    "elements with spaces": (HTML, b"<div> "),
    "lists in quotes": (HTML, b"<blockquote><ul><li>a"),
    "end tags": (HTML + b"<div><a href='http:x'>" * 900, b"</b>"),
    "an element": (HTML + b"<a", b" b<c='"),
    "comments": (HTML, b"<!--"),
    "characters of an unknown set": (HEAD + b"\n", b"caf\xe9 \x81"),
    "base64": (ENCODED + b"base64\n\n", b"=a"),
    "reported failures": (HEAD + b"Content-Type: message/delivery-status\n\n", b"Action: failed\n\n"),
    "recipients of qmail": (HEAD + b"\nHi. This is the qmail-send program\n\n", b"<a@b>:\n\n"),
    "recipients of Exim": (HEAD + b"X-Failed-Recipients: " + b"a@b," * 2_000 + b"\n\n", b"a@b\n "),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_message_keeps_the_reader_busy(name: str) -> None:
    start, repeated = HOSTILE[name]
    data = start + repeated * ((MAIL_BYTES_MAX - len(start)) // len(repeated) + 1)
    started = process_time()
    mail = read_mail(data)
    assert process_time() - started < SECONDS_MAX
    assert mail.broken != UNREADABLE
