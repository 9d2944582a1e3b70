"""Compose the notices of follow-ups."""

import re
from collections.abc import Mapping

from leads_domain.control_characters import on_one_line
from leads_domain.details import Scalar
from leads_domain.follow_up import FollowUp, Recipient
from leads_domain.lead import Lead
from leads_domain.notifier import FollowUpNotice

SUBJECT_MAX = 120
SUBJECT_NAME_MAX = 60
DETAIL_MAX = 300

_WORD = re.compile(r"\w+")

_FIELDS = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "status": "Status",
    "source": "Source",
    "owner": "Owner",
}
"""The fields of a lead that a notice has, for the templates of channels, and their labels in the details."""


def notice_of(
    follow_up: FollowUp, lead: Lead, public_url: str | None, unsubscribe_url: str | None = None
) -> FollowUpNotice:
    """Return the notice of a follow-up: to the lead with the unsubscribe link, to a colleague with the lead's facts."""
    name, email, phone = _recipient(follow_up, lead)
    to_lead = follow_up.recipient == Recipient.LEAD
    fields = lead.to_dict()
    return FollowUpNotice(
        follow_up_id=follow_up.id,
        lead_id=lead.id,
        idempotency_key=follow_up.id,
        attempt=follow_up.attempts,
        channel=follow_up.channel,
        name=name,
        email=email,
        phone=phone,
        message=follow_up.message,
        lead={name: fields[name] for name in _FIELDS},
        subject=_subject_to_lead(follow_up.message, lead.name) if to_lead else subject_of(follow_up.message, lead.name),
        details="" if to_lead else details_of(lead, public_url),
        unsubscribe_url=unsubscribe_url if to_lead else None,
    )


def subject_of(message: str, name: str = "") -> str:
    """Return the first line of a message, after the lead's name if it does not contain it.

    The subject is one line of up to `SUBJECT_MAX` characters, without control characters.
    """
    line, name = next(filter(None, map(one_line, message.splitlines())), ""), one_line(name)
    has_prefix = line.startswith(f"{name}: ")  # as a reminder does; the name may be too long for a subject
    topic = shorten(line.removeprefix(f"{name}: "), SUBJECT_MAX)
    name = shorten(name, SUBJECT_NAME_MAX)
    if not has_prefix and contains_words(topic, name.removesuffix("…")):
        return topic
    return shorten(": ".join(filter(None, [name, topic])), SUBJECT_MAX)


def _subject_to_lead(message: str, name: str) -> str:
    """Return the subject of a message to the lead, without the name if the line has a part of it: "Hello Ada,"."""
    line = subject_of(message)
    words, parts = (set(re.findall(r"\w{2,}", text.casefold())) for text in (line, name))
    return subject_of(message, name) if words.isdisjoint(parts) else line


def details_of(lead: Lead, public_url: str | None) -> str:
    """Return what a colleague needs to know about a lead: one fact on each line, and a link if there is a URL.

    The attributes follow after an empty line: strangers choose their names in forms, such as `Link`.
    """
    fields = lead.to_dict()
    link = {"Link": f"{public_url}/leads/{lead.id}"} if public_url else {}
    facts = {label: fields[name] for name, label in _FIELDS.items()} | link
    return "\n\n".join(filter(None, map(_lines, [facts, lead.attributes])))


def contains_words(text: str, words: str) -> bool:
    """Return whether a text contains these words one after the other, in any case."""
    return _spaced(words) in _spaced(text)


def _spaced(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def shorten(text: str, max_length: int) -> str:
    """Return a line of up to `max_length` characters, cut after a word if one ends in its second half."""
    if len(text) <= max_length:
        return text
    cut = text[: max_length - 1]
    words = text[:max_length].rpartition(" ")[0]
    return f"{words if len(words) >= max_length // 2 else cut}…"


def _lines(facts: Mapping[str, Scalar]) -> str:
    lines = (f"{one_line(name)}: {_text(value)}" for name, value in facts.items())
    return "\n".join(line for line in lines if not line.endswith(": "))


def _text(value: Scalar) -> str:
    """Return a value on one line, empty if there is none."""
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return shorten(one_line(text), DETAIL_MAX)


def one_line(text: str) -> str:
    """Return a text on one line, with single spaces."""
    return " ".join(on_one_line(text).split())


def _recipient(follow_up: FollowUp, lead: Lead) -> tuple[str, str | None, str | None]:
    """Return the name, e-mail address and phone number of the recipient."""
    match follow_up.recipient:
        case Recipient.LEAD:
            return lead.name, str(lead.email) if lead.email else None, lead.phone.e164 if lead.phone else None
        case Recipient.OWNER:
            owner = str(lead.owner) if lead.owner else None
            return owner or "", owner, None
        case address if "@" in address:
            return address, address, None
        case number:
            return number, None, number
