"""Put a server under one of four workloads, and check its responses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.failure import Failed
from benchmarks.wrk import Load

PAGE_SIZE = 50
PAGES_MAX = 200
READ, PAGE, PAGES, CREATE = WORKLOADS = ("read", "page", "pages", "create")
"""One lead by its id; the 50 newest leads; 200 pages in turn; a new lead. Creates are last: they change the data."""


@dataclass(frozen=True)
class Target:
    """The URL of leads, that of the newest page, a file with an id in each line, and the request headers.

    `nth_page` returns the URL of a page, counted from 0. Without it, pages are found by `next_cursor`.
    """

    leads: str
    page: str
    ids: Path
    headers: Mapping[str, str]
    nth_page: Callable[[int], str] | None = None

    def load(self, workload: str) -> Load:
        """Return the load of a workload."""
        match workload:
            case "read":
                return Load(self.leads, self.headers, "read.lua", (str(self.ids),))
            case "pages":
                file = self.ids.with_name("pages.txt")
                file.write_text("\n".join(self._pages()))
                return Load(self.leads, self.headers, "pages.lua", (str(file),))
            case "create":
                return Load(self.leads, self.headers, "create.lua")
            case _:
                return Load(self.page, self.headers)

    def _pages(self) -> Iterator[str]:
        """Yield the URLs of the first pages."""
        if self.nth_page is not None:
            yield from map(self.nth_page, range(PAGES_MAX))
            return
        address = self.page
        with httpx.Client(headers=self.headers, timeout=30) as client:
            for _ in range(PAGES_MAX):
                yield address
                cursor = client.get(address).raise_for_status().json()["next_cursor"]
                if cursor is None:
                    return
                address = f"{self.page}&cursor={cursor}"

    def check(self, lead: Mapping[str, Any]) -> None:
        """Create a lead, read it, and find it first on a full page. Raises `Failed` if a response lacks it."""
        with httpx.Client(headers=self.headers, timeout=30) as client:
            created = client.post(self.leads, json=lead).raise_for_status().json()
            read = client.get(f"{self.leads}/{created['id']}").raise_for_status().json()
            items = client.get(self.page).raise_for_status().json()["items"]
        for response in (created, read, items[0]):
            if any(response[field] != value for field, value in lead.items()):
                raise Failed(f"{self.leads} returned {response} for {lead}.")
        if len(items) != PAGE_SIZE:
            raise Failed(f"{self.page} returned {len(items)} leads.")
