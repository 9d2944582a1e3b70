"""Test how the export of a person's data is sent: in pieces, from one snapshot."""

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builders import an_id
from leads_adapters.http.personal_data import MEMORY_MAX, personal_data
from leads_domain.lead import LeadId
from leads_domain.use_cases.add_note import NOTE_MAX
from rest import ON_BOTH_DATABASES, UNKNOWN_ID, Api, Service

PIECE_MAX = 2**16


@pytest.fixture
def admin(service: Service) -> Api:
    """Return a client with the role `admin`."""
    return service.client("admin")


@pytest.fixture
def large(admin: Api, john: str) -> str:
    """Give a lead more data than an export keeps in memory, and return its path."""
    text = "😀" * NOTE_MAX
    for _ in range(MEMORY_MAX // len(text.encode()) + 1):
        admin.post(f"{john}/notes", {"text": text}).expect(201)
    return john


def pieces_of(service: Service, path: str) -> AsyncIterator[bytes]:
    """Begin an export of the lead with this path."""
    return personal_data(service.container.database(), LeadId(path.rpartition("/")[2]))


async def first_of(pieces: AsyncIterator[bytes]) -> bytes:
    """Return the first piece."""
    return await anext(pieces)


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    """Return all pieces as one."""
    return b"".join([piece async for piece in pieces])


@ON_BOTH_DATABASES
def test_a_large_export_is_sent_in_pieces(service: Service, admin: Api, large: str) -> None:
    async def sizes() -> list[int]:
        return [len(piece) async for piece in pieces_of(service, large)]

    body = admin.get(f"{large}/export").expect(200).body
    assert sum(service.run(sizes())) == len(body) > MEMORY_MAX
    assert max(service.run(sizes())) <= PIECE_MAX
    assert len(json.loads(body)["timeline"]) == MEMORY_MAX // (4 * NOTE_MAX) + 2


@ON_BOTH_DATABASES
def test_an_export_shows_one_moment_however_slow_the_client_is(service: Service, admin: Api, large: str) -> None:
    before = admin.get(f"{large}/export").body
    pieces = pieces_of(service, large)
    first = service.run(first_of(pieces))
    admin.request("DELETE", large).expect(204)

    assert first + service.run(joined(pieces)) == before


def test_an_export_without_a_folder_for_temporary_files_is_refused(
    admin: Api, large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    problem = admin.get(f"{large}/export").expect_problem(503, "unavailable")
    assert "temporary files" in problem["detail"]
    small = admin.post("/leads", {"name": "Jane Roe", "email": "jane@example.com"}).headers["location"]
    admin.get(f"{small}/export").expect(200)


def test_no_data_remains_in_the_folder_for_temporary_files(
    service: Service, large: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = {*tmp_path.iterdir()}
    pieces = pieces_of(service, large)
    service.run(first_of(pieces))

    assert {*tmp_path.iterdir()} == before, "the file has no name"


def test_head_finds_a_lead_but_does_not_export_it(admin: Api, john: str) -> None:
    assert admin.request("HEAD", f"{john}/export").expect(200).body == b""
    admin.request("HEAD", f"/leads/{UNKNOWN_ID}/export").expect(404)
    admin.get(f"/leads/{an_id(9)}/export").expect_problem(404, "not-found")
