"""Test several processes on one database, also while some are killed."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle

import httpx
import pytest

from e2e.service import HOST, TIMEOUT_SECONDS, Service, Site, eventually
from e2e.test_stopping import refuses_connections, unfinished_request
from postgres import connect, postgres_url

A_MOMENT = 0.3
"""The time-out in seconds for the response of one worker."""

RECORDER = """
from leads_domain.notifier import Receipt


class Recorder:
    needs = None

    def __init__(self, file):
        self._file = file

    def notify(self, notice):
        with open(self._file, "a") as file:
            file.write(notice.follow_up_id + "\\n")
        return Receipt("recorded")


def create(options):
    return Recorder(options["file"])
"""

PEOPLE = 20
SPELLINGS = (
    "jörg{}@example.com",
    " Jörg{}@Example.com",
    "JÖRG{}@EXAMPLE.COM ",
    "\tjörg{}@EXAMPLE.com",
    "JöRg{}@example.COM",
)


@pytest.fixture
def site(site: Site) -> Site:
    """Return a site with a channel that writes the ids of sent follow-ups to the file `sent`."""
    site.install("recorder", RECORDER, {"leads.notifiers": {"recorder": "recorder:create"}})
    site.write("leads.toml", f'[channels.file]\nadapter = "recorder"\nfile = "{site.folder / "sent"}"\n')
    site.configure(LEADS_DEFAULT_CHANNEL="file", LEADS_RATE_LIMIT="off")
    return site


@pytest.fixture
def postgres_site(site: Site) -> Iterator[Site]:
    """Return the site on PostgreSQL."""
    with postgres_url() as url:
        site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        yield site


@contextmanager
def dispatching(site: Site) -> Iterator[None]:
    """Run `leads dispatch` in a separate process."""
    with site.running("dispatch") as dispatcher:
        yield
        assert dispatcher.stop() in (0, -signal.SIGTERM)  # it may be stopped before it has started


def test_three_processes_on_postgresql_store_every_lead_and_send_every_follow_up_once(
    postgres_site: Site,
) -> None:
    with ExitStack() as running:
        first = running.enter_context(postgres_site.serve("--workers", "2"))
        second = running.enter_context(postgres_site.serve("--no-dispatch"))
        running.enter_context(dispatching(postgres_site))
        create_leads_and_follow_ups([first, second])


def test_two_processes_on_sqlite_store_every_lead_and_send_every_follow_up_once(site: Site) -> None:
    with site.serve() as first, site.serve() as second:
        create_leads_and_follow_ups([first, second])


def create_leads_and_follow_ups(services: Sequence[Service]) -> None:
    """Post all leads in all spellings to all services concurrently, and follow up each lead."""
    site = services[0].site
    replies = asyncio.run(post_everywhere(services))
    assert len(replies) == len(services) * len(SPELLINGS) * PEOPLE

    created = {reply.json()["id"] for reply in replies if reply.status_code == 201}
    assert Counter(reply.status_code for reply in replies) == {201: PEOPLE, 409: len(replies) - PEOPLE}
    assert {reply.json()["existing_lead_id"] for reply in replies if reply.status_code == 409} <= created
    for service in services:
        assert {lead["id"] for lead in service.items("/leads")} == created

    ask = zip(cycle(services), sorted(created), strict=False)
    promised = [service.post(f"/leads/{id}/follow-up").expect(202).json["id"] for service, id in ask]
    sent = site.folder / "sent"
    eventually(lambda: sent.exists() and len(sent.read_text().split()) >= PEOPLE)
    for service, id in zip(cycle(services), promised, strict=False):
        eventually(lambda service=service, id=id: service.get(f"/follow-ups/{id}").json["state"] == "sent")  # type: ignore[misc]
    assert sorted(sent.read_text().split()) == sorted(promised)


async def post_everywhere(services: Sequence[Service]) -> list[httpx.Response]:
    """Post every spelling of every e-mail address to every service with 16 clients each; return the responses."""
    headers = {"X-API-Key": services[0].site.key}
    emails = [spelling.format(number) for number in range(PEOPLE) for spelling in SPELLINGS]
    async with httpx.AsyncClient(
        headers=headers, limits=httpx.Limits(max_connections=32), timeout=TIMEOUT_SECONDS, trust_env=False
    ) as client:
        return await asyncio.gather(
            *(
                client.post(f"{service.url}/leads", json={"name": "Jörg", "email": email})
                for email in emails
                for service in services
            )
        )


class TestWorkers:
    """Tests of `leads serve --workers 2`."""

    @pytest.fixture
    def service(self, site: Site) -> Iterator[Service]:
        with site.serve("--workers", "2") as service:
            eventually(lambda: len(workers(service)) == 2)
            yield service

    def test_all_respond(self, service: Service) -> None:
        for worker in workers(service):
            assert_responds(service, worker)

    def test_a_killed_worker_is_replaced_and_the_others_respond_meanwhile(self, service: Service) -> None:
        killed, left = workers(service)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: killed not in workers(service))
        assert_responds(service, left)
        eventually(lambda: len(workers(service)) == 2)
        new = (workers(service) - {left}).pop()
        assert new != killed
        eventually(lambda: httpx_get(service.url) == 200)
        assert_responds(service, new)
        assert service.stop() == 0
        assert not service.has_left_processes()

    def test_all_end_when_the_parent_is_killed(self, service: Service) -> None:
        with unfinished_request(service):
            service.kill()
            eventually(lambda: not service.has_left_processes())
            eventually(lambda: refuses_connections(service.port))

    def test_stalled_clients_do_not_delay_others(self, service: Service) -> None:
        with ExitStack() as stalled:
            for _ in range(16):
                stalled.enter_context(unfinished_request(service))
            for worker in workers(service):
                assert_responds(service, worker)


def workers(service: Service) -> set[int]:
    """Return the ids of the worker processes."""
    return service.processes() - {service.process.pid}


def assert_responds(service: Service, worker: int) -> None:
    """Check that this worker responds while all others are suspended."""
    others = workers(service) - {worker}
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        eventually(lambda: httpx_get(service.url) == 200)
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def httpx_get(url: str) -> int | None:
    """Return the status of a request on its own connection, or None without a response."""
    try:
        return httpx.get(f"{url}/health/live", timeout=A_MOMENT, trust_env=False).status_code
    except httpx.TransportError:
        return None


class TestCommands:
    """Tests of every command on PostgreSQL."""

    def test_a_missing_or_old_schema_is_reported_with_the_command_to_run(self, site: Site) -> None:
        with postgres_url(migrated=False) as url:
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
            assert "leads migrate" in one_line(site, "serve", "--workers", "2")
            ill = site.leads("doctor").expect(1)
            [error] = [line for line in ill.out.splitlines() if line.startswith("ERROR")]
            assert "leads migrate" in error

            assert site.leads("migrate").expect(0).out.startswith("The database postgresql://")
            healthy = site.leads("doctor").expect(0).out
            assert checks(healthy) == ["ok configuration", "ok PostgreSQL", "ok database", "ok channels"]
            assert "encoding UTF8" in healthy

            with connect(url) as connection:
                connection.execute("UPDATE alembic_version SET version_num = '0000'")
            outdated = one_line(site, "serve")
            assert "leads migrate" in outdated
            assert "0000" in outdated

    def test_doctor_reports_an_unreachable_server_in_one_line_per_check(self, site: Site) -> None:
        site.configure(LEADS_DATABASE_URL=f"postgresql://ann:hunter2@{HOST}:1/leads")
        ill = site.leads("doctor").expect(1).out
        assert checks(ill) == ["ok configuration", "ERROR PostgreSQL", "ERROR database", "ok channels"]
        assert "hunter2" not in ill

    def test_a_database_that_is_not_utf_8_is_refused_by_every_command(self, site: Site) -> None:
        with postgres_url(migrated=False, encoding="SQL_ASCII") as url:
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
            for command in ("migrate", "serve"):
                output = one_line(site, command)
                assert "SQL_ASCII" in output
                assert "UTF8" in output
            ill = site.leads("doctor").expect(1).out
            assert checks(ill) == ["ok configuration", "ERROR PostgreSQL", "ERROR database", "ok channels"]

    def test_import_export_keys_and_dispatch_work(self, postgres_site: Site) -> None:
        site = postgres_site
        site.write("people.csv", "name,email\n" + "".join(f"Zoë {n},zoe{n}@example.com\n" for n in range(700)))
        assert "created          700" in site.leads("import", "people.csv").expect(0).out
        exported = site.leads("export").expect(0).out
        assert [f"zoe{n}@example.com" for n in range(700) if f",zoe{n}@example.com," not in exported] == []

        key = site.leads("keys", "create", "--name", "Ann", "--role", "agent").expect(0).out.strip()
        listed = site.leads("keys", "list").expect(0).out
        assert "Ann" in listed
        with site.serve("--no-dispatch") as service:
            service.client.headers["X-API-Key"] = key
            lead = service.get("/leads?limit=1").expect(200).json["items"][0]["id"]
            follow_up = service.post(f"/leads/{lead}/follow-up").expect(202).json["id"]
            assert site.leads("dispatch", "--once").expect(0).out == "Attempts made: 1.\n"
            assert service.get(f"/follow-ups/{follow_up}").expect(200).json["state"] == "sent"
            site.leads("keys", "revoke", listed.split()[0]).expect(0)
            service.get("/leads").expect(401)


def checks(output: str) -> list[str]:
    """Return the result of each check of `leads doctor`."""
    return [" ".join(line.split(":")[0].split()) for line in output.splitlines()]


def one_line(site: Site, *command: str) -> str:
    """Run a command that must fail and return its one line of output."""
    [line] = site.leads(*command).expect(1).err.splitlines()
    assert line.startswith("leads: ")
    return line
