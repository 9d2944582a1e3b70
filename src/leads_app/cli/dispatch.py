"""`leads dispatch`."""

import asyncio
import signal

import rich_click as click

from leads_app.cli import session


@click.command()
@click.option("--once", is_flag=True, help="Send what is due now, then stop.")
def dispatch(once: bool) -> None:
    """Send due follow-ups, in a process of its own."""
    container = session.open_container()

    async def work() -> None:
        dispatcher = container.dispatcher()
        if once:
            click.echo(f"{await dispatcher.run_once()} attempts made.")
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, dispatcher.stop)
        await dispatcher.run()

    session.run(container, work)
