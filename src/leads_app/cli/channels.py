"""`leads channels`."""

from importlib.metadata import EntryPoint

import rich_click as click

from leads_app.channels import adapters, attempt, make_notifier
from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.container import Container
from leads_app.settings import SettingsError
from leads_domain.errors import ValidationFailed
from leads_domain.notifier import Address, FollowUpNotice, Refused, TryAgain

_SAID = {Address.EMAIL: "an e-mail address", Address.PHONE: "a telephone number", None: "no address"}


@click.group(invoke_without_command=True)
@click.pass_context
def channels(context: click.Context) -> None:
    """List the channels for follow-ups and the installed adapters, or test a channel."""
    if context.invoked_subcommand is None:
        _list()


def _list() -> None:
    faults = []
    installed = adapters()
    for name, channel in session.settings().channels.items():
        try:
            needed = _SAID[make_notifier(name, channel).needs]
        except SettingsError as fault:
            faults.append(str(fault))
        else:  # not a table, which a narrow terminal would cut
            click.echo(f"{name}: {channel.adapter} from {_package(installed[channel.adapter])}, needs {needed}")
    click.echo(f"Adapters: {', '.join(f'{name} ({_package(found)})' for name, found in installed.items())}")
    if faults:
        raise CommandFailed(" ".join(faults))


def _package(adapter: EntryPoint) -> str:
    return f"{adapter.dist.name} {adapter.dist.version}" if adapter.dist else "an unknown package"


@channels.command()
@click.argument("name")
@click.option("--to", "address", help="The e-mail address or telephone number to send to, as the channel needs.")
@click.option("--message", default="This is a test of follow-ups.", show_default=True, help="What to send.")
def test(name: str, address: str | None, message: str) -> None:
    """Send a test notice through the channel NAME, and report the result."""
    container = Container(settings=session.settings())
    configured = container.settings().channels
    if name not in configured:
        raise CommandFailed(f"No channel has the name {name!r}. The channels are: {', '.join(configured)}.")
    notifier = make_notifier(name, configured[name])
    if notifier.needs and not address:
        raise click.UsageError(f"The channel {name} needs {_SAID[notifier.needs]}. Give it with --to.")
    notice = _notice(container, name, notifier.needs, address, message)
    match attempt(notifier, notice):
        case None:
            click.echo(f"Sent: the channel {name} has accepted the notice.")
        case Refused() as error:
            raise CommandFailed(f"Refused: {error}")
        case error:
            delay = error.delay if isinstance(error, TryAgain) else None
            raise CommandFailed(f"Try again{f' in {delay.total_seconds():.0f} s' if delay else ''}: {error}")


def _notice(
    container: Container, channel: str, needs: Address | None, address: str | None, message: str
) -> FollowUpNotice:
    """A notice like those that the dispatcher hands over. A channel that needs no address may be given any kind."""
    normalizer, id = container.normalizer(), container.ids().new()
    email = phone = None
    try:
        if address and (needs is Address.EMAIL or (needs is None and "@" in address)):
            email = str(normalizer.email(address))
        elif address:
            phone = normalizer.phone(address).e164
    except ValidationFailed as error:
        raise CommandFailed(f"The address in --to is not valid: {error}") from None
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
    )
