"""The commands of docs/run-it-for-others.md work as printed.

The tests replace only what they lack: root, and the folders /opt/leads and /var/lib/leads.
"""

import tomllib
from configparser import ConfigParser

import pytest

from e2e.readme import ROOT, assert_every_block_is_listed, block, local_block
from e2e.service import Service, Site
from leads_adapters.sql.sqlite.driver import driver as sqlite

PAGE = "docs/run-it-for-others.md"

SETTINGS = "api_key ="
UNIT = "[Unit]"
AS_THE_USER = "sudo -u leads /opt/leads/bin/leads doctor"
SECRETS = "import secrets"  # run by test_container_files.py
TRIED = [SETTINGS, UNIT, AS_THE_USER, SECRETS]

INSTALLATION = "useradd"
NOT_TRIED = {
    INSTALLATION: "needs root; what it installs is compared with the Dockerfile, whose steps are run",
    "docker build": "needs an engine",
    "docker compose up --build": "needs an engine",
    "limit_req_zone": "needs nginx",
    "reverse_proxy": "needs Caddy",
    "scrape_configs": "needs Prometheus",
}

JOHN = {"name": "John Doe", "email": "john@example.com"}


def test_every_block_is_run_or_has_a_reason_why_not() -> None:
    assert_every_block_is_listed(PAGE, [*TRIED, *NOT_TRIED])


def test_a_machine_gets_what_the_image_has() -> None:
    dockerfile = " ".join((ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", "").split())
    installed = [line for line in block(INSTALLATION, PAGE).splitlines() if "/opt/leads/bin/pip" in line]
    assert len(installed) == 2
    assert all(line.replace("install", "install --no-cache-dir", 1) in dockerfile for line in installed)


@pytest.mark.wal
def test_the_unit_serves_with_the_settings_in_its_folder_and_private_files(site: Site) -> None:
    unit = ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(local_block(site, UNIT, PAGE))
    start = unit["Service"]
    assert start["WorkingDirectory"] == start["ReadWritePaths"] == str(site.folder)
    settings = local_block(site, SETTINGS, PAGE)
    site.write("leads.toml", settings)
    site.key = tomllib.loads(settings)["api_key"]
    shell = ["/bin/sh", "-c", f'umask {start["UMask"]}; exec {start["ExecStart"]} "$@"', "sh"]
    with Service(site, shell, {}) as service:
        assert "key" not in service.out
        service.post("/leads", JOHN | {"phone": "030 123456"}).expect(201)
        others = site.shell(local_block(site, AS_THE_USER, PAGE)).expect(0)
        assert "capture_" in others.out
        assert [path.stat().st_mode & 0o77 for path in site.folder.glob("leads.db*")] == [0, 0, 0]


def test_an_old_version_refuses_the_schema_of_a_new_one(site: Site) -> None:
    site.leads("migrate").expect(0)
    with sqlite.connect(site.folder / "leads.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in site.leads("serve").expect(1).err
