"""Test which messages have an unsubscribe link, and what it does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import Application
from builders import NOON, a_lead
from leads_domain.follow_up import Recipient
from leads_domain.lead import Lead
from leads_domain.unsubscribing import UnsubscribeToken
from leads_domain.use_cases.unsubscribe import has_lead

PUBLIC_URL = "https://leads.example.com"


@pytest.fixture
def linked(app: Application) -> Application:
    """Return an application that knows its public URL."""
    app.claim_due = replace(app.claim_due, public_url=PUBLIC_URL)
    return app


def urls(app: Application) -> list[str | None]:
    """Claim all due follow-ups and return their links."""
    return [claimed.notice.unsubscribe_url for claimed in app.claim()]


def token_of(app: Application, lead: Lead) -> UnsubscribeToken:
    """Send a message to a lead and return the token in its link."""
    app.trigger(lead)
    [url] = urls(app)
    assert url
    return UnsubscribeToken(url.removeprefix(f"{PUBLIC_URL}/unsubscribe/"))


def test_all_messages_to_a_lead_have_the_same_link(linked: Application) -> None:
    john, jane = linked.register().lead, linked.register(email="jane@example.com").lead
    for lead in (john, john, jane):
        linked.trigger(lead)
    linked.trigger(john, channel="smtp")
    first, second, other, mail = urls(linked)
    assert first == second == mail != other
    linked.trigger(john)
    assert urls(linked) == [first]


def test_a_retry_has_the_same_link(linked: Application) -> None:
    linked.trigger(linked.register().lead)
    [first] = urls(linked)
    linked.clock.advance(linked.claim_due.lease_time)
    assert urls(linked) == [first]


def test_only_messages_to_leads_have_a_link(linked: Application) -> None:
    lead = linked.register(owner="mia@example.com").lead
    linked.trigger(lead, recipient=Recipient.OWNER)
    linked.create_task(lead, due_at=NOON)
    assert urls(linked) == [None, None]
    linked.trigger(lead)
    linked.trigger(lead, recipient=Recipient.OWNER)
    assert [url is None for url in urls(linked)] == [False, True]


def test_there_is_no_link_without_a_public_url(app: Application) -> None:
    app.trigger(app.register().lead)
    assert urls(app) == [None]


def test_a_token_of_a_lead_that_was_just_erased_is_unknown(app: Application) -> None:
    token = UnsubscribeToken("x" * 32)
    app.database.write(lambda work: work.unsubscribe_tokens.get_or_add({a_lead().id: token}))
    assert app.unsubscribe(token) is False


def test_a_link_opts_out_the_lead_that_has_replaced_a_merged_one(linked: Application) -> None:
    john, jon = linked.register().lead, linked.register(email="jon@example.com").lead
    token = token_of(linked, jon)
    linked.merge(john, jon)
    assert linked.unsubscribe(token)
    opted_out = linked.lead(john)
    assert opted_out.do_not_contact
    linked.clock.advance(timedelta(hours=1))
    assert linked.unsubscribe(token)
    assert linked.lead(john) == opted_out


def test_a_link_works_again_after_an_opt_in(linked: Application) -> None:
    john = linked.register().lead
    token = token_of(linked, john)
    for _ in range(2):
        assert linked.unsubscribe(token)
        assert linked.lead(john).do_not_contact
        linked.change(john, do_not_contact=False)
    changes = [event for event in linked.event_types(john) if event.startswith("lead.opted")]
    assert changes == ["lead.opted_out", "lead.opted_in"] * 2


def test_erasing_a_lead_erases_its_token_and_those_of_merged_leads(linked: Application) -> None:
    john, jon = linked.register().lead, linked.register(email="jon@example.com").lead
    tokens = [token_of(linked, lead) for lead in (john, jon)]
    other = token_of(linked, linked.register(email="jane@example.com").lead)
    linked.merge(john, jon)
    linked.erase(john)
    assert [linked.database.read(has_lead, token) for token in [*tokens, other]] == [False, False, True]
