"""Replies in a dictionary."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from leads_domain.lead import LeadId
from leads_domain.replies import StoredReply


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
