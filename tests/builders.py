"""The words in which the tests speak of the trade: `a_lead(status="contacted")`, `a_follow_up(due_at=NOON)`.

Every word stands for one ordinary value; what a test is about it says in keywords, and nothing else.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.details import Details, DetailsInput
from leads_domain.follow_up import FollowUp, FollowUpId, Recipient
from leads_domain.lead import Lead, LeadId
from leads_domain.notifier import FollowUpNotice
from leads_domain.pipeline import Pipeline, Status
from leads_domain.rules import FollowUpRule
from leads_domain.template import Template

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""When things happen in the tests: a Monday."""


def an_id(number: int = 1) -> str:
    """A UUIDv7 (RFC 9562) made at `NOON`; a greater number makes a greater id."""
    milliseconds = int(NOON.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number))


def an_email(address: str = "john@example.com") -> EmailAddress:
    """An address whose key is its case-folded spelling."""
    return EmailAddress(address=address, key=address.casefold())


def a_phone(e164: str = "+12025550123", extension: str | None = None) -> PhoneNumber:
    """A number of the range that is kept free for stories."""
    return PhoneNumber(e164, extension)


def details_input(**members: Any) -> DetailsInput:
    """What a client says of a new lead: only what must be said, and `members`."""
    return cast(DetailsInput, {"name": "John Doe", "email": "john@example.com", **members})


def details(**members: Any) -> Details:
    """Checked members: exactly these."""
    return cast(Details, members)


def new_details(**members: Any) -> Details:
    """Checked members of a new lead: what it must have, and `members`."""
    return details(**{"name": "John Doe", "email": an_email(), **members})


def a_lead(**members: Any) -> Lead:
    """A lead that has just come in and that nobody has taken up."""
    return replace(_LEAD, **members)


def a_follow_up(**members: Any) -> FollowUp:
    """A follow-up that is scheduled for `due_at` and that nobody has attempted."""
    if "due_at" in members:
        members.setdefault("next_attempt_at", members["due_at"])
    return replace(_FOLLOW_UP, **members)


def a_notice(**members: Any) -> FollowUpNotice:
    """The first attempt at `a_follow_up()`, ready to be sent."""
    return replace(_NOTICE, **members)


def a_rule(when: Status = "new", message: str = "Call {name}.", **members: Any) -> FollowUpRule:
    """A rule that a lead in the status `when` is followed up after a day."""
    return FollowUpRule(**{"when": when, "after": timedelta(days=1), "message": Template(message), **members})


def a_pipeline(*, reason_required: tuple[Status, ...] = (), **transitions: tuple[Status, ...]) -> Pipeline:
    """A pipeline of these transitions; it starts at the first: `a_pipeline(new=("won",), won=())`."""
    return Pipeline(next(iter(transitions)), transitions, frozenset(reason_required))


_LEAD = Lead(
    id=LeadId(an_id(1)),
    name="John Doe",
    email=an_email(),
    status="new",
    attributes={},
    created_at=NOON,
    updated_at=NOON,
)

_FOLLOW_UP = FollowUp(
    id=FollowUpId(an_id(2)),
    lead_id=_LEAD.id,
    recipient=Recipient.LEAD,
    channel="log",
    message="Hello John, shall we talk?",
    due_at=NOON,
    next_attempt_at=NOON,
    created_at=NOON,
    updated_at=NOON,
)

_NOTICE = FollowUpNotice(
    follow_up_id=_FOLLOW_UP.id,
    lead_id=_LEAD.id,
    idempotency_key=_FOLLOW_UP.id,
    attempt=1,
    channel=_FOLLOW_UP.channel,
    name=_LEAD.name,
    email=_LEAD.email.address,
    phone=None,
    message=_FOLLOW_UP.message,
)
