"""A server that is asked: the three questions, and whether its answers are right."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.failure import Failed
from benchmarks.wrk import Load

PAGE_SIZE = 50
READ, PAGE, CREATE = QUESTIONS = ("read", "page", "create")
"""One lead by its id; the 50 newest leads; a new lead. In this order: the last one changes what is there."""


@dataclass(frozen=True)
class Target:
    """Where leads are read and created, where the newest are, a file with an id a line, and headers to send along."""

    leads: str
    page: str
    ids: Path
    headers: Mapping[str, str]

    def load(self, question: str) -> Load:
        """The requests that ask it."""
        loads = {
            READ: Load(self.leads, self.headers, "read.lua", (str(self.ids),)),
            PAGE: Load(self.page, self.headers),
            CREATE: Load(self.leads, self.headers, "create.lua"),
        }
        return loads[question]

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
