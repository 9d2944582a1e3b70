"""Attack the service with requests that it refuses before it has read them."""

import pytest

from attack.target import MIB, Target, exchange
from e2e.service import Service, Site

JSON = "content-type: application/json"
REFUSED = {
    "POST /leads": 401,
    "POST /nowhere": 404,
    "PUT /leads": 405,
    "POST /leads/import": 415,
    "POST /forms/unknown": 404,
    "DELETE /leads/01900000-0000-7000-8000-000000000000": 404,
    "POST /leads?unknown=1": 400,
}


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_a_refused_request_with_a_large_body_keeps_the_connection_or_says_that_it_ends(target: Target) -> None:
    for line, status in REFUSED.items():
        for size in (1000, 2 * MIB, 7 * MIB):
            head = target.head(line, JSON, f"content-length: {size}", key=status != 401)
            with target.connect() as connection:
                first = exchange(connection, head + b" " * size)
                assert first.status == status, (line, size, first)
                assert first.json["status"] == status
                if "connection: close" not in first.head:
                    second = exchange(connection, target.head("GET /health/live", key=False))
                    assert second.status == 200, (line, size, first, second)


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_refused_bodies_are_not_read_without_end(target: Target) -> None:
    with target.under_attack() as cost:
        for line, status in REFUSED.items():
            for fields in (f"content-length: {2**40}", "transfer-encoding: chunked"):
                request = target.head(line, JSON, fields) + (b"8000\r\n" + b" " * 2**15 + b"\r\n") * 1000
                assert target.exchange(request).status in {0, 413, status}
    target.check("MB of memory", cost.memory_mb, at_most=30)
    target.check_others(cost, held_ms=60)


def test_names_of_forms_cannot_be_guessed_at_any_rate(site: Site) -> None:
    with site.serve() as service:
        statuses = [guess(service, number) for number in range(200)]
    assert 429 in statuses
    assert set(statuses) == {404, 429}


def guess(service: Service, number: int) -> int:
    """Return the status of a form with a guessed name."""
    return service.client.post(f"/forms/guess{number}", data={"email": "a@example.com"}).status_code
