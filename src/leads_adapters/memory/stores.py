"""Stores that keep everything in dictionaries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from leads_domain.access import ApiKey
from leads_domain.errors import DuplicateLead, Merged, NotFound
from leads_domain.events import TimelineEntry
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import FollowUpQuery, LeadPosition, LeadQuery, Page, Position
from leads_domain.replies import StoredReply
from leads_domain.search import lead_words


class MemoryLeadStore:
    """Keeps leads in a dictionary, and in another where the ids of merged ones lead to."""

    def __init__(self, kept: dict[LeadId, Lead], merged: dict[LeadId, LeadId]) -> None:
        self._kept = kept
        self._merged = merged

    def add(self, lead: Lead) -> None:
        """See `LeadStore.add`."""
        self._refuse_duplicate(lead)
        self._kept[lead.id] = lead

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """See `LeadStore.add_many`."""
        for lead in leads:
            if self.with_email(lead.email.key) is None:
                self._kept[lead.id] = lead
        return [self.with_email(lead.email.key) for lead in leads]

    def get(self, id: LeadId) -> Lead:
        """See `LeadStore.get`."""
        if id in self._merged:
            raise Merged(id, self._merged[id])
        if id not in self._kept:
            raise NotFound("lead", id)
        return self._kept[id]

    get_for_change = get

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """See `LeadStore.get_many`."""
        return [self._kept[id] for id in set(ids) & self._kept.keys()]

    def with_email(self, email_key: str) -> LeadId | None:
        """See `LeadStore.with_email`."""
        return next((lead.id for lead in self._kept.values() if lead.email.key == email_key), None)

    def save(self, lead: Lead) -> None:
        """See `LeadStore.save`."""
        self._refuse_duplicate(lead)
        self._kept[lead.id] = lead

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """See `LeadStore.redirect`."""
        del self._kept[id]
        self._merged.update(dict.fromkeys([id, *self.redirected_to(id)], into))

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """See `LeadStore.redirected_to`."""
        return sorted(merged for merged, into in self._merged.items() if into == id)

    def forget(self, id: LeadId) -> None:
        """See `LeadStore.forget`."""
        del self._kept[id]
        for merged in self.redirected_to(id):
            del self._merged[merged]

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """See `LeadStore.page`."""
        placed = [(_order(query.sort.position(lead)), lead) for lead in self._asked_for(query)]
        if query.after is not None:
            after = _order(query.after)
            placed = [each for each in placed if (each[0] < after if query.sort.descending else each[0] > after)]
        found = [lead for _, lead in sorted(placed, key=itemgetter(0), reverse=query.sort.descending)]
        items = found[: query.limit]
        return Page(items, query.sort.position(items[-1]) if len(found) > query.limit else None)

    def count(self, query: LeadQuery) -> int:
        """See `LeadStore.count`."""
        return len(self._asked_for(query))

    def _asked_for(self, query: LeadQuery) -> list[Lead]:
        return [lead for lead in self._kept.values() if _meant(lead, query)]

    def _refuse_duplicate(self, lead: Lead) -> None:
        existing = self.with_email(lead.email.key)
        if existing not in (None, lead.id):
            raise DuplicateLead(existing)


def _order(position: LeadPosition) -> tuple[bool, Any, str]:
    return (position.value is None, position.value, position.id)


def _meant(lead: Lead, query: LeadQuery) -> bool:
    words = lead_words(lead)
    at = lead.next_follow_up_at
    return (
        (not query.statuses or lead.status in query.statuses)
        and query.source in (None, lead.source)
        and query.owner_key in (None, lead.owner and lead.owner.key)
        and query.email_key in (None, lead.email.key)
        and (query.created_from is None or lead.created_at >= query.created_from)
        and (query.created_to is None or lead.created_at < query.created_to)
        and (query.updated_from is None or lead.updated_at >= query.updated_from)
        and query.has_follow_up in (None, at is not None)
        and (query.follow_up_due_before is None or (at is not None and at < query.follow_up_due_before))
        and all(any(f" {word}" in words for word in choice) for choice in query.words)
    )


class MemoryFollowUpStore:
    """Keeps follow-ups in a dictionary."""

    def __init__(self, kept: dict[FollowUpId, FollowUp]) -> None:
        self._kept = kept

    def add(self, follow_up: FollowUp) -> None:
        """See `FollowUpStore.add`."""
        self._kept[follow_up.id] = follow_up

    save = add

    def get(self, id: FollowUpId) -> FollowUp:
        """See `FollowUpStore.get`."""
        if id not in self._kept:
            raise NotFound("follow-up", id)
        return self._kept[id]

    get_for_change = get

    def page(self, query: FollowUpQuery) -> Page[FollowUp, Position]:
        """See `FollowUpStore.page`."""
        found = sorted(
            (
                each
                for each in self._asked_for(query)
                if query.after is None or (each.due_at, each.id) > (query.after.at, query.after.id)
            ),
            key=lambda each: (each.due_at, each.id),
        )
        items = found[: query.limit]
        return Page(items, Position(items[-1].due_at, items[-1].id) if len(found) > query.limit else None)

    def count(self, query: FollowUpQuery) -> int:
        """See `FollowUpStore.count`."""
        return len(self._asked_for(query))

    def _asked_for(self, query: FollowUpQuery) -> list[FollowUp]:
        return [
            each
            for each in self._kept.values()
            if query.lead_id in (None, each.lead_id)
            and (not query.states or each.state in query.states)
            and query.channel in (None, each.channel)
            and (query.due_before is None or each.due_at < query.due_before)
        ]

    def scheduled_of_lead(self, lead_id: LeadId) -> Sequence[FollowUp]:
        """See `FollowUpStore.scheduled_of_lead`."""
        query = FollowUpQuery(lead_id=lead_id, states=(FollowUpState.SCHEDULED,), limit=len(self._kept))
        return self.page(query).items

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `FollowUpStore.move`."""
        for each in self._of_lead(from_lead):
            self._kept[each.id] = replace(each, lead_id=to_lead)

    def forget(self, lead_id: LeadId) -> None:
        """See `FollowUpStore.forget`."""
        for each in self._of_lead(lead_id):
            del self._kept[each.id]

    def next_attempts(self, now: datetime) -> Mapping[str, datetime]:
        """See `FollowUpStore.next_attempts`."""
        return {follow_up.channel: at for at, follow_up in reversed(self._free(now))}

    def backlog(self, now: datetime) -> Mapping[str, Backlog]:
        """See `FollowUpStore.backlog`."""
        found: dict[str, list[datetime]] = {}
        for each in self._kept.values():
            if each.next_attempt_at is not None:
                found.setdefault(each.channel, []).append(each.next_attempt_at)
        return {
            channel: Backlog(scheduled=len(times), due=sum(at <= now for at in times), next_attempt_at=min(times))
            for channel, times in found.items()
        }

    def claim_due(self, channel: str, *, now: datetime, owner: str, until: datetime, limit: int) -> Sequence[FollowUp]:
        """See `FollowUpStore.claim_due`."""
        due = [follow_up for at, follow_up in self._free(now) if follow_up.channel == channel and at <= now]
        claimed = [follow_up.claim(owner, until, now) for follow_up in due[:limit]]
        self._kept.update({follow_up.id: follow_up for follow_up in claimed})
        return claimed

    def _of_lead(self, lead_id: LeadId) -> list[FollowUp]:
        return [each for each in self._kept.values() if each.lead_id == lead_id]

    def _free(self, now: datetime) -> list[tuple[datetime, FollowUp]]:
        """What is scheduled and under no lease, by the time of its next attempt."""
        free = [
            (each.next_attempt_at, each)
            for each in self._kept.values()
            if each.next_attempt_at is not None and (each.lease is None or each.lease.until <= now)
        ]
        return sorted(free, key=lambda each: (each[0], each[1].id))


class MemoryTimeline:
    """Keeps what happened in a list, and of each entry, by its id, the place in the feed."""

    def __init__(self, kept: list[TimelineEntry], places: dict[str, int]) -> None:
        self._kept = kept
        self._places = places

    def add(self, entries: Iterable[TimelineEntry]) -> None:
        """See `Timeline.add`."""
        self._kept.extend(entries)

    def of_lead(self, lead_id: LeadId, *, before: int | None, limit: int) -> Page[TimelineEntry, int]:
        """See `Timeline.of_lead`. A position is a place in the list."""
        places = range(len(self._kept) if before is None else before)
        found = [place for place in reversed(places) if self._kept[place].lead_id == lead_id]
        shown = found[:limit]
        return Page([self._kept[place] for place in shown], shown[-1] if len(found) > limit else None)

    def count_of_lead(self, lead_id: LeadId) -> int:
        """See `Timeline.count_of_lead`."""
        return sum(entry.lead_id == lead_id for entry in self._kept)

    def in_feed(self, *, after: int | None, limit: int) -> Page[TimelineEntry, int]:
        """See `Timeline.in_feed`."""
        shown = [entry for entry in self._kept if self._places.get(entry.id, 0) > (after or 0)][:limit]
        return Page(shown, self._places[shown[-1].id] if shown else None)

    def has_unplaced(self) -> bool:
        """See `Timeline.has_unplaced`."""
        return any(entry.id not in self._places for entry in self._kept)

    def place(self, limit: int) -> int:
        """See `Timeline.place`. The places of what is erased stay known, and are not given again."""
        unplaced = [entry for entry in self._kept if entry.id not in self._places][:limit]
        for entry in unplaced:
            self._places[entry.id] = len(self._places) + 1
        return len(unplaced)

    def last_place(self) -> int:
        """See `Timeline.last_place`."""
        return len(self._places)

    def move(self, from_lead: LeadId, to_lead: LeadId) -> None:
        """See `Timeline.move`."""
        self._kept[:] = [
            replace(entry, lead_id=to_lead) if entry.lead_id == from_lead else entry for entry in self._kept
        ]

    def erase(self, tombstone: TimelineEntry) -> None:
        """See `Timeline.erase`."""
        self._kept[:] = [*(entry for entry in self._kept if entry.lead_id != tombstone.lead_id), tombstone]


class MemoryApiKeyStore:
    """Keeps API keys in a dictionary."""

    def __init__(self, kept: dict[str, ApiKey]) -> None:
        self._kept = kept

    def add(self, key: ApiKey) -> None:
        """See `ApiKeyStore.add`."""
        self._kept[key.id] = key

    def with_digest(self, digest: str) -> ApiKey | None:
        """See `ApiKeyStore.with_digest`."""
        return next((key for key in self._kept.values() if key.digest == digest), None)

    def get(self, id: str) -> ApiKey:
        """See `ApiKeyStore.get`."""
        if id not in self._kept:
            raise NotFound("API key", id)
        return self._kept[id]

    def all(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all`."""
        return sorted(self._kept.values(), key=lambda key: (key.created_at, key.id))

    def page(self, *, after: Position | None, limit: int) -> Page[ApiKey, Position]:
        """See `ApiKeyStore.page`."""
        found = [key for key in self.all() if after is None or (key.created_at, key.id) > (after.at, after.id)]
        items = found[:limit]
        return Page(items, Position(items[-1].created_at, items[-1].id) if len(found) > limit else None)

    def all_for_change(self) -> Sequence[ApiKey]:
        """See `ApiKeyStore.all_for_change`."""
        return self.all()

    def revoke(self, id: str, at: datetime) -> None:
        """See `ApiKeyStore.revoke`."""
        key = self.get(id)
        self._kept[id] = replace(key, revoked_at=key.revoked_at or at)

    def record_use(self, used: Mapping[str, datetime]) -> None:
        """See `ApiKeyStore.record_use`."""
        for key in (self._kept[id] for id in used if id in self._kept):
            self._kept[key.id] = replace(key, last_used_at=max(key.last_used_at or used[key.id], used[key.id]))


class MemoryReplyStore:
    """Keeps replies in a dictionary. One unit of work runs at a time, so that nobody else claims a key."""

    def __init__(self, kept: dict[tuple[str, str], StoredReply]) -> None:
        self._kept = kept

    def claim(self, caller: str, key: str) -> StoredReply | None:
        """See `ReplyStore.claim`."""
        return self._kept.get((caller, key))

    def keep(self, reply: StoredReply) -> None:
        """See `ReplyStore.keep`."""
        self._kept[reply.caller, reply.key] = reply

    def forget(self, lead_id: LeadId) -> None:
        """See `ReplyStore.forget`."""
        for place, reply in self._kept.items():
            if reply.lead_id == lead_id:
                self._kept[place] = replace(reply, fingerprint=None, sealed=None)

    def times(self, lead_id: LeadId) -> Sequence[datetime]:
        """See `ReplyStore.times`."""
        return [reply.created_at for reply in self._kept.values() if reply.lead_id == lead_id]

    def drop(self, *, before: datetime, limit: int) -> None:
        """See `ReplyStore.drop`."""
        old = [reply for reply in self._kept.values() if reply.created_at <= before]
        for reply in sorted(old, key=lambda reply: reply.created_at)[:limit]:
            del self._kept[reply.caller, reply.key]
