"""The commands of docs/move-to-postgresql.md work as printed, with another host and another database."""

from sqlalchemy import URL

from e2e.conftest import NEW_DATABASE, PAGE_ABOUT_POSTGRESQL
from e2e.readme import ROOT, assert_every_block_is_listed, local_block
from e2e.service import BIN, Site
from leads_adapters.sql.postgres.engine import CONNECTIONS
from postgres import PROGRAMS

PAGE = PAGE_ABOUT_POSTGRESQL

COPY = "leads copy"
FIRST_USE = "leads migrate\n"

JOHN = {"name": "John Doe", "email": "john@example.com"}


def test_every_block_is_run() -> None:
    assert_every_block_is_listed(PAGE, [NEW_DATABASE, COPY, FIRST_USE])


def test_the_number_of_connections_is_that_of_the_code() -> None:
    text = (ROOT / PAGE).read_text("utf-8")
    assert f"A process uses at most {CONNECTIONS + 1} connections: {CONNECTIONS} for requests" in text


def commands(site: Site, part: str, database: URL) -> str:
    """Return a block for the site's folder and this database."""
    text = local_block(site, part, PAGE)
    printed = "postgresql://leads@db.example.com/leads"
    assert printed in text
    return text.replace(printed, f"'{database.render_as_string()}'")


def settings(database: URL) -> dict[str, str]:
    """Return the settings of a service on this database."""
    return {
        "LEADS_DATABASE_URL": database.render_as_string(),
        "PGPASSWORD": "choose-one",
        "PATH": f"{BIN}:{PROGRAMS}",
    }


def test_a_new_database_is_used_after_its_migration(site: Site, new_database: URL) -> None:
    setting = settings(new_database)
    assert "leads migrate" in site.leads("serve", **setting).expect(1).err
    *prepare, serve = commands(site, FIRST_USE, new_database).splitlines()
    assert serve == "leads serve"
    site.shell("\n".join(prepare), PATH=setting["PATH"]).expect(0)
    with site.serve(**setting) as service:
        lead = service.post("/leads", JOHN).expect(201).json
        assert service.items("/leads") == [lead]


def test_leads_and_keys_move_to_the_new_database(site: Site, new_database: URL) -> None:
    with site.serve() as service:
        lead = service.post("/leads", JOHN).expect(201).json
    path = f"{BIN}:{PROGRAMS}"
    site.shell(commands(site, COPY, new_database), PATH=path).expect(0)
    prepare = commands(site, FIRST_USE, new_database).removesuffix("leads serve\n")
    site.shell(prepare, PATH=path).expect(0)
    with site.serve(**settings(new_database)) as service:
        assert service.items("/leads") == [lead]
