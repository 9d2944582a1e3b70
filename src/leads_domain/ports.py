"""Where the inside keeps things. `sources.py` and `notifier.py` hold the other ports.

The stores of one unit of work see each other's changes at once; others see them all together when
it ends, or never. Any method of a store may raise `Unavailable`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from leads_domain.access import ApiKey
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import FollowUpQuery, LeadPosition, LeadQuery, Page, Position
from leads_domain.pipeline import Status
from leads_domain.replies import StoredReply
from leads_domain.statistics import SourceCount


class LeadStore(Protocol):
    """Keeps leads. No two leads ever have the same e-mail key, whoever writes at the same time."""

    def add(self, lead: Lead) -> None:
        """Keep a new lead; raises `DuplicateLead`, and changes nothing, if its e-mail key is taken."""

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """Keep those new leads whose e-mail key is not taken, not even by one before them.

        Answers for each the id of the lead that has its e-mail key now: its own, if it is kept.
        """

    def get(self, id: LeadId) -> Lead:
        """The lead with this id; raises `NotFound`, or `Merged` for one that was redirected."""

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """Those leads with these ids that there are, each once, in any order."""

    def get_for_change(self, id: LeadId) -> Lead:
        """As `get`; until the unit of work ends, nobody else can get this lead for a change."""

    def with_email(self, email_key: str) -> LeadId | None:
        """The id of the lead that has this e-mail key, if there is one."""

    def save(self, lead: Lead) -> None:
        """Replace the kept lead of this id, which was got for a change; raises `DuplicateLead`."""

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """Remove a lead; its id, and those that were redirected to it, lead to `into` from now on.

        Both were got for a change, and nothing belongs to the removed one any more.
        """

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """All ids that lead to this lead, in their order."""

    def erase(self, id: LeadId) -> None:
        """Remove a lead that was got for a change and to which nothing belongs any more, and what leads to it.

        Nothing that was kept of it can be found again, not even in what the database itself no longer uses.
        """

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """The leads that `query` asks for, in its order."""

    def count(self, query: LeadQuery) -> int:
        """How many leads `query` asks for, on all pages together."""


class FollowUpStore(Protocol):
    """Keeps follow-ups."""

    def add(self, follow_up: FollowUp) -> None:
        """Keep a new follow-up of a lead that is kept."""

    def get(self, id: FollowUpId) -> FollowUp:
        """The follow-up with this id; raises `NotFound`."""

    def get_for_change(self, id: FollowUpId) -> FollowUp:
        """As `get`; until the unit of work ends, nobody else can get this follow-up for a change."""

    def save(self, follow_up: FollowUp) -> None:
        """Replace the kept follow-up of this id, which was got for a change or claimed."""

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """The follow-ups that `query` asks for, in its order."""

    def count(self, query: FollowUpQuery) -> int:
        """How many follow-ups `query` asks for, on all pages together."""

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """All scheduled follow-ups of a lead that was got for a change, the next due first."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Have all follow-ups of a lead belong to another; both were got for a change."""

    def erase(self, lead_id: LeadId) -> None:
        """Remove all follow-ups of a lead that was got for a change."""

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """When each channel that has scheduled follow-ups is next to attempt one, those under a lease disregarded."""

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """What is scheduled on each channel, and how much of it is due at `now`, whether under a lease or not.

        It counts everything that is scheduled, so with very many it takes its time.
        """

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """Claim (`FollowUp.claim`) up to `limit` scheduled follow-ups of a channel whose next attempt is due at `now`.

        Those whose lease has not ended are passed over; the longest due come first. Two that claim at
        the same time never get the same follow-up.
        """


class Timeline(Protocol):
    """Remembers what happened, in the order in which it was told."""

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """Remember these, in their order."""

    def of_lead(self, lead_id: LeadId, *, before: int | None, limit: int) -> Page[TimelineEntry, int]:
        """What happened to a lead, newest first, before a position that an earlier page gave."""

    def count_of_lead(self, lead_id: LeadId) -> int:
        """How many things happened to a lead."""

    def in_feed(self, *, after: int | None, limit: int) -> Page[TimelineEntry, int]:
        """What happened to all leads and has its place in the feed, in that order, after one that an earlier page gave.

        Whoever goes on from page to page misses nothing and sees nothing twice: what gets a place gets one behind all
        that was ever given. `next` is the place of the page's last entry; only an empty page has none.
        """

    def has_unplaced(self) -> bool:
        """Whether there are entries that have no place in the feed yet, such as all that are new."""

    def place(self, limit: int) -> int:
        """Give the next places in the feed to up to `limit` entries that have none, in their order; return how many."""

    def last_place(self) -> int:
        """Return the last place in the feed that an entry has, 0 without any."""

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """Have everything that happened to a lead have happened to another, in the order in which it was told."""

    def erase(self, tombstone: TimelineEntry) -> None:
        """Remember `tombstone`, and forget everything else that happened to its lead."""


class ApiKeyStore(Protocol):
    """Keeps what is known of API keys."""

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""

    def with_digest(self, digest: str) -> ApiKey | None:
        """The key with this SHA-256, if there is one, revoked or not."""

    def get(self, id: str) -> ApiKey:
        """The key with this id, revoked or not; raises `NotFound`."""

    def all(self) -> Sequence[ApiKey]:
        """Every key, revoked ones too, oldest first."""

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """The same page by page: by time of creation, then id."""

    def all_for_change(self) -> Sequence[ApiKey]:
        """As `all`; until the unit of work ends, nobody else can add or revoke a key."""

    def revoke(self, id: str, at: datetime) -> None:
        """Mark a key as revoked, keeping an earlier mark; raises `NotFound`."""

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """Remember when the keys with these ids were last used; what is known of a later use stays."""


class ReplyStore(Protocol):
    """Keeps the first answers to requests that clients may repeat, one for each key of a caller."""

    def claim(self, caller: str, key: str) -> StoredReply | None:
        """The reply that is kept under this key, if there is one.

        Until the unit of work ends, nobody else can claim the key: raises `RequestInProgress` at once, or waits.
        """

    def keep(self, reply: StoredReply) -> None:
        """Keep a reply under a key that was claimed, in the place of an older one."""

    def forget(self, lead_id: LeadId) -> None:
        """Take fingerprint and answer from all replies about a lead. Their keys stay."""

    def times(self, lead_id: LeadId) -> Sequence[datetime]:
        """When the replies about a lead were made, in any order."""

    def drop(self, *, before: datetime, limit: int) -> None:
        """Drop up to `limit` replies that were made at `before` or earlier, the oldest first, waiting for nobody."""


class Reports(Protocol):
    """Counts what is kept. To answer takes longer the more there is."""

    def leads_by_status(self) -> Mapping[Status, int]:
        """How many leads have each status that any has."""

    def leads_by_source(self, won: Collection[Status], *, limit: int) -> Sequence[SourceCount]:
        """The sources of most leads, up to `limit`, with how many of them have one of the statuses `won`.

        Of equal numbers the unknown source comes first, and then the others in the order of their code points.
        """

    def median_time_to_first_contact(self) -> timedelta | None:
        """Of all leads that were ever contacted, the median of how long that took; None if there are none.

        Of an even number it is the mean of the two in the middle.
        """

    def overdue_follow_ups(self, now: datetime) -> int:
        """How many follow-ups are still scheduled although their due time has passed."""


class UnitOfWork(Protocol):
    """The stores, seen within one all-or-nothing piece of work.

    Whoever runs a use case opens one, commits it when the use case returns and discards it when the
    use case raises: the inside never commits.
    """

    @property
    def leads(self) -> LeadStore:
        """The leads."""

    @property
    def follow_ups(self) -> FollowUpStore:
        """The follow-ups."""

    @property
    def timeline(self) -> Timeline:
        """What happened."""

    @property
    def api_keys(self) -> ApiKeyStore:
        """The API keys."""

    @property
    def replies(self) -> ReplyStore:
        """The answers to requests that may be repeated."""

    @property
    def reports(self) -> Reports:
        """The numbers."""
