"""The command `leads doctor`."""

import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import rich_click as click
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from leads_adapters.deadline import Deadline
from leads_adapters.sql import migrations
from leads_adapters.sql.sqlite.driver import describe_library
from leads_adapters.sql.sqlite.files import readable_by_others, replaceable_by_others
from leads_adapters.sql.statements import StatementRunner
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_adapters.sql.write_probe import delete_probe, store_probe
from leads_app.channels import CHECK_SECONDS, check_channel, make_notifier
from leads_app.cli import session
from leads_app.cli.terminal import print_line
from leads_app.container import Container
from leads_app.mail_fetcher import FetchedMailbox
from leads_app.setting_values import https_warning
from leads_app.settings import Channel, SettingsError
from leads_domain.mail_source import MailSourceUnavailable
from leads_domain.use_cases.count_waiting import count_reviews
from leads_domain.use_cases.find_agenda import RECENTLY

_SERVER_PARAMETERS = ("server_version", "server_encoding")


@click.command()
def doctor() -> None:
    """Check the configuration, the database, the channels and the mailboxes; send nothing, and read no mail.

    The exit code is 1 if a check fails.
    """
    container = Container(settings=session.settings())
    embedded = container.settings().database_url.drivername == "sqlite"
    checks = {
        "configuration": _configuration,
        **({"SQLite": _sqlite} if embedded else {"PostgreSQL": _postgresql}),
        "database": _database,
        "channels": _channels,
        **({"mailboxes": _mailboxes} if container.settings().mailboxes else {}),
    }
    failed = 0
    for name, check in checks.items():
        try:
            print_line(f"ok     {name}: {check(container)}")
        except Exception as error:  # noqa: BLE001 - report every error and continue with the next check
            failed += 1
            reason = error.orig if isinstance(error, DBAPIError) else error
            print_line(f"ERROR  {name}: {' '.join(str(reason).split())}")
    sys.exit(1 if failed else 0)


def _configuration(container: Container) -> str:
    settings = container.settings()
    found = f"{len(settings.pipeline.statuses)} statuses, default channel {settings.default_channel}"
    warning = https_warning(settings.public_url)
    return f"{found}. {warning}" if warning else found


def _sqlite(_: Container) -> str:
    return describe_library()


def _postgresql(container: Container) -> str:
    with container.engine().connect() as connection:
        version, encoding = (connection.exec_driver_sql(f"SHOW {name}").scalar() for name in _SERVER_PARAMETERS)
    return f"version {version}, encoding {encoding}"


def _database(container: Container) -> str:
    engine = container.engine()
    name = session.name_of(engine.url)
    if reason := session.file_problem(engine.url):
        message = f"{name} cannot be used: {reason}"
        raise RuntimeError(message)
    if engine.dialect.name == "sqlite":
        _check_exists(session.database_file(engine.url))
        _check_file(engine)
    found = migrations.current_revision(engine)
    if found != migrations.HEAD:
        raise RuntimeError(f"{name}: {migrations.explain_mismatch(found)}")
    _check_write(engine)
    if engine.dialect.name == "sqlite":
        _check_private(session.database_file(engine.url))
    return f"{name}, schema {found}, {_reviews(engine)}{_failed_digests(engine, container.clock().now())}"


def _check_exists(file: Path) -> None:
    if not file.exists():
        message = f"there is no file {file}. `leads serve` or `leads migrate` creates it"
        raise RuntimeError(message)


def _check_private(file: Path) -> None:
    """Raise `RuntimeError` if other users can read or replace the file."""
    if readable := readable_by_others(file):
        message = f"every user of this machine can read it. Run chmod 600 {' '.join(map(str, readable))}"
        raise RuntimeError(message)
    if replaceable_by_others(file):
        message = f"every user of this machine can replace its files. Run chmod o-w {file.parent}"
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
        message = f"the file is damaged. Restore a backup. SQLite reports: {broken}"
        raise RuntimeError(message)


def _check_write(engine: Engine) -> None:
    for step in (store_probe, delete_probe):
        with engine.begin() as connection:
            step(_unit_of_work(connection))


def _unit_of_work(connection: Connection) -> SqlUnitOfWork:
    return SqlUnitOfWork(StatementRunner(connection.connection.driver_connection, connection.dialect, {}))


def _reviews(engine: Engine) -> str:
    """Count the submissions that need a review. They wait for a person, so this is no error."""
    with engine.connect() as connection:
        reviews = count_reviews(_unit_of_work(connection))
    return "1 submission needs a review" if reviews == 1 else f"{reviews} submissions need a review"


def _failed_digests(engine: Engine, now: datetime) -> str:
    """Name the failed digests of the last days, and why the last one failed. Nothing repeats them."""
    with engine.connect() as connection:
        failed = _unit_of_work(connection).digests.failed(now - RECENTLY)
    if not failed:
        return ""
    number = "1 failed digest" if len(failed) == 1 else f"{len(failed)} failed digests"
    return f", {number} in {RECENTLY.days} days, the last one because: {failed[-1].last_error}"


def _channels(container: Container) -> str:
    """Check all channels without sending; raise `RuntimeError` with all their errors."""
    configured = container.settings().channels
    errors = [error for name, channel in configured.items() if (error := _channel_error(name, channel))]
    if errors:
        raise RuntimeError(" ".join(errors))
    container.rules()  # raises SettingsError if a channel cannot send to the recipient of a rule
    container.queues()  # raises SettingsError if the channel of digests cannot send to colleagues
    container.intake_policies()
    return ", ".join(f"{name} ({channel.adapter})" for name, channel in configured.items())


def _channel_error(name: str, channel: Channel) -> str | None:
    try:
        failure = check_channel(make_notifier(name, channel))
    except SettingsError as error:
        return str(error)
    return f"The channel {name} does not work: {failure}" if failure else None


def _mailboxes(container: Container) -> str:
    """Check all mailboxes without reading a message; raise `RuntimeError` with all their errors."""
    container.mailbox_policies()  # raises SettingsError for an invalid address
    errors = [error for mailbox in container.mail_fetcher().mailboxes if (error := _mailbox_error(mailbox))]
    if errors:
        raise RuntimeError(" ".join(errors))
    return ", ".join(
        f"{name} ({urlsplit(mailbox.url).scheme if mailbox.url else 'leads receive'})"
        for name, mailbox in container.settings().mailboxes.items()
    )


def _mailbox_error(mailbox: FetchedMailbox) -> str | None:
    try:
        Deadline(CHECK_SECONDS).run(mailbox.source.check)
    except TimeoutError:
        return f"The mailbox {mailbox.name} did not respond within {CHECK_SECONDS:.0f} s."
    except MailSourceUnavailable as error:
        return f"The mailbox {mailbox.name} cannot be read: {error}"
    return None
