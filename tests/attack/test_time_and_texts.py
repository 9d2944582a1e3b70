"""Attack clocks and terminals: a clock that was set back, and values that control a terminal."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, make_url, text

from databases import engine_of
from e2e.service import Service
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.tables import metadata

HOSTILE = "a\x1b]52;c;ZXZpbA==\x07b\r\nc\x9b2Jd\u202ee\u2066f\x7f"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
CONTROLS = ["\x1b", "\x07", "\n", "\r", "\t", "\x7f", "\x9b", "\u202e", "\u2066"]


@contextmanager
def database(service: Service) -> Iterator[Engine]:
    """Open the database of a service."""
    url = service.site.environment().get("LEADS_DATABASE_URL")
    engine = postgres_engine(make_url(url)) if url else engine_of(service.site.folder / "leads.db")
    yield engine
    engine.dispose()


def store(service: Service, statement: str, **values: Any) -> None:
    """Change the database without the service, as an older version may have left it."""
    with database(service) as engine, engine.begin() as connection:
        connection.execute(text(statement), values)


def test_short_texts_refuse_control_characters(service: Service) -> None:
    lead = service.post("/leads", {"name": "Bo", "email": "bo@example.com"}).expect(201).headers["location"]
    for control in CONTROLS:
        value = f"a{control}b"
        assert service.post("/api-keys", {"name": value, "role": "read"}).status == 422, repr(control)
        for field in ("name", "source", "owner"):
            assert service.patch(lead, {field: value}).status == 422, (field, control)
    assert service.site.leads("keys", "create", "--name", "a\x1b[2Jb", "--role", "read").code != 0


@pytest.mark.attack
def test_stored_hostile_names_do_not_control_the_terminal(service: Service) -> None:
    identifier = service.post("/api-keys", {"name": "harmless", "role": "read"}).expect(201).json["id"]
    lead = service.post("/leads", {"name": "Cy", "email": "cy@example.com"}).expect(201).headers["location"]
    store(service, "UPDATE api_keys SET name = :name WHERE id = :id", name=HOSTILE, id=identifier)
    store(service, "UPDATE leads SET name = :name, source = :name WHERE email = 'cy@example.com'", name=HOSTILE)
    for command in (("keys", "list"), ("doctor",), ("keys", "revoke", identifier)):
        done = service.site.leads(*command)
        assert not RAW.search(done.out + done.err), done
    assert service.get(lead).expect(200).json["name"] == HOSTILE
    service.patch(lead, {"owner": "sales@example.com"}).expect(200)


def test_a_clock_that_was_set_back_does_not_show(service: Service) -> None:
    lead = service.post("/leads", {"name": "Di", "email": "di@example.com"}).expect(201).headers["location"]
    later = datetime.fromisoformat(service.get(lead).json["created_at"]) + timedelta(days=2)
    set_back(service, "leads", ["created_at", "updated_at"], "email = 'di@example.com'", later)
    set_back(service, "timeline", ["at"], f"lead_id = '{lead.rpartition('/')[2]}'", later)
    service.patch(lead, {"status": "contacted"}).expect(200)
    service.post(f"{lead}/notes", {"text": "Called"}).expect(201)
    changed = service.get(lead).json
    assert changed["created_at"] <= min(changed["updated_at"], changed["contacted_at"])
    times = [entry["at"] for entry in service.items(f"{lead}/timeline")]
    assert times == sorted(times, reverse=True)
    statistics = service.get("/statistics").expect(200)
    assert not re.search(r"-[\d.]+\b(?!-)", re.sub(r'"[^"]*"', "", statistics.text)), statistics.text


def set_back(service: Service, table: str, columns: list[str], condition: str, at: datetime) -> None:
    """Move times of rows into the future: for them, the clock was set back."""
    with database(service) as engine, engine.begin() as connection:
        rows = metadata.tables[table]
        connection.execute(rows.update().where(text(condition)).values(dict.fromkeys(columns, at)))
