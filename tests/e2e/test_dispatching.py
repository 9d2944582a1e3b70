"""Test `leads dispatch`: it sends at once, and stops even when a channel hangs."""

import signal
import time
from collections.abc import Iterator

import pytest

from e2e.service import Service, Site, eventually
from postgres import postgres_url

AT_ONCE = 0.1
"""The maximum delay in seconds from the request to the channel, on an idle machine."""

SUPERVISOR_SECONDS = 10.0
"""The time in seconds after which supervisors commonly kill a process."""

CHANNELS = """
import time
from pathlib import Path

from leads_domain.notifier import Receipt


class Channel:
    needs = None

    def __init__(self, hangs):
        self._hangs = hangs

    def notify(self, notice):
        Path("given-" + notice.follow_up_id).write_text(str(time.time()))
        if self._hangs:
            time.sleep(3600)
        return Receipt()


def create(options):
    return Channel("hangs" in options)
"""
CONFIGURATION = """
default_channel = "quick"

[channels.quick]
adapter = "channel"

[channels.stuck]
adapter = "channel"
hangs = "always"
"""


@pytest.fixture
def site(site: Site) -> Site:
    """Return a site with a channel that records the time of each notice, and one that then hangs."""
    site.install("channel", CHANNELS, {"leads.notifiers": {"channel": "channel:create"}})
    site.write("leads.toml", CONFIGURATION)
    return site


@pytest.fixture(params=["sqlite", "postgresql"])
def any_site(request: pytest.FixtureRequest, site: Site) -> Iterator[Site]:
    """Return the site on each database."""
    if request.param == "sqlite":
        yield site
        return
    with postgres_url() as url:
        site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        yield site


def a_lead(service: Service) -> str:
    """Create a lead and return its path."""
    return str(service.post("/leads", {"name": "John", "email": "john@example.com"}).expect(201).headers["location"])


def notified_at(site: Site, follow_up: str) -> float:
    """Return the time at which the channel received a follow-up."""
    given = site.folder / f"given-{follow_up}"
    return float(eventually(lambda: given.read_text() if given.exists() else None))


def test_a_separate_dispatcher_sends_follow_ups_of_another_process_at_once(any_site: Site) -> None:
    with any_site.serve("--no-dispatch") as service, any_site.running("dispatch"):
        lead = a_lead(service)
        delays = []
        for _ in range(5):
            asked_at = time.time()
            follow_up = service.post(f"{lead}/follow-up").expect(202).json["id"]
            delays.append(notified_at(any_site, follow_up) - asked_at)
            eventually(lambda id=follow_up: service.get(f"/follow-ups/{id}").json["state"] == "sent")  # type: ignore[misc]
        # The minimum: a busy machine delays some, but polling at a fixed interval would delay all.
        assert min(delays) < AT_ONCE, delays


def test_a_separate_dispatcher_sends_retried_and_rescheduled_follow_ups_at_once(any_site: Site) -> None:
    with any_site.serve("--no-dispatch") as service, any_site.running("dispatch"):
        lead = a_lead(service)
        delays = []
        for _ in range(5):
            later = service.post(f"{lead}/follow-up", {"due_at": "2100-01-01T00:00:00Z"}).expect(202).json["id"]
            asked_at = time.time()
            service.patch(f"/follow-ups/{later}", {"due_at": "2020-01-01T00:00:00Z"}).expect(200)
            delays.append(notified_at(any_site, later) - asked_at)
        assert min(delays) < AT_ONCE, delays


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_hanging_channel_does_not_prevent_shutdown_of_a_dispatcher(site: Site, number: signal.Signals) -> None:
    with site.serve("--no-dispatch") as service, site.running("dispatch") as dispatcher:
        notified_at(site, hanging_follow_up(service))
        dispatcher.process.send_signal(number)
        assert dispatcher.process.wait(SUPERVISOR_SECONDS) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_hanging_channel_does_not_prevent_shutdown_of_the_service(site: Site, workers: str) -> None:
    with site.serve("--workers", workers) as service:
        follow_up = hanging_follow_up(service)
        notified_at(site, follow_up)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(SUPERVISOR_SECONDS) == 0
        eventually(lambda: not service.has_left_processes())
    with site.serve("--no-dispatch") as service:
        assert service.get(f"/follow-ups/{follow_up}").expect(200).json["state"] == "scheduled"


def test_a_hanging_channel_does_not_delay_others(site: Site) -> None:
    with site.serve() as service:
        notified_at(site, hanging_follow_up(service))
        quick = service.post(f"{existing_lead(service)}/follow-up").expect(202).json["id"]
        eventually(lambda: service.get(f"/follow-ups/{quick}").json["state"] == "sent")
        service.kill()


def hanging_follow_up(service: Service) -> str:
    """Create a follow-up with an attempt that never ends, and return its id."""
    return str(service.post(f"{a_lead(service)}/follow-up", {"channel": "stuck"}).expect(202).json["id"])


def existing_lead(service: Service) -> str:
    """Return the path of the only lead."""
    return f"/leads/{service.get('/leads').json['items'][0]['id']}"
