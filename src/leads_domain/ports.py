"""The stores' ports. `sources.py`, `notifier.py` and `statistics.py` hold the others.

The stores of one unit of work see each other's changes at once; other units of work see all of them or none,
after it ends. Any method of a store may raise `Unavailable`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from leads_domain.access import ApiKey
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import FollowUpQuery, LeadPosition, LeadQuery, Page, Position
from leads_domain.statistics import Reports


class LeadStore(Protocol):
    """Stores leads. No two leads have the same e-mail key, even with concurrent writers."""

    def add(self, lead: Lead) -> None:
        """Store a new lead; raises `DuplicateLead`, and changes nothing, if its e-mail key is taken."""

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """Store the new leads whose e-mail key is not taken, not even by an earlier one of them.

        Returns for each the id of the lead that has its e-mail key now: its own, if it was stored.
        """

    def get(self, id: LeadId) -> Lead:
        """Return the lead with this id; raises `NotFound`, or `Merged` for one that was redirected."""

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """Return the existing leads with these ids, each once, in any order."""

    def get_for_update(self, id: LeadId) -> Lead:
        """Return the lead as `get` does, and lock it against other changes until the unit of work ends."""

    def find_by_email(self, email_key: str) -> LeadId | None:
        """Return the id of the lead with this e-mail key, if there is one."""

    def save(self, lead: Lead) -> None:
        """Replace the lead with this id, which was got for a change; raises `DuplicateLead`."""

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """Remove a lead, and redirect its id and those redirected to it to `into`.

        Both were got for a change, and nothing belongs to the removed one any more.
        """

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """Return all ids that are redirected to this lead, in order."""

    def erase(self, id: LeadId) -> None:
        """Remove a lead that was got for a change, and the ids redirected to it; nothing belongs to it any more.

        Its data cannot be found again, not even in parts of the database that are no longer used.
        """

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """Return a page of the leads that `query` asks for, in its order."""

    def count(self, query: LeadQuery) -> int:
        """Return how many leads `query` asks for, on all pages together."""


class FollowUpStore(Protocol):
    """Stores follow-ups."""

    def add(self, follow_up: FollowUp) -> None:
        """Store a new follow-up of a stored lead."""

    def get(self, id: FollowUpId) -> FollowUp:
        """Return the follow-up with this id; raises `NotFound`."""

    def get_for_update(self, id: FollowUpId) -> FollowUp:
        """Return the follow-up as `get` does, and lock it against other changes until the unit of work ends."""

    def save(self, follow_up: FollowUp) -> None:
        """Replace the follow-up with this id, which was got for a change or claimed."""

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """Return a page of the follow-ups that `query` asks for, in its order."""

    def count(self, query: FollowUpQuery) -> int:
        """Return how many follow-ups `query` asks for, on all pages together."""

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """Return all scheduled follow-ups of a lead that was got for a change, the next due first."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all follow-ups of a lead to another; both were got for a change."""

    def erase(self, lead_id: LeadId) -> None:
        """Remove all follow-ups of a lead that was got for a change."""

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """Return the time of each channel's next attempt; follow-ups under a lease do not count."""

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """Return the queue statistics of each channel at `now`, with follow-ups under a lease.

        It counts everything that is scheduled, which takes time if there is much.
        """

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """Claim (`FollowUp.claim`) up to `limit` scheduled follow-ups of a channel whose next attempt is due at `now`.

        The longest due come first; those under a lease are passed over. Concurrent claims never get the same follow-up.
        """


class Timeline(Protocol):
    """Stores timeline entries, in the order in which they are added."""

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """Store these entries, in their order."""

    def of_lead(self, lead_id: LeadId, *, before: int | None, limit: int) -> Page[TimelineEntry, int]:
        """Return a page of a lead's entries, newest first, before a position that an earlier page gave."""

    def count_of_lead(self, lead_id: LeadId) -> int:
        """Return the number of a lead's entries."""

    def in_feed(self, *, after: int | None, limit: int) -> Page[TimelineEntry, int]:
        """Return a page of the published entries of all leads, by feed position, after one that an earlier page gave.

        A client that goes from page to page misses nothing and sees nothing twice: a new position is behind all
        earlier ones. `next` is the position of the page's last entry; only an empty page has none.
        """

    def has_unpublished(self) -> bool:
        """Return whether there are unpublished entries. All new ones are."""

    def publish(self, limit: int) -> int:
        """Give the next feed positions to up to `limit` unpublished entries, in their order; return how many."""

    def last_position(self) -> int:
        """Return the last feed position, 0 without any."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all entries of a lead to another; their order stays."""

    def erase(self, tombstone: TimelineEntry) -> None:
        """Store `tombstone`, and remove all other entries of its lead."""


class ApiKeyStore(Protocol):
    """Stores API keys, without their text."""

    def add(self, key: ApiKey) -> None:
        """Store a new key."""

    def find_by_digest(self, digest: str) -> ApiKey | None:
        """Return the key with this SHA-256, if there is one, revoked or not."""

    def get(self, id: str) -> ApiKey:
        """Return the key with this id, revoked or not; raises `NotFound`."""

    def all(self) -> Sequence[ApiKey]:
        """Return every key, revoked ones too, oldest first."""

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """Return a page of the keys, by time of creation, then id."""

    def all_for_update(self) -> Sequence[ApiKey]:
        """Return every key as `all` does; until the unit of work ends, no other can add or revoke a key."""

    def revoke(self, id: str, at: datetime) -> None:
        """Mark a key as revoked, keeping an earlier mark; raises `NotFound`."""

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """Store when the keys with these ids were last used, unless a later use is stored."""


class IdempotencyStore(Protocol):
    """Stores the first responses to requests that clients may repeat, one for each key of a caller."""

    def claim(self, caller: str, key: str) -> IdempotencyRecord | None:
        """Return the record under this key, if there is one.

        Until the unit of work ends, no other can claim the key: raises `RequestInProgress` at once, or waits.
        """

    def store(self, record: IdempotencyRecord) -> None:
        """Store a record under a claimed key, in place of an older one."""

    def erase(self, lead_id: LeadId) -> None:
        """Remove fingerprint and response from all records about a lead. Their keys stay."""

    def creation_times(self, lead_id: LeadId) -> Sequence[datetime]:
        """Return when the records about a lead were made, in any order."""

    def delete_expired(self, *, before: datetime, limit: int) -> None:
        """Delete up to `limit` records made at `before` or earlier, the oldest first, without waiting for locks."""


class UnitOfWork(Protocol):
    """The stores within one transaction.

    The runner of a use case opens one, commits it when the use case returns, and rolls it back when it raises. The
    domain never commits.
    """

    @property
    def leads(self) -> LeadStore:
        """Return the store of leads."""

    @property
    def follow_ups(self) -> FollowUpStore:
        """Return the store of follow-ups."""

    @property
    def timeline(self) -> Timeline:
        """Return the timeline."""

    @property
    def api_keys(self) -> ApiKeyStore:
        """Return the store of API keys."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """The answers to requests that may be repeated."""

    @property
    def reports(self) -> Reports:
        """Return the reports."""
