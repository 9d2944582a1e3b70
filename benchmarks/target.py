"""A server under load: the four questions, and whether its responses are right."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.failure import Failed
from benchmarks.wrk import Load

PAGE_SIZE = 50
PAGES_MAX = 200
READ, PAGE, PAGES, CREATE = QUESTIONS = ("read", "page", "pages", "create")
"""One lead by its id; the 50 newest leads; 200 pages in turn; a new lead, which comes last: it changes the others."""


@dataclass(frozen=True)
class Target:
    """Where leads are read and created, where the newest are, a file with an id a line, and headers to send along.

    `nth_page` returns the address of a page, from 0; without it, pages are found by `next_cursor`.
    """

    leads: str
    page: str
    ids: Path
    headers: Mapping[str, str]
    nth_page: Callable[[int], str] | None = None

    def load(self, question: str) -> Load:
        """Return the requests of a question."""
        match question:
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
        """Yield the addresses of the first pages."""
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
        """Create a lead, read it, and find it first on a full page; raises `Failed` unless every answer holds it."""
        with httpx.Client(headers=self.headers, timeout=30) as client:
            created = client.post(self.leads, json=lead).raise_for_status().json()
            read = client.get(f"{self.leads}/{created['id']}").raise_for_status().json()
            items = client.get(self.page).raise_for_status().json()["items"]
        for answer in (created, read, items[0]):
            if any(answer[member] != value for member, value in lead.items()):
                raise Failed(f"{self.leads} was given {lead} and answered {answer}")
        if len(items) != PAGE_SIZE:
            raise Failed(f"{self.page} answered {len(items)} leads.")
