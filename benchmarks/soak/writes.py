"""Write leads, notes, follow-ups and imports, and remember what is acknowledged."""

from collections.abc import Mapping
from typing import Any

from benchmarks.soak.client import Client
from benchmarks.soak.ledger import Ledger

CHANNELS = ("email", "hook")
NEXT_STATUS = {"new": "contacted", "contacted": "qualified"}
IMPORTED_ROWS = 20
MOVED_SHARE = 0.2
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


async def create_lead(client: Client, ledger: Ledger) -> None:
    """Create a lead and remember it."""
    lead = await _create(client, ledger)
    ledger.add(lead["id"], lead["email"])


async def create_duplicate(client: Client, ledger: Ledger) -> None:
    """Create a lead that exists."""
    lead = ledger.any_lead()
    body = {"name": "John Doe", "email": lead.email.upper()}
    found = (await client.ask("create a duplicate", "POST", "/leads", 409, json=body)).json()
    client.record.expect(found["existing_lead_id"] == lead.id, f"{found} is not about {lead}")


async def count_up(client: Client, ledger: Ledger) -> None:
    """Increment an attribute of a lead, or move its status, under the condition that nothing else has changed."""
    with ledger.borrow() as lead:
        count = lead.count + 1
        status = NEXT_STATUS.get(lead.status, lead.status) if ledger.random.random() < MOVED_SHARE else lead.status
        patch = {"attributes": {"count": count}, "status": status}
        for _ in range(10):
            read = await client.ask("read a lead", "GET", f"/leads/{lead.id}", 200)
            headers = {**MERGE_PATCH, "If-Match": read.headers["ETag"]}
            done = await client.ask("patch a lead", "PATCH", f"/leads/{lead.id}", 200, 412, json=patch, headers=headers)
            if done.is_success:
                lead.count, lead.status = count, status
                return


async def add_note(client: Client, ledger: Ledger) -> None:
    """Add a note to a lead."""
    text = {"text": "Called, no answer."}
    await client.ask("add a note", "POST", f"/leads/{ledger.any_lead().id}/notes", 201, json=text)


async def follow_up(client: Client, ledger: Ledger) -> None:
    """Schedule a follow-up that is due now."""
    scheduled = await _schedule(client, ledger.any_lead().id, {"channel": ledger.random.choice(CHANNELS)})
    ledger.follow_ups.add(scheduled["id"])


async def cancel_follow_up(client: Client, ledger: Ledger) -> None:
    """Schedule a follow-up for later, postpone it and cancel it."""
    later = {"due_at": "2099-01-01T00:00:00Z"}
    id = (await _schedule(client, ledger.any_lead().id, later))["id"]
    postponed = {"due_at": "2099-02-01T00:00:00Z"}
    await client.ask("patch a follow-up", "PATCH", f"/follow-ups/{id}", 200, json=postponed, headers=MERGE_PATCH)
    await client.ask("cancel a follow-up", "POST", f"/follow-ups/{id}/cancel", 200)
    ledger.cancelled.add(id)


async def merge_leads(client: Client, ledger: Ledger) -> None:
    """Create two leads and merge one into the other, with its follow-up."""
    lead, duplicate = await _create(client, ledger), await _create(client, ledger)
    ledger.follow_ups.add((await _schedule(client, duplicate["id"], {"channel": "hook"}))["id"])
    body = {"duplicate_id": duplicate["id"]}
    await client.ask("merge two leads", "POST", f"/leads/{lead['id']}/merge", 200, json=body)
    ledger.merged[duplicate["id"]] = lead["id"]
    ledger.add(lead["id"], lead["email"])


async def erase_lead(client: Client, ledger: Ledger) -> None:
    """Create a lead with a follow-up for later, and erase it."""
    lead = await _create(client, ledger)
    await _schedule(client, lead["id"], {"due_at": "2099-01-01T00:00:00Z"})
    await client.ask("erase a lead", "DELETE", f"/leads/{lead['id']}", 204, 404)
    ledger.erased.add(lead["id"])


async def import_file(client: Client, ledger: Ledger) -> None:
    """Import new leads, one duplicate and one wrong row."""
    emails = [ledger.new_email() for _ in range(IMPORTED_ROWS)]
    rows = [
        "name,email",
        *(f"Ada Muster,{email}" for email in emails),
        f"Ada,{ledger.any_lead().email}",
        "Ada,nonsense",
    ]
    headers = {"Content-Type": "text/csv"}
    content = "\n".join(rows).encode()
    found = (await client.ask("import", "POST", "/leads/import", 200, content=content, headers=headers)).json()
    is_right = found["created"] + found["duplicates"] == IMPORTED_ROWS + 1 and found["refused"] == 1
    client.record.expect(is_right, f"the result of an import is wrong: {found}")
    ledger.arrived.update(emails)


async def _create(client: Client, ledger: Ledger) -> Any:
    body = {
        "name": "John Doe",
        "email": ledger.new_email(),
        "source": ledger.random.choice(("website", "telephone", "fair")),
        "owner": "sales@example.com",
        "attributes": {"company": "ACME", "employees": ledger.random.randrange(1000)},
    }
    lead = (await client.ask("create a lead", "POST", "/leads", 201, json=body)).json()
    client.record.expect(lead["email"] == body["email"], f"{lead} is not {body}")
    return lead


async def _schedule(client: Client, lead_id: str, body: Mapping[str, Any]) -> Any:
    path = f"/leads/{lead_id}/follow-up"
    return (await client.ask("schedule a follow-up", "POST", path, 202, json={"message": "Hello!", **body})).json()
