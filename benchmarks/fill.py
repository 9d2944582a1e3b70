"""Leads written straight into the tables, as the service would write them, but many at a time."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from benchmarks import sample
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import leads, timeline
from leads_adapters.sql.word_index import rebuild_word_index
from leads_domain.events import EventType
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.search import name_key, words_of

Sample = Callable[[int], dict[str, Any]]

_CHUNK = 10_000
_STEP = timedelta(milliseconds=10)
_new_id = Uuid7Source().new


def fill(engine: Engine, number: int, sample_of: Sample = sample.lead) -> list[str]:
    """Store so many leads, each with what its timeline would tell, and answer their ids."""
    numbers = iter(range(number))
    first = datetime.now(UTC) - number * _STEP
    ids: list[str] = []
    with engine.begin() as connection:
        while chunk := [_lead(sample_of(each), first + each * _STEP) for each in islice(numbers, _CHUNK)]:
            connection.execute(insert(leads), chunk)
            connection.execute(insert(timeline), [_created(lead) for lead in chunk])
            ids += (lead["id"] for lead in chunk)
        rebuild_word_index(connection)
    return ids


def _lead(given: dict[str, Any], at: datetime) -> dict[str, Any]:
    return (
        {"status": DEFAULT_PIPELINE.initial}
        | given
        | {
            "id": _new_id(),
            "email_key": given["email"].lower(),
            "owner_key": given["owner"],
            "attributes": msgspec.json.encode(given["attributes"]).decode(),
            "created_at": at,
            "updated_at": at,
            "version": 1,
            "name_key": name_key(given["name"]),
            "words": words_of(given["name"], given["email"], given["source"], phone=given["phone"]),
        }
    )


def _created(lead: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _new_id(),
        "lead_id": lead["id"],
        "type": EventType.LEAD_CREATED.value,
        "at": lead["created_at"],
        "actor": "benchmark",
        "data": msgspec.json.encode({"status": lead["status"], "source": lead["source"]}).decode(),
    }
