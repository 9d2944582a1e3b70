"""Store submissions unchanged, before they are processed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.spam import ELAPSED_FIELD
from leads_domain.submission import Submission, SubmissionId, SubmissionState, digest_of, storable

REPEATED_WITHIN = timedelta(minutes=5)
"""The time in which the same content from the same origin is one submission."""


@dataclass(frozen=True, slots=True)
class ReceiveSubmission:
    """Store a submission, unless it is a repeated one.

    The same content from the same origin within five minutes is one submission. If the sender has an id for the
    submission, `sender_id`, that id counts instead of the content, without a time limit.
    """

    clock: Clock
    ids: IdSource

    def __call__(
        self,
        work: UnitOfWork,
        *,
        origin: str,
        content: Mapping[str, str],
        remote_address: str | None = None,
        sender_id: str | None = None,
        state: SubmissionState = SubmissionState.RECEIVED,
        reason: str | None = None,
    ) -> Submission:
        """Return the stored submission: the new one, or the earlier one that it repeats.

        In a `state` other than `received`, such as `test`, it is not processed; `reason` says why.
        """
        content = {storable(name): storable(value) for name, value in content.items()}
        now = self.clock.now()
        submission = Submission(
            id=SubmissionId(self.ids.new()),
            received_at=now,
            origin=origin,
            content=content,
            remote_address=remote_address,
            digest=_digest(origin, content, sender_id),
            state=state,
            reason=reason,
        )
        return work.submissions.add(submission, repeated_within=None if sender_id else REPEATED_WITHIN)


def _digest(origin: str, content: Mapping[str, str], sender_id: str | None) -> str:
    if sender_id:
        return digest_of(f"{origin} id", {"id": sender_id})
    return digest_of(origin, {name: value for name, value in content.items() if name != ELAPSED_FIELD})
