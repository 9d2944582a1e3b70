"""Bringing a database's schema up to date, with the migrations that are shipped with the package.

Alembic is imported only where a schema is changed: it would make every start 0.15 s longer, and take 8 MiB.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Select, column, inspect, select, table

from leads_adapters.sql.older_schema import FIRST, LAST_OLDER, convert
from leads_adapters.sql.sqlite.statistics import count_leads
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0101"
"""The newest revision; known without reading the migrations, because every start and health check needs it."""

_LOCK_ID = 0x6C65616473
"""The advisory lock of a migration: "leads" in ASCII."""

_CURRENT: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


class NoWay(Exception):
    """There is no way from the schema's revision to the wanted one, such as from one of a later version."""


def scripts() -> Path:
    """The folder of the migrations: inside the installed package, or at the top of a checkout."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "migrations"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the schema up to `revision`, completely or not at all. Several processes may try at once.

    Raises `NoWay`; `downgrade` does too.
    """
    from alembic import command  # noqa: PLC0415

    check_way(current(engine))

    def bring_up(config: "Config") -> None:
        connection = config.attributes["connection"]
        if current_on(connection) == LAST_OLDER:
            convert(connection)
        command.upgrade(config, revision)
        count_leads(connection)

    _run(engine, bring_up)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the schema back to `revision` ("base": no tables), completely or not at all."""
    from alembic import command  # noqa: PLC0415

    _run(engine, lambda config: command.downgrade(config, revision))


def current(engine: Engine) -> str | None:
    """The schema's revision; None for a database without our tables."""
    with engine.connect() as connection:
        return current_on(connection)


def current_on(connection: Connection) -> str | None:
    """The same, within a transaction that somebody else has begun."""
    return connection.scalar(_CURRENT) if inspect(connection).has_table("alembic_version") else None


def check_schema(work: SqlUnitOfWork) -> None:
    """Raise `Unavailable` unless the schema is the one that this version of the service works with."""
    row = work.runner.first(_CURRENT)
    if row is None or row[0] != HEAD:
        raise Unavailable(mismatch(row[0] if row else None))


def check_way(found: str | None) -> None:
    """Raise `NoWay` if a database at the revision `found` cannot be brought up to date."""
    if found and not (found == LAST_OLDER or FIRST <= found <= HEAD):
        raise NoWay(mismatch(found))


def mismatch(found: str | None) -> str:
    """Say why the service does not work with a schema of the revision `found`, and what to do."""
    if found is None:
        return "The database has no tables yet: run `leads migrate`."
    if found > HEAD:
        return (
            f"A newer version of leads made the database: its schema is at {found}, and this version knows {HEAD} and "
            "older. Install the newer version, or restore a backup of before."
        )
    if found < LAST_OLDER:
        return (
            f"A version of leads before 0.2 made the database: its schema is at {found}. Run `leads migrate` of "
            "version 0.2 first, then that of this version."
        )
    return f"The database schema is at {found}, not at {HEAD}: run `leads migrate`."


def lift_time_limits(connection: Connection) -> None:
    """Lift the time limits of PostgreSQL for this transaction: they are meant for requests."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _run(engine: Engine, action: Callable[["Config"], None]) -> None:
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts()).replace("%", "%%"))
    with engine.connect() as connection:
        # Before BEGIN, or SQLite ignores it: rebuilding a table would otherwise delete what refers to it.
        _set_foreign_keys(connection, "OFF")
        with connection.begin():
            lift_time_limits(connection)
            _wait_for_others(connection)
            config.attributes["connection"] = connection
            try:
                action(config)
            except CommandError as error:
                raise NoWay(str(error)) from error
            _check_foreign_keys(connection)
        _set_foreign_keys(connection, "ON")


def _wait_for_others(connection: Connection) -> None:
    """Let one process migrate at a time, as SQLite does by itself."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_ID})")


def _set_foreign_keys(connection: Connection, switch: str) -> None:
    if connection.dialect.name == "sqlite":
        driver_connection = connection.connection.driver_connection
        driver_connection.execute(f"PRAGMA foreign_keys = {switch}")  # type: ignore[union-attr]


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if dangling:
            message = f"The migration would leave {len(dangling)} rows that refer to nothing; it was undone."
            raise RuntimeError(message)
