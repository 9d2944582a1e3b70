"""Start operations at a steady rate, whether or not earlier ones have ended."""

import asyncio
from collections.abc import Awaitable, Callable

from benchmarks.soak import enquiries, reads, rude, writes
from benchmarks.soak.client import Client, GaveUp
from benchmarks.soak.ledger import Ledger

Operation = Callable[[Client, Ledger], Awaitable[None]]

FIRST_LEADS = 20

SHARES: dict[Operation, float] = {
    writes.create_lead: 12,
    writes.create_duplicate: 2,
    writes.count_up: 10,
    writes.add_note: 3,
    enquiries.enquire: 5,
    enquiries.enquire_in_public: 2,
    enquiries.send_form: 4,
    writes.follow_up: 6,
    writes.cancel_follow_up: 1,
    writes.merge_leads: 0.5,
    writes.erase_lead: 0.5,
    writes.import_file: 0.1,
    reads.read_lead: 25,
    reads.read_page: 8,
    reads.follow_pages: 2,
    reads.search: 5,
    reads.find_by_email: 4,
    reads.read_details: 3,
    reads.follow_events: 3,
    reads.read_statistics: 0.5,
    reads.read_metrics: 0.5,
    reads.export_all: 0.1,
    reads.export_person: 0.5,
    rude.hang_up: 1.5,
    rude.send_slowly: 0.5,
    rude.read_slowly: 0.05,
}
"""The share of each operation in the traffic."""


async def drive(client: Client, ledger: Ledger, seconds: float, rate: float, faults: asyncio.Task[None]) -> None:
    """Start `rate` operations a second, for this time and until the faults have ended; wait for the last one."""
    for first in [*[writes.create_lead] * FIRST_LEADS, reads.follow_events]:
        await run(first, client, ledger)
    operations, shares = list(SHARES), list(SHARES.values())
    began, number = client.record.now(), 0
    async with asyncio.TaskGroup() as running:
        while number < seconds * rate or not faults.done():
            await asyncio.sleep(max(0, began + number / rate - client.record.now()))
            [operation] = ledger.random.choices(operations, shares)
            running.create_task(run(operation, client, ledger))
            number += 1


async def run(operation: Operation, client: Client, ledger: Ledger) -> None:
    """Run an operation, and record a response that it cannot read."""
    try:
        await operation(client, ledger)
    except GaveUp:
        pass  # it is recorded
    except (ValueError, LookupError, TypeError) as error:
        client.record.wrong.append(f"{operation.__name__}: {error!r}")
