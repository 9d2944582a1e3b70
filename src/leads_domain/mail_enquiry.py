"""Understand incoming messages: who has written, and what the enquiry is."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from leads_domain.contact import EmailAddress
from leads_domain.control_characters import on_one_line, remove_controls
from leads_domain.details import ATTRIBUTE_TEXT_MAX, NAME_MAX
from leads_domain.enquiry import MESSAGE_MAX, EnquiryInput
from leads_domain.errors import ValidationFailed
from leads_domain.incoming_mail import IncomingMail, Mailbox
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.sources import Normalizer

SUBJECT_MAX = 500

_CUT = "\n\n[The rest of the message was cut.]"

_ADDRESS = re.compile(r"\S+@\S+")

_VIA = re.compile(r"'(.+)' via .+")
"""The display name of a message that Google Groups has forwarded: `'Ada Muster' via Sales`."""


@dataclass(frozen=True, slots=True)
class Person:
    """The person who has written a message. `name` is the display name, if it tells more than the address."""

    address: EmailAddress
    name: str | None


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a message: `person` is None if it cannot be known. `is_own` says that it is the operator's own."""

    person: Person | None
    is_own: bool = False


def sender_of(mail: IncomingMail, policy: MailboxPolicy, normalizer: Normalizer) -> Sender:
    """Return the first sender with a valid address that is not the operator's.

    Forms of websites send from an address of the operator, and name the person in `Reply-To`: it counts if the first
    sender with a valid address is the operator's own.
    """
    senders = [*_people(mail.senders, normalizer)]
    if not senders or not policy.is_own(senders[0].address):
        return Sender(senders[0] if senders else None)
    others = [*_people(mail.reply_to, normalizer), *senders]
    person = next((each for each in others if not policy.is_own(each.address)), None)
    return Sender(person, is_own=person is None)


def enquiry_of(mail: IncomingMail, policy: MailboxPolicy, normalizer: Normalizer) -> EnquiryInput:
    """Return the enquiry that a message makes. Without a known person, it has no e-mail address and no name."""
    person = sender_of(mail, policy, normalizer).person
    attachments = attachments_of(mail)
    values: dict[str, Any] = {
        "email": str(person.address) if person else None,
        "name": person.name if person else None,
        "message": shortened("\n\n".join(filter(None, [subject_of(mail), text_of(mail)]))),
        "source": policy.source,
        "owner": policy.owner,
        "attributes": {"attachments": ", ".join(attachments)[:ATTRIBUTE_TEXT_MAX].strip()} if attachments else None,
    }
    return cast(EnquiryInput, {field: value for field, value in values.items() if value})


def subject_of(mail: IncomingMail) -> str:
    """Return the subject on one line, as far as it can be stored."""
    return " ".join(on_one_line(mail.subject).split())[:SUBJECT_MAX].strip()


def text_of(mail: IncomingMail) -> str:
    """Return the text without control characters."""
    return remove_controls(mail.text).strip()


def attachments_of(mail: IncomingMail) -> Sequence[str]:
    """Return the names of the attachments."""
    return [name for each in mail.attachments if (name := " ".join(on_one_line(each).split()))]


def shortened(text: str) -> str:
    """Return a text that fits into an enquiry. A text that is too long says so at its end."""
    if len(text) <= MESSAGE_MAX:
        return text
    return text[: MESSAGE_MAX - len(_CUT)].rstrip() + _CUT


def _people(mailboxes: Iterable[Mailbox], normalizer: Normalizer) -> Iterable[Person]:
    for each in mailboxes:
        try:
            yield Person(normalizer.email(each.address), _name(each))
        except ValidationFailed:
            continue


def _name(mailbox: Mailbox) -> str | None:
    """Return the display name, unless it is an address: then the default name of a lead says as much."""
    name = " ".join(on_one_line(mailbox.name).split())
    if found := _VIA.fullmatch(name):
        name = found[1]
    name = name.strip("\"' ")
    return None if _ADDRESS.fullmatch(name) else name[:NAME_MAX].strip() or None
