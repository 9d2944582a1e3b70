"""`leads doctor`."""

import sys
from pathlib import Path

import rich_click as click
from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from leads_adapters.sql import migrations
from leads_adapters.sql.sqlite.driver import library
from leads_adapters.sql.sqlite.files import readable_by_others, replaceable_by_others
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.write_probe import delete_probe, store_probe
from leads_app.channels import check_channel, make_notifier
from leads_app.cli import session
from leads_app.container import Container
from leads_app.settings import Channel, SettingsError

_SERVER_FACTS = ("server_version", "server_encoding")


@click.command()
def doctor() -> None:
    """Check configuration, database, schema and notifiers; exit with 1 if anything is wrong."""
    container = Container(settings=session.settings())
    embedded = container.settings().database_url.drivername == "sqlite"
    checks = {
        "configuration": _configuration,
        **({"SQLite": _sqlite} if embedded else {"PostgreSQL": _postgresql}),
        "database": _database,
        "channels": _channels,
    }
    faults = 0
    for name, check in checks.items():
        try:
            click.echo(f"ok     {name}: {check(container)}")
        except Exception as error:  # noqa: BLE001 - a doctor names every fault and goes on
            faults += 1
            reason = error.orig if isinstance(error, DBAPIError) else error
            click.echo(f"FAULT  {name}: {' '.join(str(reason).split())}")
    sys.exit(1 if faults else 0)


def _configuration(container: Container) -> str:
    settings = container.settings()
    return f"{len(settings.pipeline.statuses)} statuses, follow-ups by {settings.default_channel} unless told otherwise"


def _sqlite(_: Container) -> str:
    return library()


def _postgresql(container: Container) -> str:
    with container.engine().connect() as connection:
        version, encoding = (connection.exec_driver_sql(f"SHOW {fact}").scalar() for fact in _SERVER_FACTS)
    return f"version {version}, encoding {encoding}"


def _database(container: Container) -> str:
    engine = container.engine()
    name = session.name_of(engine.url)
    if reason := session.obstacle(engine.url):
        message = f"{name} cannot be used: {reason}"
        raise RuntimeError(message)
    if engine.dialect.name == "sqlite":
        _check_exists(session.database_file(engine.url))
        _check_file(engine)
    found = migrations.current(engine)
    if found != migrations.HEAD:
        raise RuntimeError(f"{name}: {migrations.mismatch(found)}")
    _check_write(engine)
    if engine.dialect.name == "sqlite":
        _check_private(session.database_file(engine.url))
    return f"{name}, schema {found}"


def _check_exists(file: Path) -> None:
    if not file.exists():
        message = f"there is no file {file} yet; `leads serve` and `leads migrate` make it"
        raise RuntimeError(message)


def _check_private(file: Path) -> None:
    """Raise `RuntimeError` if others can read the file, or put another one in its place."""
    if readable := readable_by_others(file):
        message = f"every user of this machine can read it: chmod 600 {' '.join(map(str, readable))}"
        raise RuntimeError(message)
    if replaceable_by_others(file):
        message = f"every user of this machine can replace its files: chmod o-w {file.parent}"
        raise RuntimeError(message)


def _check_file(engine: Engine) -> None:
    try:
        with engine.connect() as connection:
            broken = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except OperationalError:  # such as a lock
        raise
    except DatabaseError as error:
        broken = error.orig
    if broken != "ok":
        message = f"the file is damaged: restore a backup. SQLite reports: {broken}"
        raise RuntimeError(message)


def _check_write(engine: Engine) -> None:
    for step in (store_probe, delete_probe):
        with engine.begin() as connection:
            step(SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, engine.dialect, {})))


def _channels(container: Container) -> str:
    """All of them, without sending; raises `RuntimeError` with what is wrong with any."""
    configured = container.settings().channels
    faults = [told for name, channel in configured.items() if (told := _channel_fault(name, channel))]
    if faults:
        raise RuntimeError(" ".join(faults))
    container.rules()  # those that their channels cannot keep are refused
    return ", ".join(f"{name} ({channel.adapter})" for name, channel in configured.items())


def _channel_fault(name: str, channel: Channel) -> str | None:
    try:
        told = check_channel(make_notifier(name, channel))
    except SettingsError as error:
        return str(error)
    return f"The channel {name} would not work: {told}" if told else None
