"""Test `leads copy` of a service's data to PostgreSQL and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from e2e.service import Service, Site, free_port
from postgres import PostgresServer, connect, postgres_url

JOHN = {"name": "John Doe", "email": "john@example.com", "attributes": {"budget": 12_500, "note": "größer 🎉"}}
LATER = "2100-01-01T09:00:00Z"
SQLITE = "sqlite:///leads.db"
SECRET = "hunter2-hunter2"


def written(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.fixture
def postgres() -> Iterator[str]:
    """Create a database without tables and return its URL."""
    with postgres_url(migrated=False) as url:
        yield written(url)


def everything(service: Service) -> list[object]:
    """Return all leads with their follow-ups and timelines."""
    leads = service.items("/leads")
    return [
        (lead, service.items(f"/leads/{lead['id']}/follow-ups"), service.items(f"/leads/{lead['id']}/timeline"))
        for lead in leads
    ]


def test_a_service_moves_to_postgresql_and_back_with_all_data(site: Site, postgres: str) -> None:
    with site.serve("--no-dispatch") as service:
        john = service.post("/leads", JOHN).expect(201).headers["location"]
        service.patch(john, {"status": "contacted"}).expect(200)
        service.post(f"{john}/follow-up", {"due_at": LATER}).expect(202)
        before = everything(service)
    copied = site.leads("copy", "--from", SQLITE, "--to", postgres).expect(0)
    assert [line.split()[:2] for line in copied.out.splitlines()] == [
        ["table", "rows"],
        ["api_keys", "1"],
        ["calendars", "0"],
        ["digest_plan", "0"],
        ["digests", "0"],
        ["feed", "0"],
        ["idempotency_records", "0"],
        ["leads", "1"],
        ["timeline", "3"],
        ["turns", "0"],
        ["unsubscribe_tokens", "0"],
        ["distinct_leads", "0"],
        ["follow_ups", "1"],
        ["merged_leads", "0"],
        ["submissions", "0"],
        ["tasks", "0"],
    ]
    assert "Copying" in copied.err

    with site.serve("--no-dispatch", LEADS_DATABASE_URL=postgres) as service:
        assert everything(service) == before
        service.post("/leads", {**JOHN, "email": "John@Example.com"}).expect(409)
        service.patch(john, {"status": "qualified"}).expect(200)
        service.post("/leads", {**JOHN, "email": "jane@example.com"}).expect(201)
        after = everything(service)
    there = site.leads("copy", "--from", postgres, "--to", "sqlite:///back.db").expect(0)

    with site.serve("--no-dispatch", LEADS_DATABASE_URL="sqlite:///back.db") as service:
        assert everything(service) == after
        service.patch(john, {"status": "converted"}).expect(200)
        timeline_types = [entry["type"] for entry in reversed(service.items(f"{john}/timeline"))]
    assert timeline_types[:3] == ["lead.created", "lead.status_changed", "follow_up.scheduled"]
    assert timeline_types[3:] == ["lead.status_changed", "lead.status_changed", "follow_up.cancelled"]
    assert there.out != copied.out


def refusal(site: Site, source: str, target: str) -> str:
    """Run a copy that must fail and return its message."""
    refused = site.leads("copy", "--from", source, "--to", target).expect(1)
    assert refused.out == ""
    [sentence] = [line for line in refused.err.splitlines() if line.startswith("leads: ")]
    assert refused.err.splitlines()[-1] == sentence
    assert SECRET not in refused.err
    assert "Traceback" not in refused.err
    return sentence


def test_an_impossible_copy_is_explained_in_a_sentence(site: Site) -> None:
    nowhere = f"postgresql://leads:{SECRET}@127.0.0.1:{free_port()}/leads"
    assert "The source cannot be used: there is no such file." in refusal(site, SQLITE, "sqlite:///other.db")
    assert list(site.folder.iterdir()) == []

    site.leads("keys", "create", "--name", "Ann", "--role", "admin").expect(0)
    assert "--from and --to name the same database" in refusal(site, SQLITE, SQLITE)
    assert "not empty: its table api_keys" in refusal(site, SQLITE, f"sqlite:///{site.folder}/leads.db")
    assert "--to is not valid. Give a URL" in refusal(site, SQLITE, f"mysql://leads:{SECRET}@localhost/leads")
    assert "--from is not valid. Name a file" in refusal(site, "sqlite://", SQLITE)
    assert "--to is not valid. Write %40" in refusal(site, SQLITE, f"postgresql://leads:p@{SECRET}@localhost/leads")
    assert "The target cannot be used: connection failed" in refusal(site, SQLITE, nowhere)
    assert "The source cannot be used: connection failed" in refusal(site, nowhere, SQLITE)
    assert "The target cannot be used: unable to open" in refusal(site, SQLITE, "sqlite:///no/such/folder.db")
    site.write("empty.db", "")
    assert "Run `leads migrate` on it first" in refusal(site, "sqlite:///empty.db", "sqlite:///other.db")


def test_a_wrong_password_is_reported_and_not_shown(site: Site) -> None:
    server = PostgresServer()
    try:
        with connect(server.url) as connection:
            connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'another'")
            rules = Path(connection.execute("SHOW hba_file").fetchone()[0])  # type: ignore[index]
            rules.write_text("local all guarded scram-sha-256\nlocal all all trust\n", "utf-8")
            connection.execute("SELECT pg_reload_conf()")
        site.leads("migrate").expect(0)
        guarded = written(server.url.set(username="guarded", password=SECRET))
        assert "password authentication failed" in refusal(site, SQLITE, guarded)
        assert "password authentication failed" in refusal(site, guarded, SQLITE)
    finally:
        server.remove()
