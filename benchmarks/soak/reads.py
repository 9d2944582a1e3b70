"""Read leads, lists, events, statistics and exports, and check the responses."""

from benchmarks.soak.client import Client
from benchmarks.soak.ledger import Ledger

LISTS = ("/leads", "/follow-ups", "/submissions", "/follow-ups?overdue=true", "/leads?sort=name", "/leads?count=true")
SEARCHES = ("/leads?q=john&sort=-updated_at", "/leads?q=lead-7", "/leads?status=contacted&source=website")


async def read_lead(client: Client, ledger: Ledger) -> None:
    """Read a lead: no older values than those acknowledged before."""
    lead = ledger.any_lead()
    count = lead.count
    found = (await client.ask("read a lead", "GET", f"/leads/{lead.id}", 200)).json()
    is_right = found["email"] == lead.email and found["attributes"].get("count", 0) >= count
    client.record.expect(is_right, f"{found} is not {lead} with count {count}")


async def read_page(client: Client, ledger: Ledger) -> None:
    """Read the newest page of a list."""
    page = await client.ask("read a page", "GET", ledger.random.choice(LISTS), 200)
    client.record.expect("items" in page.json(), f"{page.url} has no items")


async def follow_pages(client: Client, _: Ledger) -> None:
    """Follow three pages: newest leads first."""
    cursor, ids = "", list[str]()
    for _page in range(3):
        page = (await client.ask("read a page", "GET", f"/leads?limit=20{cursor}", 200)).json()
        ids += [lead["id"] for lead in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    client.record.expect(len({*ids}) == len(ids), "a lead is on two pages")


async def search(client: Client, ledger: Ledger) -> None:
    """Find leads by words, status and source."""
    await client.ask("search", "GET", ledger.random.choice(SEARCHES), 200)


async def find_by_email(client: Client, ledger: Ledger) -> None:
    """Find a lead by its e-mail address."""
    lead = ledger.any_lead()
    page = (await client.ask("search", "GET", "/leads", 200, params={"email": lead.email.upper()})).json()
    client.record.expect([each["id"] for each in page["items"]] == [lead.id], f"{lead.email} was not found")


async def read_details(client: Client, ledger: Ledger) -> None:
    """Read the timeline, the follow-ups and the possible duplicates of a lead."""
    lead = ledger.any_lead()
    for part in ("timeline", "follow-ups", "similar"):
        await client.ask("read details of a lead", "GET", f"/leads/{lead.id}/{part}", 200)


async def follow_events(client: Client, ledger: Ledger) -> None:
    """Follow the feed from where it was left, to its end."""
    if ledger.following.locked():
        return
    async with ledger.following:
        while True:
            after = f"&after={ledger.after}" if ledger.after else ""
            page = (await client.ask("follow events", "GET", f"/events?limit=200{after}", 200)).json()
            if not page["items"]:
                return
            events = {event["id"]: event["lead_id"] for event in page["items"]}
            client.record.expect(ledger.feed.keys().isdisjoint(events), "the feed repeats an event")
            ledger.feed |= events
            ledger.after = page["next_cursor"]


async def read_statistics(client: Client, _: Ledger) -> None:
    """Count all leads."""
    await client.ask("statistics", "GET", "/statistics", 200)


async def read_metrics(client: Client, _: Ledger) -> None:
    """Read the metrics as Prometheus does."""
    await client.ask("metrics", "GET", "/metrics", 200)


async def export_all(client: Client, ledger: Ledger) -> None:
    """Export all leads: at least those that were acknowledged before."""
    stored = len(ledger.leads)
    response = await client.ask("export", "GET", "/leads/export", 200, headers={"Accept": "application/x-ndjson"})
    client.record.expect(len(response.content.splitlines()) >= stored, "an export has too few leads")


async def export_person(client: Client, ledger: Ledger) -> None:
    """Export everything about a person."""
    lead = ledger.any_lead()
    found = (await client.ask("export of a person", "GET", f"/leads/{lead.id}/export", 200)).json()
    is_right = found["lead"]["email"] == lead.email and found["timeline"]
    client.record.expect(bool(is_right), f"the export of {lead} is wrong")
