"""Plan digests, claim them, and record the outcomes of their attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from leads_domain.delivery import INTERRUPTED, Claimed, storable, wait_after
from leads_domain.digest import Digest, DigestId, DigestState
from leads_domain.digest_schedule import end_of_day
from leads_domain.errors import NotFound
from leads_domain.follow_up import RetryPolicy
from leads_domain.notifier import FollowUpNotice, NoticeKind, NotificationError
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource, RandomSource
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.find_agenda import RECENTLY

CLAIMED_MAX = 4
"""The maximum number of digests that one transaction claims at a time. Other writes wait while they are composed."""

ROUNDS_MAX = 4
"""The maximum number of claims in one transaction, if the digests of the earlier ones had nothing to tell."""

STORED_FOR = timedelta(days=30)
"""The time for which ended digests are stored."""


@dataclass(frozen=True, slots=True)
class ClaimDueDigests:
    """Claim due digests for a dispatcher, `owner`, and plan the digests of the day first if they are due."""

    clock: Clock
    ids: IdSource
    channel: str
    compose: ComposeDigest
    lease_time: timedelta
    retry: RetryPolicy

    def next_attempts(self, work: UnitOfWork) -> Mapping[str, datetime]:
        """Return the time of the next planning or attempt."""
        now = self.clock.now()
        planning = self.compose.schedule.next_planning(now, work.digests.planned_at())
        return {self.channel: min(planning, work.digests.next_attempt(now) or planning)}

    def __call__(self, work: UnitOfWork, *, owner: str, limits: Mapping[str, int]) -> Sequence[Claimed[Digest]]:
        """Return some of the due digests, claimed. Those with nothing to tell end here.

        After many of these, it returns none: the next call goes on.
        """
        now = self.clock.now()
        self._plan_if_due(work, now)
        until, limit = now + self.lease_time, min(limits[self.channel], CLAIMED_MAX)
        for _ in range(ROUNDS_MAX):
            due = work.digests.claim_due(now=now, owner=owner, until=until, limit=limit)
            if claimed := [each for digest in due if (each := self._compose(work, digest, now))]:
                return claimed
        return ()

    def _plan_if_due(self, work: UnitOfWork, now: datetime) -> None:
        """Plan one digest for each colleague who may have something to read, unless another process has done so."""
        schedule = self.compose.schedule
        if schedule.next_planning(now, work.digests.planned_at()) > now:
            return
        if schedule.next_planning(now, work.digests.planned_at_for_update()) > now:
            return
        recipients = [
            *work.follow_ups.owners_of_failed(now - RECENTLY),
            *work.tasks.assignees_due(end_of_day(now, schedule.zone)),
        ]
        by_key = {recipient.key: recipient for recipient in recipients}
        work.digests.plan(now, [Digest.plan(DigestId(self.ids.new()), each, now) for each in by_key.values()])
        work.digests.delete_ended(now - STORED_FOR)

    def _compose(self, work: UnitOfWork, digest: Digest, now: datetime) -> Claimed[Digest] | None:
        """Return the digest with its notice; None, after it has ended, if there is nothing to tell."""
        if digest.attempts > self.retry.attempts:
            return Claimed(digest, self._notice(digest, "", ""), INTERRUPTED)
        if digest.is_outdated(now):
            return Claimed(digest, self._notice(digest, "", ""), "It could not be sent in time.")
        composed = self.compose(work, digest.recipient.key, now)
        if composed is None:
            work.digests.save(digest.end(DigestState.EMPTY, now))
            return None
        return Claimed(digest, self._notice(digest, *composed))

    def _notice(self, digest: Digest, subject: str, message: str) -> FollowUpNotice:
        recipient = str(digest.recipient)
        return FollowUpNotice(
            kind=NoticeKind.DIGEST,
            follow_up_id=digest.id,
            lead_id="",
            idempotency_key=digest.id,
            attempt=digest.attempts,
            channel=self.channel,
            name=recipient,
            email=recipient,
            phone=None,
            message=message,
            subject=subject,
        )


@dataclass(frozen=True, slots=True)
class RecordDigest:
    """Record the outcome of an attempt, once, unless another dispatcher has claimed the digest since."""

    clock: Clock
    random_source: RandomSource
    retry: RetryPolicy

    def __call__(self, work: UnitOfWork, claimed: Digest, error: NotificationError | None) -> bool:
        """Record the outcome; return False if it no longer applies."""
        try:
            digest = work.digests.get_for_update(claimed.id)
        except NotFound:
            return False
        if digest.claims != claimed.claims or digest.lease is None:
            return False
        now = self.clock.now()
        if error is None:
            work.digests.save(digest.end(DigestState.SENT, now))
        else:
            wait = wait_after(error, digest.attempts, self.retry, self.random_source)
            work.digests.save(digest.fail_attempt(storable(error), wait, now))
        return True
