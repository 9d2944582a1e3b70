"""Store a message so that it is not lost whatever fails, and is recognised if it comes again."""

import hashlib
from dataclasses import replace

from leads_adapters.database import Database, UseCase
from leads_app.logs import error_log
from leads_domain.errors import Unavailable
from leads_domain.incoming_mail import IncomingMail
from leads_domain.use_cases.receive_mail import ReceivedMail

FETCHER = "mail fetcher"

Receive = UseCase[[str, IncomingMail], ReceivedMail]
"""Stores a message of the mailbox with this name, unless it is stored already."""

FAILED = "The service failed unexpectedly while it stored the message. Read it in a mail program."


def identified(mail: IncomingMail, message: bytes) -> IncomingMail:
    """Give a message that cannot be read an id that is made of its bytes, if it has none: others may be as empty.

    A message from a pipe has other line ends than the same message from a mail server.
    """
    if mail.message_id is not None or (mail.broken is None and mail.senders):
        return mail
    digest = hashlib.sha256(message.replace(b"\r\n", b"\n")).hexdigest()
    return replace(mail, message_id=f"{digest}@sha256.invalid")


async def store_message(
    database: Database,
    receive: Receive,
    mailbox: str,
    mail: IncomingMail,
    data: bytes,
) -> ReceivedMail:
    """Store a message. After an unexpected error, store that there is one, so that a person looks at it."""
    try:
        return await database.write(receive, mailbox, mail)
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the message must not be lost
        error_log(error, FETCHER)
        return await database.write(receive, mailbox, identified(IncomingMail(broken=FAILED), data))
