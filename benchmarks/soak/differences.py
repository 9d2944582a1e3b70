"""Find the differences between what was acknowledged and what is stored and was sent."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from benchmarks.soak.ledger import Ledger

Items = Collection[Mapping[str, Any]]


def in_leads(ledger: Ledger, stored_before: set[str], leads: Items) -> Iterator[str]:
    """Yield leads that are missing, stored twice, unknown, or without their last acknowledged values.

    `stored_before` has the e-mail addresses of the leads that were stored before the run.
    """
    emails, by_id = Counter(lead["email"] for lead in leads), {lead["id"]: lead for lead in leads}
    yield from (f"{email} is stored {times} times" for email, times in emails.items() if times > 1)
    yield from (f"{email} is missing" for email in (ledger.arrived | stored_before) - emails.keys())
    yield from (f"{email} is unknown" for email in emails.keys() - stored_before - ledger.attempted)
    for lead in ledger.leads:
        found = by_id.get(lead.id, {})
        values = (found.get("email"), found.get("status"), found.get("attributes", {}).get("count", 0))
        if values != (lead.email, lead.status, lead.count):
            yield f"{lead} is stored as {values}"


def in_enquiries(ledger: Ledger, events: Items) -> Iterator[str]:
    """Yield enquiries that are missing or stored twice."""
    stored = Counter(event["data"]["message"] for event in events if event["type"] == "lead.enquired")
    yield from (f"{text!r} is missing" for text in ledger.enquiries - stored.keys())
    yield from (f"{text!r} is stored {times} times" for text, times in stored.items() if times > 1)


def in_follow_ups(ledger: Ledger, follow_ups: Items, delivered: Collection[str]) -> Iterator[str]:
    """Yield follow-ups that are missing, not sent, or neither delivered nor cancelled. `delivered` has their ids."""
    states = {follow_up["id"]: follow_up["state"] for follow_up in follow_ups}
    if len(states) < len(follow_ups):
        yield "a follow-up is listed twice"
    expected = dict.fromkeys(ledger.follow_ups, "sent") | dict.fromkeys(ledger.cancelled, "cancelled")
    for id in expected.keys() | states.keys():
        state = states.get(id)
        if state != expected.get(id, "cancelled" if state == "cancelled" else "sent"):
            yield f"{id} is {state}"
        if (state == "sent") != (id in delivered):
            yield f"{id} is {state}, and was {'' if id in delivered else 'not '}delivered"


def in_feed(ledger: Ledger, events: Items) -> Iterator[str]:
    """Yield events that a client of the feed has missed, or seen in another order than the `events`."""
    ids = [event["id"] for event in events]
    yield from (f"{id} was not followed" for id in ids if id not in ledger.feed)
    vanished = ledger.feed.keys() - set(ids)
    if [id for id in ledger.feed if id not in vanished] != [id for id in ids if id in ledger.feed]:
        yield "the events were followed in another order"
    yield from (f"{id} has vanished" for id in vanished if ledger.feed[id] not in ledger.erased)
