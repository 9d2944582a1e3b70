"""Find out whether rules have written to a lead in the last day, so that no two programs answer each other for ever."""

from dataclasses import replace
from datetime import datetime, timedelta

from leads_domain.follow_up import FollowUp
from leads_domain.lead import Lead
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, all_items
from leads_domain.ports import UnitOfWork

PERIOD = timedelta(days=1)


def was_recently_written_to(work: UnitOfWork, lead: Lead, now: datetime) -> bool:
    """Return whether rules have attempted a message to a locked lead, or scheduled one for an enquiry, in the period.

    A program whose messages do not say that they are automatic looks like a person who enquires (RFC 3834, section 2).
    """
    query = FollowUpQuery(lead_id=lead.id, limit=LIMIT_MAX)
    follow_ups = all_items(lambda after: work.follow_ups.page(replace(query, after=after)))
    return any(each.by_rule and each.is_for(lead) and _is_recent(each, now - PERIOD) for each in follow_ups)


def _is_recent(follow_up: FollowUp, since: datetime) -> bool:
    """Return whether a message was attempted since then, or scheduled for an enquiry.

    An attempt that has failed, or was cancelled, can still have reached the lead.
    """
    if follow_up.attempts and follow_up.updated_at > since:
        return True
    return follow_up.rule_status is None and follow_up.created_at > since
