"""Build domain objects for tests: `a_lead(status="contacted")`, `a_follow_up(due_at=NOON)`.

Each builder returns one ordinary value. A test passes only the fields that it is about.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.details import Details, DetailsInput
from leads_domain.digest import Digest, DigestId
from leads_domain.follow_up import FollowUp, FollowUpId, Recipient
from leads_domain.incoming_mail import IncomingMail, Mailbox
from leads_domain.lead import Lead, LeadId
from leads_domain.notifier import FollowUpNotice, NoticeKind
from leads_domain.pipeline import Pipeline, Status
from leads_domain.rules import FollowUpRule
from leads_domain.submission import Submission, SubmissionId
from leads_domain.task import TEXT_MAX, Task, TaskId
from leads_domain.template import Template

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""The default time in tests: a Monday."""


def an_id(number: int = 1) -> str:
    """Return a UUIDv7 (RFC 9562) with the time `NOON`; a greater number makes a greater id."""
    milliseconds = int(NOON.timestamp() * 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number))


def an_email(address: str = "john@example.com") -> EmailAddress:
    """Return an e-mail address with the case-folded address as its key."""
    return EmailAddress(address=address, key=address.casefold())


def a_phone(e164: str = "+12025550123", extension: str | None = None) -> PhoneNumber:
    """Return a phone number, by default one from the range reserved for fiction."""
    return PhoneNumber(e164, extension)


def details_input(**fields: Any) -> DetailsInput:
    """Return a client's input for a new lead: the required ones and `fields`."""
    return cast(DetailsInput, {"name": "John Doe", "email": "john@example.com", **fields})


def details(**fields: Any) -> Details:
    """Return exactly these validated fields."""
    return cast(Details, fields)


def new_details(**fields: Any) -> Details:
    """Return validated fields of a new lead: the required ones and `fields`."""
    return details(**{"name": "John Doe", "email": an_email(), **fields})


def a_lead(**fields: Any) -> Lead:
    """Return a new lead without an owner."""
    return replace(_LEAD, **fields)


def a_follow_up(**fields: Any) -> FollowUp:
    """Return a scheduled follow-up without attempts."""
    if "due_at" in fields:
        fields.setdefault("next_attempt_at", fields["due_at"])
    return replace(_FOLLOW_UP, **fields)


def a_task(**fields: Any) -> Task:
    """Return an open task of Mia, due at noon, without a reminder."""
    return replace(_TASK, **fields)


def a_digest(**fields: Any) -> Digest:
    """Return a scheduled digest for Mia, planned at noon."""
    return replace(_DIGEST, **fields)


def a_submission(**fields: Any) -> Submission:
    """Return a received submission of the form `contact`."""
    return replace(_SUBMISSION, **fields)


def a_mail(**fields: Any) -> IncomingMail:
    """Return a message of Ada Muster to the operator."""
    return replace(_MAIL, **fields)


def a_notice(**fields: Any) -> FollowUpNotice:
    """Return the notice for the first attempt of `a_follow_up()`."""
    return replace(_NOTICE, **fields)


def a_digest_notice(**fields: Any) -> FollowUpNotice:
    """Return the notice for the first attempt of a digest."""
    mia = "mia@example.com"
    digest = {"kind": NoticeKind.DIGEST, "lead_id": "", "name": mia, "email": mia, "subject": "2 tasks overdue"}
    return a_notice(**(digest | fields))


def a_rule(when: Status = "new", text: str = "Call {name}.", **fields: Any) -> FollowUpRule:
    """Return a rule that follows up a lead in the status `when` after one day."""
    return FollowUpRule(**{"when": when, "after": timedelta(days=1), "text": Template(text), **fields})


def an_enquiry_rule(text: str = "{name} has written: {message}", **fields: Any) -> FollowUpRule:
    """Return a rule that follows up an enquiry after one hour."""
    template = Template(text, of_enquiries=True)
    return FollowUpRule(**{"when": None, "after": timedelta(hours=1), "text": template, **fields})


def a_task_rule(when: Status | None = "new", text: str = "Call {name}", **fields: Any) -> FollowUpRule:
    """Return a rule that makes a task for the owner, due after one day."""
    template = Template(text, of_enquiries=when is None, max_length=TEXT_MAX)
    values = {"after": timedelta(days=1), "text": template, "recipient": Recipient.OWNER, **fields}
    return FollowUpRule(when=when, makes_task=True, **values)


def a_pipeline(*, reason_required: tuple[Status, ...] = (), **transitions: tuple[Status, ...]) -> Pipeline:
    """Return a pipeline with these transitions, from the first status: `a_pipeline(new=("won",), won=())`."""
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

_TASK = Task(
    id=TaskId(an_id(4)),
    lead_id=_LEAD.id,
    assignee=an_email("mia@example.com"),
    text="Call about the quote",
    due_at=NOON,
    created_at=NOON,
    updated_at=NOON,
)

_DIGEST = Digest.plan(DigestId(an_id(5)), an_email("mia@example.com"), NOON)

_SUBMISSION = Submission(
    id=SubmissionId(an_id(3)),
    received_at=NOON,
    origin="form:contact",
    content={"your-name": "John Doe", "your-mail": "john@example.com"},
)

_MAIL = IncomingMail(
    message_id="cafe.1@mail.example.net",
    senders=(Mailbox(address="ada@example.com", name="Ada Muster"),),
    date="Mon, 05 Jan 2026 12:00:00 +0000",
    subject="Delivery",
    text="Do you deliver on Saturdays?",
)

_NOTICE = FollowUpNotice(
    follow_up_id=_FOLLOW_UP.id,
    lead_id=_LEAD.id,
    idempotency_key=_FOLLOW_UP.id,
    attempt=1,
    channel=_FOLLOW_UP.channel,
    name=_LEAD.name,
    email=str(_LEAD.email),
    phone=None,
    message=_FOLLOW_UP.message,
    subject=_FOLLOW_UP.message,
)
