"""The command `leads receive`."""

import sys
from typing import Any, NoReturn

import rich_click as click

from leads_adapters.mail.reading import read_mail
from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line
from leads_app.mail_storage import identified, store_message
from leads_app.settings import SettingsError
from leads_domain.checking import truncate
from leads_domain.errors import LeadsError
from leads_domain.incoming_mail import MAIL_BYTES_MAX

TRY_AGAIN = 75
"""The exit code EX_TEMPFAIL. After any other failure, a mail server would return the message to its sender."""

_PIECE = 2**16


class _NeverBounces(click.RichCommand):
    """A command that asks the mail server to try again after every failure, wrong usage included."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*args, **options)
        except click.ClickException as error:
            _fail(error.format_message())

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LeadsError, SettingsError, CommandFailed, OSError) as error:
            _fail(str(error))
        except Exception as error:  # noqa: BLE001 - the text of another error may quote the message
            _fail(f"Storing the message failed with {type(error).__name__}.")


@click.command(cls=_NeverBounces)
@click.option("--mailbox", required=True, help="The name of the mailbox in leads.toml.")
def receive(mailbox: str) -> None:
    """Store one message from standard input, as the pipe of a mail server sends it.

    The exit code is 0 if it is stored, also by an earlier call, and 75 (try again) after every failure. `leads serve`
    or `leads fetch` processes it.
    """
    message = _read_all()
    if not message:
        _fail("There is no message on standard input.")
    with session.opened() as (container, run):
        container.mailbox_policies()  # report an invalid address
        configured = container.settings().mailboxes
        if mailbox not in configured:
            known = f"Use one of: {', '.join(configured)}." if configured else "Add a table [mailboxes.NAME]."
            _fail(f"Unknown mailbox {truncate(mailbox)}. {known}")
        mail = identified(read_mail(message), message)
        run(store_message(container.database(), container.receive_mail(), mailbox, mail, message))


def _read_all() -> bytes:
    """Return the start of standard input. Read the rest as well: a mail server may take a closed pipe for a failure."""
    if sys.stdin is None:  # closed
        return b""
    message = sys.stdin.buffer.read(MAIL_BYTES_MAX)
    while sys.stdin.buffer.read(_PIECE):
        pass
    return message


def _fail(reason: str) -> NoReturn:
    print_line(f"leads: {' '.join(reason.split())}", err=True)
    sys.exit(TRY_AGAIN)
