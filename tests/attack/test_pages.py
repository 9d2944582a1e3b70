"""Attack the service with pages, timelines and exports of the largest leads."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from attack.target import MIB, Target
from e2e.service import Response, Service

pytestmark = pytest.mark.attack

LEADS = 100
PAGE_MAX = 8 * MIB
LARGEST = 2**18
"""The largest body of a request, and so about the largest lead."""

NDJSON = {"content-type": "application/x-ndjson"}
HELD_MS = 100
MEMORY_MB = 100


def largest(number: int, filler: str = "😀") -> dict[str, object]:
    """Return a lead of nearly the largest size."""
    attributes = {f"a{each}": filler * 1000 for each in range(50)}
    return {"name": f"Jo {number}", "email": f"jo{number}@example.com", "attributes": attributes}


@pytest.fixture(scope="module")
def person(service: Service) -> str:
    """Store the largest leads, and return the path of one with a long timeline."""
    client = service.client
    for start in range(0, LEADS, 20):
        lines = "".join(json.dumps(largest(number), ensure_ascii=False) + "\n" for number in range(start, start + 20))
        assert client.post("/leads/import", content=lines.encode(), headers=NDJSON).json()["created"] == 20
    path = client.post("/leads", json=largest(LEADS)).headers["location"]
    for number in range(40):
        change = {"attributes": largest(0, "😀" if number % 2 else "🙂")["attributes"]}
        assert client.patch(path, json=change).status_code == 200
    return str(path)


def pages(target: Target, path: str, limit: int = 200) -> Iterator[Response]:
    """Yield the pages of a list."""
    cursor, after = "", "after" if path == "/events" else "cursor"
    while True:
        page = target.service.get(f"{path}?limit={limit}{cursor}").expect(200)
        yield page
        if not page.json["next_cursor"]:
            return
        cursor = f"&{after}={page.json['next_cursor']}"


@pytest.mark.parametrize("path", ["/leads", "{person}/timeline", "/events"])
def test_pages_have_a_limited_size_and_leave_nothing_out(target: Target, person: str, path: str) -> None:
    path = path.format(person=person)
    with target.under_attack() as cost:
        found = list(pages(target, path))
    ids = [item["id"] for page in found for item in page.json["items"]]
    few = [item["id"] for page in pages(target, path, limit=7) for item in page.json["items"]]
    assert ids == few
    largest_page = max(len(page.text.encode()) for page in found)
    target.check("MiB of a page", largest_page / MIB, at_most=(PAGE_MAX + 2 * LARGEST) / MIB)
    target.check("MB of memory", cost.memory_mb, at_most=MEMORY_MB)
    target.check_others(cost, held_ms=HELD_MS)


def test_many_large_pages_at_once_use_limited_memory(target: Target, person: str) -> None:
    with target.under_attack() as cost, ThreadPoolExecutor(16) as clients:
        list(clients.map(lambda _: target.service.get("/leads?limit=200").expect(200), range(32)))
    target.check("MB of memory", cost.memory_mb, at_most=4 * MEMORY_MB)
    target.check_others(cost, held_ms=2 * HELD_MS)


def test_a_large_export_of_a_person_is_sent_in_pieces(target: Target, person: str) -> None:
    with target.under_attack() as cost:
        exported = target.service.get(f"{person}/export").expect(200)
    assert len(exported.json["timeline"]) == 41
    target.check("MB of memory", cost.memory_mb, at_most=MEMORY_MB)
    target.check_others(cost, held_ms=HELD_MS)


def test_an_export_of_large_leads_is_sent_in_pieces(target: Target, person: str) -> None:
    with target.under_attack() as cost, target.service.client.stream("GET", "/leads/export") as response:
        size = sum(map(len, response.iter_bytes()))
    assert size > LEADS * LARGEST / 2
    target.check("MB of memory", cost.memory_mb, at_most=MEMORY_MB)
    target.check_others(cost, held_ms=HELD_MS)
