"""The commands of docs/back-up-and-restore.md work as printed.

The tests replace only what they lack: root, the folders /opt/leads and /var/lib/leads, and the database's host.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread

import pytest
from sqlalchemy import URL

from e2e.readme import assert_every_block_is_listed, block, local_block
from e2e.service import BIN, Service, Site, eventually
from leads_adapters.sql.sqlite.driver import driver as sqlite
from postgres import PROGRAMS, connect

PAGE = "docs/back-up-and-restore.md"

BACKUP = "\n/opt/leads/bin/leads backup"
RESTORE = "\n/opt/leads/bin/leads restore"
PG_BACKUP = "pg_dump --version"
PG_RESTORE = "leads restore backups\n"
TRIED = [BACKUP, RESTORE, PG_BACKUP, PG_RESTORE]

COMPOSE_BACKUP = "docker compose exec -T db pg_dump"
COMPOSE_RESTORE = "docker compose stop"
NOT_TRIED = {
    "30 3 * * *": "the same command, by cron",
    "docker exec": "needs an engine",
    "docker stop": "needs an engine",
    COMPOSE_BACKUP: "needs an engine; its options of pg_dump are tried here",
    COMPOSE_RESTORE: "needs an engine; its options of pg_restore are tried here",
}

JOHN = {"name": "John Doe", "email": "john@example.com"}


def in_a_container(part: str) -> str:
    """Return the commands of a block that run in the container of PostgreSQL, without the others."""
    return block(part, PAGE).replace("docker compose exec -T db ", "").replace("docker compose", ":")


def without_asking(block: str) -> str:
    """Let the restore in a block run without a terminal."""
    return block.replace("leads restore", "leads restore --yes")


def test_every_block_is_run_or_has_a_reason_why_not() -> None:
    assert_every_block_is_listed(PAGE, [*TRIED, *NOT_TRIED])


@contextmanager
def writing(service: Service) -> Iterator[list[str]]:
    """Create leads all the time, and yield the list of their addresses."""
    created: list[str] = []
    enough = Event()

    def write() -> None:
        for number in count():
            email = f"lead-{number}@example.com"
            service.post("/leads", {"name": "Somebody", "email": email}).expect(201)
            created.append(email)
            if enough.is_set():
                return

    thread = Thread(target=write)
    thread.start()
    try:
        yield created
    finally:
        enough.set()
        thread.join()


@pytest.mark.wal
def test_a_backup_is_made_while_leads_come_in_and_restored(site: Site) -> None:
    with site.serve(LEADS_RATE_LIMIT="off") as service:
        with writing(service) as created:
            eventually(lambda: len(created) >= 50)
            before = set(created)
            site.shell(local_block(site, BACKUP, PAGE)).expect(0)
            during = len(created)
            eventually(lambda: len(created) >= during + 50)
        service.kill()
    assert (site.folder / "leads.db-wal").stat().st_size > 0

    restored = site.shell(without_asking(local_block(site, RESTORE, PAGE))).expect(0)
    assert "ERROR" not in restored.out
    with site.serve() as service:
        emails = {lead["email"] for lead in service.items("/leads")}
        assert before <= emails < set(created)
        assert "Stop the service first" in site.leads("restore", "backups", "--yes").expect(1).err
        service.post("/leads", JOHN).expect(201)


@pytest.mark.wal
def test_a_copy_of_the_file_alone_is_no_backup(site: Site) -> None:
    with site.serve() as service:
        service.post("/leads", JOHN).expect(201)
        copy = shutil.copy(site.folder / "leads.db", site.folder / "copy.db")
    with sqlite.connect(copy) as database:
        assert database.execute("SELECT count(*) FROM leads").fetchone() == (0,)


def test_a_restore_brings_back_keys_and_follow_ups_as_they_were(site: Site) -> None:
    with site.serve("--no-dispatch") as service:
        lead = service.post("/leads", JOHN).expect(201).headers["location"]
        follow_up = service.post(f"{lead}/follow-up").expect(202).headers["location"]
        made = site.leads("keys", "create", "--name", "Ann", "--role", "read").expect(0)
        site.shell(local_block(site, BACKUP, PAGE)).expect(0)
        site.leads("keys", "revoke", made.err.split()[2]).expect(0)
        site.leads("dispatch", "--once").expect(0)
        assert service.get(follow_up).json["state"] == "sent"
    site.shell(without_asking(local_block(site, RESTORE, PAGE))).expect(0)
    site.key = made.out.strip()
    with site.serve("--no-dispatch") as service:
        assert service.get(follow_up).expect(200).json["state"] == "scheduled"


def test_postgresql_is_backed_up_and_restored(site: Site, new_database: URL) -> None:
    url = new_database.render_as_string()
    setting = {"LEADS_DATABASE_URL": url, "PGPASSWORD": "choose-one", "PATH": f"{BIN}:{PROGRAMS}"}
    site.leads("migrate", **setting).expect(0)
    with site.serve(**setting) as service:
        lead = service.post("/leads", JOHN).expect(201).json
        site.shell(local_block(site, PG_BACKUP, PAGE), **setting).expect(0)
    with connect(new_database.set(password="choose-one")) as owner:
        owner.execute("DROP OWNED BY CURRENT_USER CASCADE")
    restored = site.shell(local_block(site, PG_RESTORE, PAGE), **setting).expect(0)
    assert "ERROR" not in restored.out
    with site.serve(**setting) as service:
        assert service.items("/leads") == [lead]
        dump = in_a_container(COMPOSE_BACKUP).replace(
            "--username=leads --format=custom leads", f"--format=custom '{url}'"
        )
        site.shell(dump, **setting).expect(0)
        service.post("/leads", JOHN | {"email": "john@example.org"}).expect(201)
    way_back = in_a_container(COMPOSE_RESTORE).replace("--username=leads --dbname=leads", f"--dbname='{url}'")
    site.shell(way_back, **setting).expect(0)
    with site.serve(**setting) as service:
        assert service.items("/leads") == [lead]
