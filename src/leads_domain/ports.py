"""The ports of the stores. The table in `docs/architecture.md` lists the other ports.

The stores of a unit of work see each other's changes immediately. Other units of work see all of them or none, after
the unit of work has ended. Each method of a store can raise `Unavailable`.

A page has up to `limit` items, and up to `bytes_max` bytes of them, but at least one item. The large field of an item
counts: the attributes of a lead, the data of an entry, the message of a follow-up, the text of a task, the content of
a submission. Items beyond the page are not fetched.

"Locked" means that `get_for_update` has returned the object in this unit of work.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from leads_domain.access import ApiKey
from leads_domain.assignment import Turns
from leads_domain.calendar import Calendar, CalendarEntry, CalendarId
from leads_domain.contact import EmailAddress
from leads_domain.digest import Digest, DigestId
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import (
    PAGE_BYTES_MAX,
    FollowUpQuery,
    LeadPosition,
    LeadQuery,
    Page,
    Position,
    SubmissionQuery,
    TaskQuery,
)
from leads_domain.similarity import SimilarLeads
from leads_domain.statistics import Reports
from leads_domain.submission import Submission, SubmissionId
from leads_domain.task import Task, TaskId
from leads_domain.unsubscribing import UnsubscribeToken


class LeadStore(Protocol):
    """A store of leads. No two leads have the same identity, even with concurrent writers."""

    def add(self, lead: Lead) -> None:
        """Store a new lead; raises `DuplicateLead` without any change if another lead has its identity."""

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """Store the new leads whose identity is free. Return, for each lead, the id that its identity has now.

        That is the id of the lead itself if it was stored. If several of `leads` have the same identity, the first is
        stored. None means that an existing lead had the identity, and was removed in the meantime.
        """

    def get(self, id: LeadId) -> Lead:
        """Return the lead with this id; raises `NotFound`, or `Merged` for the id of a merged lead."""

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """Return the existing leads with these ids, without repetitions, in any order."""

    def get_for_update(self, id: LeadId) -> Lead:
        """Return the lead as `get` does, and lock it until the unit of work ends."""

    def find_by_identity(self, identity: str) -> LeadId | None:
        """Return the id of the lead with this identity (`Lead.identity`); None if there is none."""

    def find_person(self, identity: str) -> LeadId | None:
        """Return the id of the lead with this identity, else of the lead that has replaced a merged lead with it.

        If several merged leads had this identity, the last created of them counts.
        """

    def save(self, lead: Lead) -> None:
        """Replace a locked lead; raises `DuplicateLead` if another lead has its identity."""

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """Delete a lead. Redirect its id, its identity, and all that are redirected to it, to the lead `into`.

        Both are locked, and the deleted lead has no follow-ups, tasks, submissions and timeline entries.
        """

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """Return all ids that are redirected to this lead, in order."""

    def erase(self, id: LeadId) -> None:
        """Erase a locked lead, and the ids and identities redirected to it.

        The lead has no follow-ups, tasks and submissions. The data is also overwritten in unused parts of the database
        (secure delete).
        """

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """Return a page of the leads that match the query."""

    def count(self, query: LeadQuery) -> int:
        """Return the number of leads that match the query, on all pages."""


class FollowUpStore(Protocol):
    """A store of follow-ups."""

    def add(self, follow_up: FollowUp) -> None:
        """Store a new follow-up of a stored lead."""

    def get(self, id: FollowUpId) -> FollowUp:
        """Return the follow-up with this id; raises `NotFound`."""

    def get_for_update(self, id: FollowUpId) -> FollowUp:
        """Return the follow-up as `get` does, and lock it until the unit of work ends."""

    def save(self, follow_up: FollowUp) -> None:
        """Replace a locked or claimed follow-up."""

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """Return a page of the follow-ups that match the query."""

    def count(self, query: FollowUpQuery) -> int:
        """Return the number of follow-ups that match the query, on all pages."""

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """Return all scheduled follow-ups of a locked lead, ordered by due time."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all follow-ups of a lead to another lead. Both are locked."""

    def erase(self, lead_id: LeadId) -> None:
        """Erase all follow-ups of a locked lead."""

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """Return the time of the next attempt of each channel, without follow-ups that are leased at `now`."""

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """Return the queue statistics of each channel at `now`, including leased follow-ups.

        This counts all scheduled follow-ups, so it is slow if there are many.
        """

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """Claim (`FollowUp.claim`) up to `limit` scheduled follow-ups of a channel whose next attempt is due at `now`.

        The longest overdue come first, and leased follow-ups are skipped. Concurrent claims never return the same
        follow-up.
        """

    def recently_failed(self, since: datetime, *, owner_key: str | None, limit: int) -> Sequence[FollowUp]:
        """Return up to `limit` follow-ups that have failed since this time, the last one first.

        Reminders of tasks that are not open are left out. With `owner_key`, return only those of leads with this owner.
        """

    def count_recently_failed(self, since: datetime, *, owner_key: str | None) -> int:
        """Return the number of follow-ups that `recently_failed` would return without a limit."""

    def owners_of_failed(self, since: datetime) -> Sequence[EmailAddress]:
        """Return the owners of the leads that `recently_failed` is about, each once, in any order."""


class TaskStore(Protocol):
    """A store of tasks."""

    def add(self, task: Task) -> None:
        """Store a new task of a stored lead."""

    def get(self, id: TaskId) -> Task:
        """Return the task with this id; raises `NotFound`."""

    def get_for_update(self, id: TaskId) -> Task:
        """Return the task as `get` does, and lock it until the unit of work ends."""

    def save(self, task: Task) -> None:
        """Replace a locked task."""

    def page(self, query: TaskQuery) -> Page[Task, Position]:
        """Return a page of the tasks that match the query."""

    def count(self, query: TaskQuery) -> int:
        """Return the number of tasks that match the query, on all pages."""

    def assignees_due(self, before: datetime) -> Sequence[EmailAddress]:
        """Return the assignees of open tasks that are due before this time, each once, in any order."""

    def open_of_lead(self, lead_id: LeadId) -> Sequence[Task]:
        """Return and lock all open tasks of a locked lead, ordered by due time."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all tasks of a lead to another lead. Both are locked."""

    def erase(self, lead_id: LeadId) -> None:
        """Erase all tasks of a locked lead, which has no reminders any more."""


class DigestStore(Protocol):
    """A store of digests, and of the time when digests were last planned."""

    def planned_at(self) -> datetime | None:
        """Return the time of the last planning; None if there was none."""

    def planned_at_for_update(self) -> datetime | None:
        """Return the time of the last planning. Until the unit of work ends, no other one can call this."""

    def plan(self, at: datetime, digests: Iterable[Digest]) -> None:
        """Store the time of this planning, which is locked, and its new digests."""

    def get(self, id: DigestId) -> Digest:
        """Return the digest with this id; raises `NotFound`."""

    def get_for_update(self, id: DigestId) -> Digest:
        """Return the digest as `get` does, and lock it until the unit of work ends."""

    def save(self, digest: Digest) -> None:
        """Replace a locked or claimed digest."""

    def next_attempt(self, now: datetime) -> datetime | None:
        """Return the time of the next attempt, without digests that are leased at `now`; None if there is none."""

    def claim_due(self, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[Digest]:
        """Claim (`Digest.claim`) up to `limit` scheduled digests whose next attempt is due at `now`.

        The longest overdue come first, and leased digests are skipped. Concurrent claims never return the same digest.
        """

    def failed(self, since: datetime) -> Sequence[Digest]:
        """Return the digests that were planned since this time and have failed, the first planned first."""

    def delete_ended(self, before: datetime) -> None:
        """Delete the digests that were planned before this time and are not scheduled any more."""


class Timeline(Protocol):
    """A store of timeline entries, in the order in which they are added."""

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """Store entries, in their order."""

    def of_lead(
        self, lead_id: LeadId, *, before: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX
    ) -> Page[TimelineEntry, int]:
        """Return a page of the entries of a lead, newest first, before the position `next` of an earlier page."""

    def count_of_lead(self, lead_id: LeadId) -> int:
        """Return the number of entries of a lead."""

    def last_time(self, lead_id: LeadId) -> datetime | None:
        """Return the time of the last entry of a lead; None if it has no entries."""

    def in_feed(self, *, after: int | None, limit: int, bytes_max: int = PAGE_BYTES_MAX) -> Page[TimelineEntry, int]:
        """Return a page of the published entries of all leads, ordered by feed position.

        `next` is the feed position of the last entry; only an empty page has none. Pass it as `after` to get the next
        page. New feed positions are greater than all earlier ones, so that no entry is skipped or repeated.
        """

    def has_unpublished(self) -> bool:
        """Return whether there are unpublished entries. New entries are unpublished."""

    def publish(self, limit: int) -> int:
        """Give the next feed positions to up to `limit` unpublished entries, in their order; return the number."""

    def last_position(self) -> int:
        """Return the last feed position; 0 if there is none."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all entries of a lead to another lead, in the same order."""

    def erase(self, tombstone: TimelineEntry) -> None:
        """Store `tombstone`, and erase all other entries of its lead."""


class SubmissionStore(Protocol):
    """A store of submissions. No two have the same `digest` or `content_digest`, even with concurrent writers."""

    def add(self, submission: Submission, *, repeated_within: timedelta | None) -> Submission:
        """Store a new submission, and return it. If another one has one of its digests, return that, and store nothing.

        A submission that was received `repeated_within` earlier, or as much later by a clock that was set back since,
        does not count, and loses its digests.
        """

    def get(self, id: SubmissionId) -> Submission:
        """Return the submission with this id; raises `NotFound`."""

    def get_for_update(self, id: SubmissionId) -> Submission:
        """Return the submission as `get` does, and lock it until the unit of work ends."""

    def save(self, submission: Submission) -> None:
        """Store the state, the reason and the lead of a locked submission. Its other values never change."""

    def page(self, query: SubmissionQuery) -> Page[Submission, Position]:
        """Return a page of the submissions that match the query, newest first."""

    def count(self, query: SubmissionQuery) -> int:
        """Return the number of submissions that match the query, on all pages."""

    def unprocessed(self, *, limit: int) -> Sequence[SubmissionId]:
        """Return up to `limit` submissions in the state `received`, oldest first."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Move all submissions of a lead to another lead. Both are locked."""

    def erase(self, lead_id: LeadId) -> None:
        """Erase all submissions of a locked lead."""

    def delete_expired(self, *, before: datetime, limit: int) -> int:
        """Delete up to `limit` submissions received before this time, without waiting for locks; return the number."""


class UnsubscribeTokenStore(Protocol):
    """A store of the tokens in unsubscribe links. A lead has at most one, and keeps it when it is merged."""

    def get_or_add(self, tokens: Mapping[LeadId, UnsubscribeToken]) -> Mapping[LeadId, UnsubscribeToken]:
        """Store these new tokens for the leads that have none, and return the token of each of the leads.

        Concurrent units of work get the same token for a lead, and do not deadlock.
        """

    def find_lead(self, token: UnsubscribeToken) -> LeadId | None:
        """Return the id of the lead with this token, also if the lead was merged since; None if there is none."""

    def erase(self, lead_id: LeadId) -> None:
        """Erase the token of a lead."""


class ApiKeyStore(Protocol):
    """A store of API keys, without their text."""

    def add(self, key: ApiKey) -> None:
        """Store a new key."""

    def find_by_digest(self, digest: str) -> ApiKey | None:
        """Return the key with this SHA-256, also if it is revoked; None if there is none."""

    def get(self, id: str) -> ApiKey:
        """Return the key with this id, also if it is revoked; raises `NotFound`."""

    def all(self) -> Sequence[ApiKey]:
        """Return all keys, including revoked ones, oldest first."""

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """Return a page of the keys, ordered by creation time, then by id."""

    def all_for_update(self) -> Sequence[ApiKey]:
        """Return the keys as `all` does; until the unit of work ends, no other one can add or revoke keys."""

    def revoke(self, id: str, at: datetime) -> None:
        """Set the time of revocation of a key, unless it has one; raises `NotFound`."""

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """Store the times of last use by key id, unless a later one is stored. None is earlier than the creation."""


class CalendarStore(Protocol):
    """A store of calendars, without their secrets."""

    def add(self, calendar: Calendar) -> None:
        """Store a new calendar."""

    def get(self, id: CalendarId) -> Calendar:
        """Return the calendar with this id, also if it is revoked; raises `NotFound`."""

    def find_by_digest(self, digest: str) -> Calendar | None:
        """Return the calendar whose secret has this SHA-256, also if it is revoked; None if there is none."""

    def page(self, *, after: Position | None, limit: int) -> Page[Calendar, Position]:
        """Return a page of the calendars, including revoked ones, ordered by creation time, then by id."""

    def count(self) -> int:
        """Return the number of calendars, including revoked ones."""

    def revoke(self, id: CalendarId, at: datetime) -> None:
        """Set the time of revocation of a calendar, unless it has one; raises `NotFound`."""

    def entries(self, owner_key: str, *, due_from: datetime, limit: int) -> Sequence[CalendarEntry]:
        """Return what a person's calendar shows: the open tasks, and the scheduled follow-ups of the person's leads.

        Up to `limit` entries that are due at `due_from` or later, ordered by due time, then by id. Texts are truncated
        to `ENTRY_TEXT_MAX` characters. This can be slow if the person has many leads.
        """


class IdempotencyStore(Protocol):
    """A store of idempotency records: the first response for each idempotency key of a caller."""

    def claim(self, caller: str, key: str) -> IdempotencyRecord | None:
        """Lock the key until the unit of work ends, and return its record; None if there is none.

        If another unit of work has locked the key, the call waits, or raises `RequestInProgress`.
        """

    def store(self, record: IdempotencyRecord) -> None:
        """Store the record of a claimed key, and replace an older one."""

    def erase(self, lead_id: LeadId) -> None:
        """Erase fingerprint and response in all records about a lead. Their keys stay."""

    def creation_times(self, lead_id: LeadId) -> Sequence[datetime]:
        """Return the creation times of the records about a lead, in any order."""

    def delete_expired(self, *, before: datetime, limit: int) -> None:
        """Delete up to `limit` records created at `before` or earlier, oldest first, without waiting for locks."""


class UnitOfWork(Protocol):
    """The stores within one transaction.

    The database runs a use case in a unit of work. It commits when the use case returns, and rolls back when the use
    case raises. The domain never commits.
    """

    @property
    def leads(self) -> LeadStore:
        """Return the store of leads."""

    @property
    def follow_ups(self) -> FollowUpStore:
        """Return the store of follow-ups."""

    @property
    def tasks(self) -> TaskStore:
        """Return the store of tasks."""

    @property
    def digests(self) -> DigestStore:
        """Return the store of digests."""

    @property
    def timeline(self) -> Timeline:
        """Return the timeline."""

    @property
    def submissions(self) -> SubmissionStore:
        """Return the store of submissions."""

    @property
    def unsubscribe_tokens(self) -> UnsubscribeTokenStore:
        """Return the store of unsubscribe tokens."""

    @property
    def api_keys(self) -> ApiKeyStore:
        """Return the store of API keys."""

    @property
    def calendars(self) -> CalendarStore:
        """Return the store of calendars."""

    @property
    def idempotency(self) -> IdempotencyStore:
        """Return the store of idempotency records."""

    @property
    def similar_leads(self) -> SimilarLeads:
        """Return the finder of possible duplicates."""

    @property
    def turns(self) -> Turns:
        """Return the turns of the assignment."""

    @property
    def reports(self) -> Reports:
        """Return the reports."""
