"""What docs/operate.md tells operators to do does what it says.

Replaced is only what is not there for a test: root, the folders /opt/leads and /var/lib/leads, the database's host.
"""

import shutil
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from itertools import count
from threading import Event, Thread
from uuid import uuid4

import pytest
from sqlalchemy import URL

from e2e.readme import ROOT, block, blocks
from e2e.service import BIN, Service, Site, eventually
from leads_adapters.sql.postgres.engine import CONNECTIONS, LOCK_SECONDS
from leads_adapters.sql.sqlite.driver import driver as sqlite
from leads_adapters.sql.sqlite.engine import BUSY_TIMEOUT_SECONDS
from leads_app.cli.serve import STOP_SECONDS
from leads_app.dispatcher import LEASE
from postgres import PROGRAMS, connect, server_url

PAGE = "docs/operate.md"

SETTINGS = "api_key ="
UNIT = "[Unit]"
AS_THE_USER = "sudo -u leads /opt/leads/bin/leads doctor"
SECRETS = "import secrets"
NEW_DATABASE = "CREATE ROLE"
FIRST_USE = "leads migrate\n"
BACKUP = "\n/opt/leads/bin/leads backup"
RESTORE = "\n/opt/leads/bin/leads restore"
PG_BACKUP = "pg_dump --version"
PG_RESTORE = "leads restore backups\n"
COMPOSE_BACKUP = "docker compose exec -T db pg_dump"
COMPOSE_RESTORE = "docker compose stop"
TRIED = [SETTINGS, UNIT, AS_THE_USER, SECRETS, NEW_DATABASE, FIRST_USE, BACKUP, RESTORE, PG_BACKUP, PG_RESTORE]

INSTALLATION = "useradd"
NOT_TRIED = {
    INSTALLATION: "needs root; what it installs is compared with the Dockerfile, whose steps are run",
    "30 3 * * *": "the same command, by cron",
    "docker build": "needs an engine",
    "docker compose up --build": "needs an engine",
    "docker exec": "needs an engine",
    "docker stop": "needs an engine",
    COMPOSE_BACKUP: "needs an engine; its options of pg_dump are tried here",
    COMPOSE_RESTORE: "needs an engine; its options of pg_restore are tried here",
    "limit_req_zone": "needs nginx",
    "reverse_proxy": "needs Caddy",
    "scrape_configs": "needs Prometheus",
    "leads copy": "has tests of its own",
}

JOHN = {"name": "John Doe", "email": "john@example.com"}


def at(site: Site, part: str) -> str:
    """A block, for the site's folder and the command that is tried here."""
    text = block(part, PAGE).replace("sudo -u leads ", "")
    return text.replace("/opt/leads/bin/", f"{BIN}/").replace("/var/lib/leads", str(site.folder))


def in_a_container(part: str) -> str:
    """What a block has a container of PostgreSQL do; nothing is left of what others are to do."""
    return block(part, PAGE).replace("docker compose exec -T db ", "").replace("docker compose", ":")


def without_asking(block: str) -> str:
    """A block with a restore, for nobody at a terminal."""
    return block.replace("leads restore", "leads restore --yes")


def test_every_block_is_tried_here_or_has_its_reason() -> None:
    for each in blocks(PAGE):
        assert len([part for part in [*TRIED, *NOT_TRIED] if part in each.text]) == 1, each.text


def test_the_figures_are_those_of_the_code() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    assert f"A process has at most {CONNECTIONS + 1} connections" in text
    assert f"| wait for a lock that another process holds | {LOCK_SECONDS} s," in text
    assert LOCK_SECONDS == BUSY_TIMEOUT_SECONDS
    assert f"after {LEASE.seconds} s another dispatcher takes over" in text
    assert f"| stopping | {STOP_SECONDS:g} s;" in text


def test_a_machine_gets_what_the_image_has() -> None:
    dockerfile = " ".join((ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "").split())
    installed = [line for line in block(INSTALLATION, PAGE).splitlines() if "/opt/leads/bin/pip" in line]
    assert len(installed) == 1
    assert installed[0].replace("install", "install --no-cache-dir") in dockerfile


@pytest.mark.wal
def test_the_unit_serves_with_the_settings_in_its_folder_and_keeps_its_files_to_itself(site: Site) -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(at(site, UNIT))
    start = unit["Service"]
    assert start["WorkingDirectory"] == start["ReadWritePaths"] == str(site.folder)
    settings = at(site, SETTINGS)
    site.write("leads.toml", settings)
    site.key = tomllib.loads(settings)["api_key"]
    shell = ["/bin/sh", "-c", f'umask {start["UMask"]}; exec {start["ExecStart"]} "$@"', "sh"]
    with Service(site, shell, {}) as service:
        assert "key" not in service.out
        service.post("/leads", JOHN | {"phone": "030 123456"}).expect(201)
        others = site.shell(at(site, AS_THE_USER)).expect(0)
        assert "capture_" in others.out
        assert [path.stat().st_mode & 0o77 for path in site.folder.glob("leads.db*")] == [0, 0, 0]


@contextmanager
def writing(service: Service) -> Iterator[list[str]]:
    """Leads come in all the time; their addresses, as they are answered."""
    answered: list[str] = []
    enough = Event()

    def write() -> None:
        for number in count():
            email = f"lead-{number}@example.com"
            service.post("/leads", {"name": "Somebody", "email": email}).expect(201)
            answered.append(email)
            if enough.is_set():
                return

    thread = Thread(target=write)
    thread.start()
    try:
        yield answered
    finally:
        enough.set()
        thread.join()


@pytest.mark.wal
def test_a_backup_is_made_while_leads_come_in_and_restored(site: Site) -> None:
    with site.serve(LEADS_RATE_LIMIT="off") as service:
        with writing(service) as answered:
            eventually(lambda: len(answered) >= 50)
            before = set(answered)
            site.shell(at(site, BACKUP)).expect(0)
            during = len(answered)
            eventually(lambda: len(answered) >= during + 50)
        service.kill()
    assert (site.folder / "leads.db-wal").stat().st_size > 0

    restored = site.shell(without_asking(at(site, RESTORE))).expect(0)
    assert "FAULT" not in restored.out
    with site.serve() as service:
        emails = {lead["email"] for lead in service.items("/leads")}
        assert before <= emails < set(answered)
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
        site.shell(at(site, BACKUP)).expect(0)
        site.leads("keys", "revoke", made.err.split()[1]).expect(0)
        site.leads("dispatch", "--once").expect(0)
        assert service.get(follow_up).json["state"] == "sent"
    site.shell(without_asking(at(site, RESTORE))).expect(0)
    site.key = made.out.strip()
    with site.serve("--no-dispatch") as service:
        assert service.get(follow_up).expect(200).json["state"] == "scheduled"


def test_an_old_version_refuses_the_schema_of_a_new_one(site: Site) -> None:
    site.leads("migrate").expect(0)
    with sqlite.connect(site.folder / "leads.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in site.leads("serve").expect(1).err


@pytest.fixture
def new_database() -> Iterator[URL]:
    """A database made as the page says, with another name."""
    name = f"leads_{uuid4().hex[:12]}"
    statements = block(NEW_DATABASE, PAGE).replace("ROLE leads", f"ROLE {name}")
    statements = statements.replace("DATABASE leads OWNER leads", f"DATABASE {name} OWNER {name}")
    with connect(server_url()) as administrator:
        for statement in statements.split(";\n"):
            administrator.execute(statement.encode())
        yield server_url().set(username=name, password=None, database=name)
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        administrator.execute(f"DROP ROLE {name}".encode())


def test_postgresql_is_set_up_saved_and_restored(site: Site, new_database: URL) -> None:
    url = new_database.render_as_string()
    setting = {"LEADS_DATABASE_URL": url, "PGPASSWORD": "choose-one", "PATH": f"{BIN}:{PROGRAMS}"}
    assert "leads migrate" in site.leads("serve", **setting).expect(1).err
    *prepare, serve = block(FIRST_USE, PAGE).replace("postgresql://leads@db.example.com/leads", f"'{url}'").splitlines()
    assert serve == "leads serve"
    site.shell("\n".join(prepare), PATH=setting["PATH"]).expect(0)
    with site.serve(**setting) as service:
        lead = service.post("/leads", JOHN).expect(201).json
        site.shell(at(site, PG_BACKUP), **setting).expect(0)
    with connect(new_database.set(password="choose-one")) as owner:
        owner.execute("DROP OWNED BY CURRENT_USER CASCADE")
    restored = site.shell(at(site, PG_RESTORE), **setting).expect(0)
    assert "FAULT" not in restored.out
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
