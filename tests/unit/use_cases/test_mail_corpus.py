"""Test what becomes of each message in `tests/data/mail`."""

import pytest

from application import Application
from builders import NOON, a_follow_up
from leads_adapters.mail.reading import read_mail
from leads_domain.follow_up import FollowUpId, FollowUpState
from leads_domain.lead import Lead, LeadId
from leads_domain.mailbox_policy import MailboxPolicy
from leads_domain.paging import LeadQuery
from mail_corpus import FOLLOW_UP_ID, OWN_ADDRESS, Case, cases

EVENTS = {
    "enquiry": "lead.enquired",
    "reply": "lead.replied",
    "opt_out": "lead.opted_out",
    "bounce": "follow_up.bounced",
}


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_message_becomes_what_is_expected(app: Application, case: Case) -> None:
    app.mailboxes["mailbox:sales"] = MailboxPolicy(own_addresses={OWN_ADDRESS})
    ada = app.register(email="ada@example.org").lead
    add_sent_follow_up(app, ada)
    before = all_leads(app), app.timeline(ada)

    processed = app.process_mail(read_mail(case.data))
    kind = case.expected["kind"]
    assert processed.outcome == kind
    if kind not in EVENTS:
        assert processed.submission.state == kind
        assert (all_leads(app), app.timeline(ada)) == before
        return
    lead = next(each for each in all_leads(app) if each.id == processed.submission.lead_id)
    assert EVENTS[kind] in app.event_types(lead)
    if kind == "enquiry":
        assert str(lead.email).casefold() == case.expected["sender"].casefold()
    else:
        assert (lead.id, len(all_leads(app))) == (ada.id, 1)
    if kind == "bounce":
        failures = case.expected["failures"]
        assert lead.email_bounced == any(
            each["permanent"] and each["recipient"] == "ada@example.org" for each in failures
        )


def add_sent_follow_up(app: Application, lead: Lead) -> None:
    """Store the message that replies and delivery reports of the corpus name."""
    sent = {"state": FollowUpState.SENT, "sent_at": NOON, "next_attempt_at": None, "attempts": 1, "channel": "smtp"}
    follow_up = a_follow_up(id=FollowUpId(FOLLOW_UP_ID), lead_id=LeadId(lead.id), **sent)
    app.database.write(lambda work: work.follow_ups.add(follow_up))


def all_leads(app: Application) -> list[Lead]:
    """Return all leads."""
    return [*app.database.read(lambda work: work.leads.page(LeadQuery())).items]
