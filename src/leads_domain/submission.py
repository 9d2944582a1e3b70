"""Submissions of forms, mailboxes and webhooks, stored unchanged until they are processed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from leads_domain.errors import IllegalSubmissionState
from leads_domain.lead import LeadId

SubmissionId = NewType("SubmissionId", str)
"""A UUIDv7 (RFC 9562) as lower-case text."""

REASON_MAX = 1000


class SubmissionState(StrEnum):
    """The state of a submission: `received` until it is processed, then one of the others.

    `accepted` submissions are enquiries, or replies of a lead. `ignored` ones are automatic mail, and `test` ones come
    from the sender's tests.
    """

    RECEIVED = "received"
    ACCEPTED = "accepted"
    NEEDS_REVIEW = "needs_review"
    SPAM = "spam"
    IGNORED = "ignored"
    TEST = "test"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A submission with its decision.

    `origin` names the form, mailbox or webhook, such as `form:contact`. `content` has the fields as they were sent.
    `reason` is a sentence that explains the state. An accepted submission, and no other, has the lead of its enquiry.
    `digest` finds repeated submissions (`digest_of`); it is None if the same content may come again. Messages have a
    second one, `content_digest` (`mail_digests.py`).
    """

    id: SubmissionId
    received_at: datetime
    origin: str
    content: Mapping[str, str]
    remote_address: str | None = None
    digest: str | None = None
    content_digest: str | None = None
    state: SubmissionState = SubmissionState.RECEIVED
    reason: str | None = None
    lead_id: LeadId | None = None

    def accept(self, lead_id: LeadId) -> "Submission":
        """Accept the submission as an enquiry of a lead, in any state but `accepted`."""
        self.check_not_accepted("accepted")
        return replace(self, state=SubmissionState.ACCEPTED, reason=None, lead_id=lead_id)

    def discard(self) -> "Submission":
        """Discard the submission, in any state but `accepted`. Discarding it again has no effect."""
        self.check_not_accepted("discarded")
        return replace(self, state=SubmissionState.DISCARDED)

    def set_aside(self, state: SubmissionState, reason: str) -> "Submission":
        """Put a received submission into a state in which it waits for a person."""
        if self.state is not SubmissionState.RECEIVED:
            raise IllegalSubmissionState(self.state, "processed")
        return replace(self, state=state, reason=reason)

    def check_not_accepted(self, action: str) -> None:
        """Raise `IllegalSubmissionState` if the submission is accepted; `action` is a past participle."""
        if self.state is SubmissionState.ACCEPTED:
            raise IllegalSubmissionState(self.state, action)


class ProcessingOutcome(StrEnum):
    """The outcome of processing a submission, for metrics. A message can also be a reply, an opt-out or a bounce."""

    ENQUIRY = "enquiry"
    REPLY = "reply"
    OPT_OUT = "opt_out"
    BOUNCE = "bounce"
    IGNORED = "ignored"
    SPAM = "spam"
    NEEDS_REVIEW = "needs_review"


@dataclass(frozen=True, slots=True)
class Processed:
    """A processed submission. `outcome` is None if it was processed before."""

    submission: Submission
    outcome: ProcessingOutcome | None

    @classmethod
    def for_review(cls, submission: Submission, reason: str) -> "Processed":
        """Let a received submission wait for a person."""
        waiting = submission.set_aside(SubmissionState.NEEDS_REVIEW, reason[:REASON_MAX])
        return cls(waiting, ProcessingOutcome.NEEDS_REVIEW)


def digest_of(origin: str, identifying: Mapping[str, str]) -> str:
    """Return the SHA-256 of an origin and of the fields that identify a submission, whatever their order."""
    text = json.dumps([origin, sorted(identifying.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def storable(text: str) -> str:
    """Replace lone surrogates, which cannot be stored."""
    return text.encode(errors="replace").decode()
