"""The leads that are there before anything is measured, and the key to ask for them with."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec

from benchmarks.failure import Failed
from benchmarks.server import LEAD_FILE, PAGE_FILE
from benchmarks.service import SERVE, Installation

SOURCES = ("website", "telephone", "fair", "newsletter", None)


@dataclass(frozen=True)
class Dataset:
    """A file with the id of every lead on a line, and an API key."""

    ids: Path
    key: str

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"X-API-Key": self.key}


def prepare(installation: Installation, leads: int) -> Dataset:
    """Take in so many leads, make a key, and keep what the service answers: the constants to hold it against."""
    source, ids = installation.folder / "source.ndjson", installation.folder / "ids.txt"
    with source.open("wb") as stream:
        stream.writelines(msgspec.json.encode(_lead(number)) + b"\n" for number in range(leads))
    installation.leads("import", str(source))
    with _exported(installation) as lines, ids.open("w") as stream:
        stream.writelines(f"{msgspec.json.decode(line)['id']}\n" for line in lines)
    dataset = Dataset(ids, installation.leads("keys", "create", "--name", "benchmark", "--role", "agent").strip())
    with installation.running(SERVE) as service, httpx.Client(base_url=service.url, headers=dataset.headers) as client:
        page = client.get("/leads?limit=50").raise_for_status()
        lead = client.get(f"/leads/{page.json()['items'][0]['id']}").raise_for_status()
    (installation.folder / PAGE_FILE).write_bytes(page.content)
    (installation.folder / LEAD_FILE).write_bytes(lead.content)
    return dataset


def check_kept(installation: Installation, *, least: int, most: int) -> None:
    """Raises `Failed` unless so many are kept: all that were answered with 201, and perhaps those cut off."""
    with _exported(installation) as lines:
        kept = sum(1 for _ in lines)
    if not least <= kept <= most:
        raise Failed(f"{kept} leads are kept; {least} to {most} should be.")


def _exported(installation: Installation) -> BinaryIO:
    file = installation.folder / "exported.ndjson"
    installation.leads("export", str(file))
    return file.open("rb")


def _lead(number: int) -> dict[str, object]:
    return {
        "name": f"John Doe {number}",
        "email": f"John.Doe.{number}@company{number % 500}.example.com",
        "phone": f"+4989{number:07d}",
        "source": SOURCES[number % len(SOURCES)],
        "owner": f"sales{number % 5}@example.com",
        "attributes": {"company": f"Company {number % 500}", "employees": number % 1000},
    }
