"""Store digests in a dictionary."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from leads_domain.digest import Digest, DigestId, DigestState
from leads_domain.errors import NotFound


class MemoryDigestStore:
    """A store of digests in a dictionary, with the time of the last planning in a list of at most one item."""

    def __init__(self, plan: list[datetime], stored: dict[DigestId, Digest]) -> None:
        self._plan = plan
        self._stored = stored

    def planned_at(self) -> datetime | None:
        """See `DigestStore.planned_at`."""
        return self._plan[0] if self._plan else None

    planned_at_for_update = planned_at

    def plan(self, at: datetime, digests: Iterable[Digest]) -> None:
        """See `DigestStore.plan`."""
        self._plan[:] = [at]
        self._stored.update({digest.id: digest for digest in digests})

    def get(self, id: DigestId) -> Digest:
        """See `DigestStore.get`."""
        if id not in self._stored:
            raise NotFound("digest", id)
        return self._stored[id]

    get_for_update = get

    def save(self, digest: Digest) -> None:
        """See `DigestStore.save`."""
        self._stored[digest.id] = digest

    def next_attempt(self, now: datetime) -> datetime | None:
        """See `DigestStore.next_attempt`."""
        return min((at for at, _ in self._unleased(now)), default=None)

    def claim_due(self, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[Digest]:
        """See `DigestStore.claim_due`."""
        due = [digest for at, digest in self._unleased(now) if at <= now]
        claimed = [digest.claim(owner, until, now) for digest in due[:limit]]
        self._stored.update({digest.id: digest for digest in claimed})
        return claimed

    def failed(self, since: datetime) -> Sequence[Digest]:
        """See `DigestStore.failed`."""
        failed = (
            each for each in self._stored.values() if each.state is DigestState.FAILED and each.planned_at >= since
        )
        return sorted(failed, key=lambda each: (each.planned_at, each.id))

    def delete_ended(self, before: datetime) -> None:
        """See `DigestStore.delete_ended`."""
        for each in [*self._stored.values()]:
            if each.state is not DigestState.SCHEDULED and each.planned_at < before:
                del self._stored[each.id]

    def _unleased(self, now: datetime) -> list[tuple[datetime, Digest]]:
        """Return pairs of next attempt and digest, without currently leased digests, ordered by time."""
        unleased = [
            (each.next_attempt_at, each)
            for each in self._stored.values()
            if each.next_attempt_at is not None and (each.lease is None or each.lease.until <= now)
        ]
        return sorted(unleased, key=lambda each: (each[0], each[1].id))
