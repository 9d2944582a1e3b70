"""Test the resource /metrics."""

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leads_domain.notifier import Refused, TryAgain
from rest import JOHN, ON_BOTH_DATABASES, UNKNOWN_ID, Api, Response, Service


def numbers(response: Response, name: str, *by: str) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by the values of these labels."""
    return {
        tuple(sample.labels[label] for label in by): sample.value
        for family in text_string_to_metric_families(response.expect(200).body.decode())
        for sample in family.samples
        if sample.name == name
    }


@pytest.fixture
def reader(service: Service) -> Api:
    """Return a client with the role `read`, as Prometheus has."""
    return service.client("read")


def test_metrics_have_the_text_format_of_prometheus(reader: Api) -> None:
    response = reader.get("/metrics").expect(200)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"# TYPE leads_http_request_duration_seconds histogram\n" in response.body
    assert response.body.endswith(b"\n")


def test_requests_are_counted_by_route_and_never_by_path(service: Service, reader: Api) -> None:
    agent = service.client("agent")
    john = agent.post("/leads", JOHN).headers["location"]
    for _ in range(3):
        agent.get(f"{john}?x=swordfish").expect(400)
    agent.request("HEAD", john).expect(200)
    service.anonymous().get("/john@example.com").expect(404)
    service.anonymous().get(f"/leads/{UNKNOWN_ID}").expect(401)
    for number in range(3):
        service.anonymous().request(f"SWORDFISH{number}", "/leads").expect(405)
    response = reader.get("/metrics")
    counted = numbers(response, "leads_http_request_duration_seconds_count", "method", "route", "status")
    assert counted == {
        ("POST", "/leads", "201"): 1,
        ("GET", "/leads/{id}", "400"): 3,
        ("HEAD", "/leads/{id}", "200"): 1,
        ("GET", "none", "404"): 1,
        ("GET", "/leads/{id}", "401"): 1,
        ("other", "none", "405"): 3,
    }
    assert not [
        secret for secret in (b"swordfish", b"SWORDFISH", b"john", UNKNOWN_ID.encode()) if secret in response.body
    ]
    assert numbers(reader.get("/metrics"), "leads_http_request_duration_seconds_count", "route")[("/metrics",)] == 1


def test_scheduled_follow_ups_are_counted_by_channel(service: Service, reader: Api, john: str) -> None:
    agent = service.client("agent")
    agent.post(f"{john}/follow-up")
    agent.post(f"{john}/follow-up", {"due_at": "2030-01-01T00:00:00Z"})
    service.clock.advance(timedelta(seconds=30))
    response = reader.get("/metrics")
    assert numbers(response, "leads_follow_ups_scheduled", "channel") == {("log",): 2}
    assert numbers(response, "leads_follow_ups_due", "channel") == {("log",): 1}
    assert numbers(response, "leads_follow_ups_oldest_due_seconds", "channel") == {("log",): 30}


def test_deliveries_are_counted_by_outcome(service: Service, reader: Api, john: str) -> None:
    agent = service.client("agent")
    for error in (None, None, TryAgain("later"), Refused("never")):
        if error:
            service.channels["log"].fail_with(error)
        agent.post(f"{john}/follow-up").expect(202)
        service.dispatch()
    counted = numbers(reader.get("/metrics"), "leads_deliveries_total", "channel", "outcome")
    assert counted == {("log", "sent"): 2, ("log", "try_again"): 1, ("log", "refused"): 1}


def test_commits_with_changes_are_counted(service: Service, reader: Api) -> None:
    agent = service.client("agent")
    reader.get("/metrics").expect(200)
    agent.get("/pipeline").expect(200)
    service.finish_background_work()
    before = numbers(reader.get("/metrics"), "leads_commit_size_sum")[()]
    for email in ("a@example.com", "b@example.com", "a@example.com"):
        agent.post("/leads", {**JOHN, "email": email})
    agent.get("/leads").expect(200)
    assert numbers(reader.get("/metrics"), "leads_commit_size_sum")[()] == before + 2


@ON_BOTH_DATABASES
def test_the_build_info_names_the_database(reader: Api, store: str) -> None:
    assert numbers(reader.get("/metrics"), "leads_build_info", "database") == {(store,): 1}


def test_the_size_of_the_write_ahead_log_is_reported(service: Service, reader: Api, john: str) -> None:
    url = service.container.settings().database_url
    log = Path(f"{url.database}-wal")
    ((_, reported),) = numbers(reader.get("/metrics"), "leads_sqlite_log_bytes").items()
    assert reported == (log.stat().st_size if log.exists() else 0)
