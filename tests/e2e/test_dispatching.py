"""Follow-ups are sent by a process of their own: at once, and so that it can be stopped whatever a channel does."""

import signal
import time
from collections.abc import Iterator

import pytest

from e2e.service import Service, Site, eventually
from postgres import postgres_url

AT_ONCE = 0.1
"""Within how many seconds of the request a channel is given the notice, if the machine has nothing else to do."""

SOON_ENOUGH = 10.0
"""After how many seconds supervisors commonly lose their patience."""

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
    """A folder with a channel that notes when it is given what, and one that does so and then hangs."""
    site.install("channel", CHANNELS, {"leads.notifiers": {"channel": "channel:create"}})
    site.write("leads.toml", CONFIGURATION)
    return site


@pytest.fixture(params=["sqlite", "postgresql"])
def any_site(request: pytest.FixtureRequest, site: Site) -> Iterator[Site]:
    """The same on each database."""
    if request.param == "sqlite":
        yield site
        return
    with postgres_url() as url:
        site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        yield site


def a_lead(service: Service) -> str:
    """The path of a new lead."""
    return str(service.post("/leads", {"name": "John", "email": "john@example.com"}).expect(201).headers["location"])


def given_at(site: Site, follow_up: str) -> float:
    """When the channel was given a follow-up."""
    given = site.folder / f"given-{follow_up}"
    return float(eventually(lambda: given.read_text() if given.exists() else None))


def test_a_dispatcher_of_its_own_sends_at_once_what_is_asked_of_another_process(any_site: Site) -> None:
    with any_site.serve("--no-dispatch") as service, any_site.running("dispatch"):
        lead = a_lead(service)
        delays = []
        for _ in range(5):
            asked_at = time.time()
            follow_up = service.post(f"{lead}/follow-up").expect(202).json["id"]
            delays.append(given_at(any_site, follow_up) - asked_at)
            eventually(lambda id=follow_up: service.get(f"/follow-ups/{id}").json["state"] == "sent")  # type: ignore[misc]
        # This machine may have a lot else to do; if anybody waited for a fixed time, all would be late.
        assert min(delays) < AT_ONCE, delays


def test_what_is_retried_or_put_forward_is_sent_at_once_by_another_process(any_site: Site) -> None:
    with any_site.serve("--no-dispatch") as service, any_site.running("dispatch"):
        lead = a_lead(service)
        delays = []
        for _ in range(5):
            later = service.post(f"{lead}/follow-up", {"due_at": "2100-01-01T00:00:00Z"}).expect(202).json["id"]
            asked_at = time.time()
            service.patch(f"/follow-ups/{later}", {"due_at": "2020-01-01T00:00:00Z"}).expect(200)
            delays.append(given_at(any_site, later) - asked_at)
        assert min(delays) < AT_ONCE, delays


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_channel_that_hangs_cannot_prevent_the_end_of_a_dispatcher(site: Site, number: signal.Signals) -> None:
    with site.serve("--no-dispatch") as service, site.running("dispatch") as dispatcher:
        given_at(site, stuck(service))
        dispatcher.process.send_signal(number)
        assert dispatcher.process.wait(SOON_ENOUGH) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_channel_that_hangs_cannot_prevent_the_end_of_the_service(site: Site, workers: str) -> None:
    with site.serve("--workers", workers) as service:
        follow_up = stuck(service)
        given_at(site, follow_up)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(SOON_ENOUGH) == 0
        eventually(lambda: not service.has_left_processes())
    with site.serve("--no-dispatch") as service:
        assert service.get(f"/follow-ups/{follow_up}").expect(200).json["state"] == "scheduled"


def test_a_channel_that_hangs_holds_up_no_other(site: Site) -> None:
    with site.serve() as service:
        given_at(site, stuck(service))
        quick = service.post(f"{a_lead_again(service)}/follow-up").expect(202).json["id"]
        eventually(lambda: service.get(f"/follow-ups/{quick}").json["state"] == "sent")
        service.kill()


def stuck(service: Service) -> str:
    """The id of a follow-up whose attempt never ends."""
    return str(service.post(f"{a_lead(service)}/follow-up", {"channel": "stuck"}).expect(202).json["id"])


def a_lead_again(service: Service) -> str:
    """The path of the only lead."""
    return f"/leads/{service.get('/leads').json['items'][0]['id']}"
