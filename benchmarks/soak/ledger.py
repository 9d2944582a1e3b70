"""Remember what the service has acknowledged."""

from asyncio import Lock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from random import Random

HOST = "soak.example.com"


@dataclass(slots=True)
class Lead:
    """An acknowledged lead, with the last acknowledged values."""

    id: str
    email: str
    status: str = "new"
    count: int = 0
    is_busy: bool = False


@dataclass
class Ledger:
    """The acknowledged leads, follow-ups and enquiries.

    `attempted` has the e-mail address of every request that may have created a lead, `arrived` those of acknowledged
    requests whose response has no id. Enquiries, also of forms, are known by the unique text of their message. `feed`
    has the events that a client has followed while they happened, with the ids of their leads.
    """

    random: Random
    capture_key: str
    leads: list[Lead] = field(default_factory=list)
    attempted: set[str] = field(default_factory=set)
    arrived: set[str] = field(default_factory=set)
    follow_ups: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    enquiries: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    merged: dict[str, str] = field(default_factory=dict)
    feed: dict[str, str] = field(default_factory=dict)
    after: str | None = None
    following: Lock = field(default_factory=Lock)
    numbers: Iterator[int] = field(default_factory=count)

    def new_email(self) -> str:
        """Return an e-mail address that no lead has."""
        email = f"lead-{next(self.numbers)}@{HOST}"
        self.attempted.add(email)
        return email

    def new_message(self) -> str:
        """Return a message that no enquiry has."""
        return f"Do you deliver number {next(self.numbers)}?"

    def add(self, id: str, email: str) -> None:
        """Remember an acknowledged lead."""
        self.leads.append(Lead(id, email))

    def any_lead(self) -> Lead:
        """Return one of the leads."""
        return self.random.choice(self.leads)

    @contextmanager
    def borrow(self) -> Iterator[Lead]:
        """Lend a lead that no other operation patches meanwhile."""
        lead = next(lead for lead in iter(self.any_lead, None) if not lead.is_busy)
        lead.is_busy = True
        try:
            yield lead
        finally:
            lead.is_busy = False
