"""The command `leads dispatch`."""

import asyncio
import signal

import rich_click as click

from leads_app.cli import session
from leads_app.cli.terminal import print_line
from leads_app.dispatcher import Dispatcher


@click.command()
@click.option("--once", is_flag=True, help="Send what is due now, then exit.")
def dispatch(once: bool) -> None:
    """Send follow-ups and digests when they are due, without serving the API.

    Run it next to `leads serve --no-dispatch`. It runs until SIGTERM or Ctrl-C.
    """
    with session.opened() as (container, run):
        dispatcher = container.dispatcher()
        if once:
            print_line(f"Attempts made: {run(dispatcher.run_once())}.")
        else:
            run(_until_stopped(dispatcher))


async def _until_stopped(dispatcher: Dispatcher) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, dispatcher.stop)
    await dispatcher.run()
