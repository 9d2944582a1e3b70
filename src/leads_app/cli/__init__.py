"""The command `leads`. Each subcommand has its own module."""

import os
import sys
from io import TextIOWrapper

import rich_click as click
from sqlalchemy.exc import DBAPIError

from leads_adapters.backup_files import BackupFailed
from leads_adapters.lead_files import FileRefused
from leads_adapters.sql.copying import CopyFailed
from leads_adapters.sql.outages import reason_of
from leads_adapters.sql.sqlite.driver import driver
from leads_app.cli.backup import backup
from leads_app.cli.channels import channels
from leads_app.cli.copy import copy
from leads_app.cli.dispatch import dispatch
from leads_app.cli.doctor import doctor
from leads_app.cli.export import export_leads
from leads_app.cli.fetch import fetch
from leads_app.cli.forms import forms
from leads_app.cli.import_ import import_leads
from leads_app.cli.keys import keys
from leads_app.cli.migrate import migrate
from leads_app.cli.pipeline import pipeline
from leads_app.cli.receive import receive
from leads_app.cli.restore import restore
from leads_app.cli.serve import serve
from leads_app.cli.session import CommandFailed
from leads_app.cli.today import today
from leads_app.settings import SettingsError
from leads_domain.control_characters import escape_controls
from leads_domain.errors import LeadsError

STDOUT, STDERR = 1, 2
"""The file descriptors of standard output and standard error, the highest of the three standard streams."""


class _EscapedUsageErrors(click.RichGroup):
    """A group of commands. Its usage errors are escaped: they quote arguments, such as the names of files."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = escape_controls(error.message)  # type: ignore[misc] # click annotates it as final
            raise


@click.group(cls=_EscapedUsageErrors)
@click.version_option(package_name="leads-desk", prog_name="leads")
def leads() -> None:
    """Manage leads: store them without duplicates, move them through a pipeline, send follow-ups on time."""


for command in (
    serve,
    migrate,
    dispatch,
    fetch,
    receive,
    today,
    keys,
    import_leads,
    export_leads,
    backup,
    restore,
    copy,
    pipeline,
    channels,
    forms,
    doctor,
):
    leads.add_command(command)


def main() -> None:
    """Run the command line.

    The exit code is 0 for success, 1 for a failure with one line on standard error, and 2 for wrong usage.
    """
    _prepare_streams()
    try:
        leads()
    except (LeadsError, SettingsError, CommandFailed, BackupFailed, CopyFailed, FileRefused, OSError) as error:
        sys.exit(_error_line(str(error)))
    except (DBAPIError, driver.Error) as error:
        sys.exit(_error_line(f"The database failed: {reason_of(error)}."))


def _error_line(text: str) -> str:
    return escape_controls(f"leads: {' '.join(text.split())}")


def _prepare_streams() -> None:
    """Escape characters that the terminal cannot encode; exit with an error if standard output is closed.

    `leads receive` prints nothing there: a mail server that closes it must not get its message back.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass  # occupy the descriptor of a closed stream: otherwise the database would get it, and the printed text
    os.close(number)
    sys.stderr = sys.stderr or os.fdopen(STDERR, "w")
    if sys.stdout is None and sys.argv[1:2] == [receive.name]:
        sys.stdout = os.fdopen(STDOUT, "w")
    if sys.stdout is None:
        sys.exit("leads: Standard output is closed. Redirect it to a file, or to /dev/null.")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
