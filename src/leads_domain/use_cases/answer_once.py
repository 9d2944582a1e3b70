"""Do what a client asks once, however often it asks, and give the first answer again."""

from dataclasses import dataclass
from datetime import timedelta

from leads_domain.errors import Erased, KeyReused
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.replies import StoredReply
from leads_domain.sources import Clock

KEPT_FOR = timedelta(hours=24)
"""How long a reply is given again."""

EXPIRED_MAX = 10
"""How many expired replies are dropped when one is kept: more than one, so that they do not pile up."""


@dataclass(frozen=True, slots=True)
class AnswerOnce:
    """Find the answer that a request got, or keep the one that it gets, in the unit of work of what it does."""

    clock: Clock

    def find(self, work: UnitOfWork, caller: str, key: str, fingerprint: str) -> str | None:
        """The sealed answer; None if the request is to be carried out now, by this unit of work.

        Raises `RequestInProgress`, `KeyReused` if the key was used for another request, or `Erased`.
        """
        reply = self._reply(work, caller, key)
        if reply is None:
            return None
        if reply.sealed is None:
            raise Erased("lead", str(reply.lead_id))
        if reply.fingerprint != fingerprint:
            raise KeyReused(key)
        return reply.sealed

    def is_answered(self, work: UnitOfWork, caller: str, key: str) -> bool:
        """Whether there is an answer under this key, to whatever request; raises `RequestInProgress`."""
        return self._reply(work, caller, key) is not None

    def _reply(self, work: UnitOfWork, caller: str, key: str) -> StoredReply | None:
        reply = work.replies.claim(caller, key)
        return reply if reply and reply.created_at > self.clock.now() - KEPT_FOR else None

    def keep(
        self, work: UnitOfWork, caller: str, key: str, fingerprint: str, sealed: str, lead_id: LeadId | None
    ) -> None:
        """Keep the answer to a request that `find` found none for. It may be about a lead."""
        now = self.clock.now()
        work.replies.keep(
            StoredReply(caller=caller, key=key, fingerprint=fingerprint, sealed=sealed, lead_id=lead_id, created_at=now)
        )
        work.replies.drop(before=now - KEPT_FOR, limit=EXPIRED_MAX)
