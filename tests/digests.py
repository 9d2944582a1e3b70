"""Call the use cases of digests on one database with short methods: `digests.task(MIA)`, `digests.claim()`."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from application import LEASE, RETRY, Application
from leads_domain.delivery import Claimed
from leads_domain.digest import Digest, DigestId
from leads_domain.digest_schedule import DigestSchedule
from leads_domain.lead import Lead
from leads_domain.notifier import NotificationError, Refused
from leads_domain.use_cases.compose_digest import ComposeDigest
from leads_domain.use_cases.dispatch_digests import ClaimDueDigests, RecordDigest

BERLIN = ZoneInfo("Europe/Berlin")
MORNING = datetime(2026, 1, 5, 8, tzinfo=BERLIN)
MIA = "mia@example.com"
SCHEDULE = DigestSchedule(zone=BERLIN, days=frozenset(range(7)), at=time(8))


class Digests:
    """An application at 08:00 in Berlin, and the use cases of its digests."""

    def __init__(self, app: Application) -> None:
        self.app = app
        app.clock.time = MORNING
        self.configure(SCHEDULE)
        self.record_digest = RecordDigest(app.clock, app.random_source, RETRY)

    def configure(self, schedule: DigestSchedule, channel: str = "smtp", public_url: str | None = None) -> None:
        """Configure the digests."""
        compose = ComposeDigest(schedule, public_url)
        self.claim_due = ClaimDueDigests(self.app.clock, self.app.ids, channel, compose, LEASE, RETRY)
        self.channel = channel

    def claim(self, owner: str = "one", limit: int = 10) -> list[Claimed[Digest]]:
        """Claim due digests."""
        return list(self.app.database.write(self.claim_due, owner=owner, limits={self.channel: limit}))

    def record(self, claimed: Claimed[Digest], error: NotificationError | None = None) -> bool:
        """Record the outcome of an attempt."""
        return self.app.database.write(self.record_digest, claimed.item, error)

    def stored(self, claimed: Claimed[Digest]) -> Digest:
        """Return a digest as stored."""
        return self.app.database.write(lambda work: work.digests.get_for_update(DigestId(claimed.item.id)))

    def next_attempts(self) -> dict[str, datetime]:
        """Return the time of the next planning or attempt."""
        return dict(self.app.database.read(self.claim_due.next_attempts))

    def task(self, assignee: str = MIA, lead: Lead | None = None, **values: Any) -> Lead:
        """Create a task, by default one that is due in an hour and of a new lead."""
        lead = lead or self.app.register(email=f"{self.app.ids.new()}@example.com").lead
        values = {"due_at": self.app.clock.now() + timedelta(hours=1), "remind": False, **values}
        self.app.create_task(lead, assignee=assignee, **values)
        return lead

    def fail_follow_up(self, owner: str | None = MIA) -> Lead:
        """Let a follow-up of a new lead fail."""
        lead = self.app.register(email=f"{self.app.ids.new()}@example.com", owner=owner).lead
        self.app.trigger(lead)
        (claimed,) = self.app.claim()
        assert self.app.record(claimed, Refused("No such mailbox."))
        return lead
