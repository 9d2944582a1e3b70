"""Leads written straight into the tables, as the service would write them, but many at a time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Engine, insert

from benchmarks import sample
from leads_adapters.ids import Uuid7Source
from leads_adapters.sql.tables import leads, timeline
from leads_domain.events import EventType
from leads_domain.pipeline import DEFAULT_PIPELINE

_CHUNK = 10_000
_STEP = timedelta(milliseconds=10)
_new_id = Uuid7Source().new


def fill(engine: Engine, number: int) -> list[str]:
    """Store so many leads, each with what its timeline would tell, and answer their ids."""
    numbers = iter(range(number))
    first = datetime.now(UTC) - number * _STEP
    ids: list[str] = []
    with engine.begin() as connection:
        while chunk := [_lead(each, first + each * _STEP) for each in islice(numbers, _CHUNK)]:
            connection.execute(insert(leads), chunk)
            connection.execute(insert(timeline), [_created(lead) for lead in chunk])
            ids += (lead["id"] for lead in chunk)
    return ids


def _lead(number: int, at: datetime) -> dict[str, Any]:
    given = sample.lead(number)
    return given | {
        "id": _new_id(),
        "email_key": given["email"].lower(),
        "owner_key": given["owner"],
        "attributes": msgspec.json.encode(given["attributes"]).decode(),
        "status": DEFAULT_PIPELINE.initial,
        "created_at": at,
        "updated_at": at,
        "version": 1,
    }


def _created(lead: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": _new_id(),
        "lead_id": lead["id"],
        "type": EventType.LEAD_CREATED.value,
        "at": lead["created_at"],
        "actor": "benchmark",
        "data": msgspec.json.encode({"status": lead["status"], "source": lead["source"]}).decode(),
    }
