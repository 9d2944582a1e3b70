"""Opt out the lead that has an unsubscribe link."""

from dataclasses import dataclass

from leads_domain.errors import NotFound
from leads_domain.lead import OptOutWay
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock, IdSource
from leads_domain.unsubscribing import UnsubscribeToken
from leads_domain.use_cases.add_events import add_events
from leads_domain.use_cases.lock_lead import lock_lead
from leads_domain.use_cases.opt_out import opt_out

UNSUBSCRIBE_LINK = "unsubscribe link"
"""The actor of the events."""


def has_lead(work: UnitOfWork, token: UnsubscribeToken) -> bool:
    """Return whether a lead has this token."""
    return work.unsubscribe_tokens.find_lead(token) is not None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Opt out the lead that has a token, or the lead that has replaced it since. Repeating this has no effect."""

    clock: Clock
    ids: IdSource

    def __call__(self, work: UnitOfWork, token: UnsubscribeToken) -> bool:
        """Return whether a lead has the token."""
        id = work.unsubscribe_tokens.find_lead(token)
        if id is None:
            return False
        try:
            lead = lock_lead(work, id)
        except NotFound:  # another request has just erased it
            return False
        now = self.clock.now()
        changed, events = opt_out(work, lead, OptOutWay.LINK, now)
        if events:
            work.leads.save(changed.revised(now))
            add_events(work, lead.id, events, now=now, actor=UNSUBSCRIBE_LINK, ids=self.ids)
        return True
