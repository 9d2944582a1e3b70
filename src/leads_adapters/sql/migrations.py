"""Migrate the schema of a database with the migrations in the package.

Alembic is imported only to change a schema: importing it at every start would cost time and memory.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, Select, column, inspect, select, table

from leads_adapters.sql.older_schema import FIRST, LAST_OLDER, convert
from leads_adapters.sql.sqlite.statistics import analyze_leads
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.errors import Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0114"
"""The newest revision. A constant, because every start and health check needs it without reading the migrations."""

_LOCK_ID = 0x6C65616473
"""The advisory lock of a migration: "leads" in ASCII."""

_CURRENT: Select[Any] = select(column("version_num")).select_from(table("alembic_version"))


class NoMigrationPath(Exception):
    """No migrations lead from the revision of the schema to the wanted one, for example from a newer version."""


def scripts_folder() -> Path:
    """Return the folder of the migrations: in the installed package, or at the top of a checkout."""
    packaged = Path(__file__).parent / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "migrations"


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Upgrade the schema to `revision`, in one transaction. Several processes may call this at once.

    Raises `NoMigrationPath` if this version has no migrations for the database.
    """
    from alembic import command  # noqa: PLC0415

    check_migration_path(current_revision(engine))

    def run_upgrade(config: "Config") -> None:
        connection = config.attributes["connection"]
        if current_revision_on(connection) == LAST_OLDER:
            convert(connection)
        command.upgrade(config, revision)
        analyze_leads(connection)

    _run(engine, run_upgrade)


def downgrade(engine: Engine, revision: str) -> None:
    """Downgrade the schema to `revision` ("base": no tables), in one transaction. Raises `NoMigrationPath`."""
    from alembic import command  # noqa: PLC0415

    _run(engine, lambda config: command.downgrade(config, revision))


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the schema; None for a database without tables of leads."""
    with engine.connect() as connection:
        return current_revision_on(connection)


def current_revision_on(connection: Connection) -> str | None:
    """Return the revision of the schema, as seen by a transaction of the caller."""
    return connection.scalar(_CURRENT) if inspect(connection).has_table("alembic_version") else None


def check_schema(work: SqlUnitOfWork) -> None:
    """Raise `Unavailable` unless the schema is at the revision that this version needs."""
    row = work.runner.first(_CURRENT)
    if row is None or row[0] != HEAD:
        raise Unavailable(explain_mismatch(row[0] if row else None))


def check_migration_path(found: str | None) -> None:
    """Raise `NoMigrationPath` if a database at the revision `found` cannot be upgraded."""
    if found and not (found == LAST_OLDER or FIRST <= found <= HEAD):
        raise NoMigrationPath(explain_mismatch(found))


def explain_mismatch(found: str | None) -> str:
    """Explain why a schema at the revision `found` cannot be used, and what to do."""
    if found is None:
        return "The database has no tables yet. Run `leads migrate`."
    if found > HEAD:
        return (
            f"A newer version of leads created the schema of the database: it is at {found}, and this version supports "
            f"{HEAD} and older. Install the newer version, or restore a backup from before the upgrade."
        )
    if found < LAST_OLDER:
        return (
            f"A version of leads before 0.2 created the schema of the database: it is at {found}. Run `leads migrate` "
            "of version 0.2 first, then `leads migrate` of this version."
        )
    return f"The schema of the database is at {found}, not at {HEAD}. Run `leads migrate`."


def lift_time_limits(connection: Connection) -> None:
    """Lift PostgreSQL's time limits for this transaction. They are meant for requests."""
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _run(engine: Engine, action: Callable[["Config"], None]) -> None:
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(scripts_folder()).replace("%", "%%"))
    with engine.connect() as connection:
        # Before BEGIN: SQLite ignores this later. With foreign keys on, rebuilding a table deletes referring rows.
        _set_foreign_keys(connection, "OFF")
        with connection.begin():
            lift_time_limits(connection)
            _lock(connection)
            config.attributes["connection"] = connection
            try:
                action(config)
            except CommandError as error:
                raise NoMigrationPath(str(error)) from error
            _check_foreign_keys(connection)
        _set_foreign_keys(connection, "ON")


def _lock(connection: Connection) -> None:
    """Let one process migrate at a time. SQLite needs no lock: it has one writer at a time."""
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
            found = f"The migration was undone: {len(dangling)} rows refer to missing rows."
            raise RuntimeError(f"{found} Delete them (PRAGMA foreign_key_check lists them), or restore a backup.")
