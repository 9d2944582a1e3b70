"""Send enquiries and forms of new and known people, and remember what is acknowledged."""

import asyncio

from benchmarks.soak.client import GIVE_UP_SECONDS, RETRY_SECONDS, Client
from benchmarks.soak.ledger import Ledger

KNOWN_SHARE = 0.5


async def enquire(client: Client, ledger: Ledger) -> None:
    """Send an enquiry of a new or of a known person."""
    is_known = ledger.random.random() < KNOWN_SHARE
    email = ledger.any_lead().email if is_known else ledger.new_email()
    message = ledger.new_message()
    body = {"name": "Ada Muster", "email": email, "message": message, "source": "website"}
    lead = (await client.ask("enquiry", "POST", "/enquiries", 200, 201, json=body)).json()["lead"]
    ledger.enquiries.add(message)
    if not is_known:
        ledger.add(lead["id"], email)


async def enquire_in_public(client: Client, ledger: Ledger) -> None:
    """Send an enquiry with a key of the role `capture`."""
    email, message = ledger.new_email(), ledger.new_message()
    body = {"email": email, "message": message}
    headers = {"X-API-Key": ledger.capture_key}
    await client.ask("public enquiry", "POST", "/enquiries", 202, json=body, headers=headers)
    ledger.enquiries.add(message)
    ledger.arrived.add(email)


async def send_form(client: Client, ledger: Ledger) -> None:
    """Send a form. It has no Idempotency-Key, so each repeat is another one of the same person."""
    email = ledger.new_email()
    for _ in range(int(GIVE_UP_SECONDS / RETRY_SECONDS)):
        message = ledger.new_message()
        fields = {"email": email, "name": "Ada Muster", "message": message}
        response = await client.send("form", "POST", "/forms/contact", 303, data=fields)
        if response is not None and response.is_redirect:
            ledger.enquiries.add(message)
            ledger.arrived.add(email)
            return
        await asyncio.sleep(RETRY_SECONDS)
