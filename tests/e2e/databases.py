"""Use the database of a site whose processes are killed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import URL

from e2e.service import TIMEOUT_SECONDS, Site, eventually
from leads_adapters.sql.sqlite.driver import driver as sqlite
from postgres import connect, postgres_url


class Database:
    """SQLite in the site's folder. `of_dispatcher` has the settings of a dispatcher."""

    of_dispatcher: Mapping[str, str] = {}

    def __init__(self, site: Site) -> None:
        self._file = site.folder / "leads.db"

    def rows(self, statement: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""
        with closing(sqlite.connect(self._file, timeout=TIMEOUT_SECONDS, isolation_level=None)) as connection:
            found: Sequence[Sequence[Any]] = connection.execute(statement).fetchall()
            return found

    def forget_dispatcher(self) -> None:
        """Wait until no statement of a killed dispatcher can still take effect."""

    def check(self) -> None:
        """Check that the file is not damaged."""
        assert self.rows("PRAGMA integrity_check") == [("ok",)]


class Postgres(Database):
    """PostgreSQL, which may still run statements of a killed process."""

    def __init__(self, url: URL) -> None:
        self._url = url
        named = url.update_query_dict({"application_name": "dispatcher"})
        self.of_dispatcher = {"LEADS_DATABASE_URL": named.render_as_string(hide_password=False)}

    def rows(self, statement: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a statement."""
        with connect(self._url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def forget_dispatcher(self) -> None:
        """Wait until the connections of the killed dispatcher are closed."""
        left = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dispatcher' AND datname = current_database()"
        eventually(lambda: not self.rows(left))

    def check(self) -> None:
        """Do nothing: PostgreSQL recovers by itself."""


@contextmanager
def database_of(site: Site, kind: str) -> Iterator[Database]:
    """Provide an empty database of the site: SQLite or PostgreSQL."""
    if kind == "SQLite":
        yield Database(site)
        return
    with postgres_url() as url:
        site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        yield Postgres(url)
