"""The command `leads channels`."""

from importlib.metadata import EntryPoint

import rich_click as click

from leads_app.channels import attempt, installed_adapters, make_notifier
from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line
from leads_app.container import Container
from leads_app.settings import SettingsError
from leads_domain.errors import ValidationFailed
from leads_domain.notices import subject_of
from leads_domain.notifier import Address, FollowUpNotice, Refused, TryAgain

_NEEDS = {Address.EMAIL: "an e-mail address", Address.PHONE: "a phone number", None: "no address"}


@click.group(invoke_without_command=True)
@click.pass_context
def channels(context: click.Context) -> None:
    """List the channels and the installed adapters, or test a channel."""
    if context.invoked_subcommand is None:
        _list()


def _list() -> None:
    errors = []
    installed = installed_adapters()
    for name, channel in session.settings().channels.items():
        try:
            needed = _NEEDS[make_notifier(name, channel).needs]
        except SettingsError as error:
            errors.append(str(error))
        else:  # not a table: a narrow terminal would cut it
            print_line(f"{name}: {channel.adapter} from {_package(installed[channel.adapter])}, needs {needed}")
    print_line(f"Adapters: {', '.join(f'{name} ({_package(found)})' for name, found in installed.items())}")
    if errors:
        raise CommandFailed(" ".join(errors))


def _package(adapter: EntryPoint) -> str:
    return f"{adapter.dist.name} {adapter.dist.version}" if adapter.dist else "an unknown package"


@channels.command()
@click.argument("name")
@click.option("--to", "address", help="The recipient's e-mail address or phone number, if the channel needs one.")
@click.option("--message", default="This is a test of follow-ups.", show_default=True, help="The text of the notice.")
def test(name: str, address: str | None, message: str) -> None:
    """Send a test notice through the channel NAME and print the result."""
    container = Container(settings=session.settings())
    configured = container.settings().channels
    if name not in configured:
        raise CommandFailed(f"Unknown channel {name!r}. Use one of: {', '.join(configured)}.")
    notifier = make_notifier(name, configured[name])
    if notifier.needs and not address:
        raise click.UsageError(f"The channel {name} needs {_NEEDS[notifier.needs]}. Give it with --to.")
    notice = _notice(container, name, notifier.needs, address, message)
    match attempt(notifier, notice):
        case None:
            print_line(f"Sent: the channel {name} accepted the notice.")
        case Refused() as error:
            raise CommandFailed(f"Refused: {error}")
        case error:
            delay = error.delay if isinstance(error, TryAgain) else None
            raise CommandFailed(f"Try again{f' in {delay.total_seconds():.0f} s' if delay else ''}: {error}")


def _notice(
    container: Container, channel: str, needs: Address | None, address: str | None, message: str
) -> FollowUpNotice:
    """Return a notice as the dispatcher sends it. If the channel needs no address, `address` can be of any kind."""
    normalizer, id = container.normalizer(), container.ids().new()
    email = phone = None
    try:
        if address and (needs is Address.EMAIL or (needs is None and "@" in address)):
            email = str(normalizer.email(address))
        elif address:
            phone = normalizer.phone(address).e164
    except ValidationFailed as error:
        raise CommandFailed(f"The address in --to is not valid. {error}") from None
    return FollowUpNotice(
        follow_up_id=id,
        lead_id=id,
        idempotency_key=id,
        attempt=1,
        channel=channel,
        name="Test",
        email=email,
        phone=phone,
        message=message,
        lead={
            "name": "Test",
            "email": email,
            "phone": phone,
            "status": container.settings().pipeline.initial,
            "source": None,
            "owner": None,
        },
        subject=subject_of(message),
    )
