"""Compare everything that is stored and was sent after a run with what was acknowledged."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from benchmarks import sample
from benchmarks.soak import differences
from benchmarks.soak.client import Client
from benchmarks.soak.deployment import STORED, Deployment
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.results import Check, is_none
from leads_app.dispatcher import SLOTS

OPERATION = "account"
REPEATS_MAX = 2 * SLOTS
"""The number of follow-ups that a fault can repeat: those under way on both channels."""


async def account(client: Client, ledger: Ledger, deployment: Deployment) -> list[Check]:
    """Read all leads, follow-ups and events, and check them."""
    stored_before = {sample.lead(number)["email"] for number in range(STORED)}
    delivered = _delivered(deployment)
    leads = await _pages(client, "/leads", "cursor")
    follow_ups = await _pages(client, "/follow-ups", "cursor")
    events = await _pages(client, "/events", "after")
    return [
        is_none("leads lost, stored twice or wrong", differences.in_leads(ledger, stored_before, leads)),
        is_none("merged or erased leads that are still there", [each async for each in _still_there(client, ledger)]),
        is_none("enquiries and forms lost or stored twice", differences.in_enquiries(ledger, events)),
        is_none("follow-ups lost, not sent or wrong", differences.in_follow_ups(ledger, follow_ups, delivered)),
        is_none("events that a client of the feed missed", differences.in_feed(ledger, events)),
        _repeats(delivered, len(client.record.faults)),
    ]


async def _pages(client: Client, path: str, parameter: str) -> list[Mapping[str, Any]]:
    items: list[Mapping[str, Any]] = []
    next_page = f"{path}?limit=200"
    while True:
        page = (await client.ask(OPERATION, "GET", next_page, 200)).json()
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        next_page = f"{path}?limit=200&{parameter}={page['next_cursor']}"


async def _still_there(client: Client, ledger: Ledger) -> AsyncIterator[str]:
    for id in ledger.erased:
        await client.ask(OPERATION, "GET", f"/leads/{id}", 404)
    for id, target in ledger.merged.items():
        response = await client.ask(OPERATION, "GET", f"/leads/{id}", 301)
        if response.headers["Location"] != f"/leads/{target}":
            yield f"{id} redirects to {response.headers['Location']}, not to {target}"


def _delivered(deployment: Deployment) -> Counter[str]:
    """Return how often each follow-up was delivered, by its id."""
    posts = Counter(post.headers["webhook-id"] for post in deployment.receiver.accepted)
    mails = (mail.message["Message-ID"].strip("<>").partition("@")[0] for mail in deployment.mails.accepted)
    return posts + Counter(mails)


def _repeats(delivered: Counter[str], faults: int) -> Check:
    """Check that few follow-ups were delivered again: those whose outcome could not be recorded because of a fault."""
    repeated, most = delivered.total() - len(delivered), faults * REPEATS_MAX
    problems = [f"More than {most} were delivered again."] if repeated > most else []
    return Check("follow-ups delivered again", f"{repeated} of {len(delivered):,}", problems)
