"""Store leads in a dictionary."""

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

from leads_adapters.memory.sizes import json_size
from leads_domain.errors import DuplicateLead, Merged, NotFound
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import LeadPosition, LeadQuery, Page, cut
from leads_domain.search import lead_words


class MemoryLeadStore:
    """A dictionary of leads, and one of merged leads with the id of the target and the identity of the merged lead."""

    def __init__(self, stored: dict[LeadId, Lead], merged: dict[LeadId, tuple[LeadId, str]]) -> None:
        self._stored = stored
        self._merged = merged

    def add(self, lead: Lead) -> None:
        """See `LeadStore.add`."""
        self._check_identity_is_free(lead)
        self._stored[lead.id] = lead

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        """See `LeadStore.add_many`."""
        for lead in leads:
            if self.find_by_identity(lead.identity) is None:
                self._stored[lead.id] = lead
        return [self.find_by_identity(lead.identity) for lead in leads]

    def get(self, id: LeadId) -> Lead:
        """See `LeadStore.get`."""
        if id in self._merged:
            raise Merged(id, self._merged[id][0])
        if id not in self._stored:
            raise NotFound("lead", id)
        return self._stored[id]

    get_for_update = get

    def get_many(self, ids: Collection[LeadId]) -> Sequence[Lead]:
        """See `LeadStore.get_many`."""
        return [self._stored[id] for id in set(ids) & self._stored.keys()]

    def find_by_identity(self, identity: str) -> LeadId | None:
        """See `LeadStore.find_by_identity`."""
        return next((lead.id for lead in self._stored.values() if lead.identity == identity), None)

    def find_person(self, identity: str) -> LeadId | None:
        """See `LeadStore.find_person`."""
        merged = [id for id, (_, old_identity) in self._merged.items() if old_identity == identity]
        return self.find_by_identity(identity) or (self._merged[max(merged)][0] if merged else None)

    def save(self, lead: Lead) -> None:
        """See `LeadStore.save`."""
        self._check_identity_is_free(lead)
        self._stored[lead.id] = lead

    def redirect(self, id: LeadId, into: LeadId) -> None:
        """See `LeadStore.redirect`."""
        self._merged.update({each: (into, self._merged[each][1]) for each in self.redirected_to(id)})
        self._merged[id] = into, self._stored.pop(id).identity

    def redirected_to(self, id: LeadId) -> Sequence[LeadId]:
        """See `LeadStore.redirected_to`."""
        return sorted(merged for merged, (into, _) in self._merged.items() if into == id)

    def erase(self, id: LeadId) -> None:
        """See `LeadStore.erase`."""
        del self._stored[id]
        for merged in self.redirected_to(id):
            del self._merged[merged]

    def page(self, query: LeadQuery) -> Page[Lead, LeadPosition]:
        """See `LeadStore.page`."""
        keyed = [(_sort_key(query.sort.position(lead)), lead) for lead in self._matching(query)]
        if query.after is not None:
            after = _sort_key(query.after)
            keyed = [each for each in keyed if (each[0] < after if query.sort.descending else each[0] > after)]
        found = [lead for _, lead in sorted(keyed, key=itemgetter(0), reverse=query.sort.descending)]
        sized = ((lead, json_size(lead.attributes)) for lead in found)
        page = cut(sized, limit=query.limit, bytes_max=query.bytes_max)
        next = query.sort.position(page.items[-1]) if page.has_more else None
        return Page(page.items, next, page.is_cut)

    def count(self, query: LeadQuery) -> int:
        """See `LeadStore.count`."""
        return len(self._matching(query))

    def _matching(self, query: LeadQuery) -> list[Lead]:
        return [lead for lead in self._stored.values() if _matches(lead, query)]

    def _check_identity_is_free(self, lead: Lead) -> None:
        existing = self.find_by_identity(lead.identity)
        if existing not in (None, lead.id):
            raise DuplicateLead(existing)


def _sort_key(position: LeadPosition) -> tuple[bool, Any, str]:
    return (position.value is None, position.value, position.id)


def _matches(lead: Lead, query: LeadQuery) -> bool:
    words = lead_words(lead)
    at = lead.next_follow_up_at
    return (
        (not query.statuses or lead.status in query.statuses)
        and query.source in (None, lead.source)
        and query.owner_key in (None, lead.owner and lead.owner.key)
        and query.email_key in (None, lead.identity)
        and query.do_not_contact in (None, lead.do_not_contact)
        and (query.created_from is None or lead.created_at >= query.created_from)
        and (query.created_to is None or lead.created_at < query.created_to)
        and (query.updated_from is None or lead.updated_at >= query.updated_from)
        and query.has_follow_up in (None, at is not None)
        and (query.follow_up_due_before is None or (at is not None and at < query.follow_up_due_before))
        and all(any(f" {word}" in words for word in choice) for choice in query.words)
    )
