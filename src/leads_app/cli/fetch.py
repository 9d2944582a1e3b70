"""The command `leads fetch`."""

import asyncio
import signal
from collections.abc import Mapping

import rich_click as click

from leads_adapters.transfer import Run
from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line
from leads_app.container import Container
from leads_app.mail_fetcher import Fetched
from leads_domain.submission import ProcessingOutcome

_WORDS: Mapping[str, tuple[str, str]] = {
    ProcessingOutcome.ENQUIRY: ("enquiry", "enquiries"),
    ProcessingOutcome.REPLY: ("reply", "replies"),
    ProcessingOutcome.OPT_OUT: ("opt-out", "opt-outs"),
    ProcessingOutcome.BOUNCE: ("bounce", "bounces"),
    ProcessingOutcome.IGNORED: ("ignored", "ignored"),
    ProcessingOutcome.NEEDS_REVIEW: ("to review", "to review"),
}
"""The names of the outcomes: of one message, and of several."""


@click.command()
@click.option("--once", is_flag=True, help="Fetch and process what is unseen now, print the outcomes, then exit.")
def fetch(once: bool) -> None:
    """Fetch the mail of all mailboxes, and process it, without serving the API.

    Run it next to `leads serve --no-fetch`. It runs until SIGTERM or Ctrl-C.
    """
    with session.opened() as (container, run):
        container.mailbox_policies()  # report an invalid address before anything is fetched
        if not container.mail_fetcher().mailboxes:
            raise CommandFailed("No mailbox has a url. Add a table [mailboxes.NAME] to leads.toml.")
        if once:
            _fetch_once(container, run)
        else:
            run(_until_stopped(container))


def _fetch_once(container: Container, run: Run) -> None:
    found = run(container.mail_fetcher().run_once())
    run(container.submission_processor().run_once())
    outcomes: dict[str, list[str]] = {}
    for (mailbox, outcome), number in sorted(container.metrics().mail.items()):
        if outcome in _WORDS:
            outcomes.setdefault(mailbox, []).append(_count(number, *_WORDS[outcome]))
    for name in [*found, *(outcomes.keys() - found.keys())]:
        print_line(f"{name}: {_summary(found.get(name, Fetched()), outcomes.get(name, []))}")
    if failures := _failures(found):
        raise CommandFailed(failures)


def _summary(fetched: Fetched, outcomes: list[str]) -> str:
    """Return how many messages were fetched, and what became of those processed: a pipe may have brought others."""
    text = f"fetched {_count(fetched.stored + fetched.repeated, 'message', 'messages')}"
    before = f" ({fetched.repeated} stored before)" if fetched.repeated else ""
    return f"{text}{before}; processed {', '.join(outcomes) or 'none'}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def _failures(found: Mapping[str, Fetched]) -> str:
    problems = [
        f"The mailbox {name} was not read to its end: {each.failure}" for name, each in found.items() if each.failure
    ]
    left = sum(each.left for each in found.values())
    return " ".join([*problems, *([f"{left} messages could not be stored, and stay unseen."] if left else [])])


async def _until_stopped(container: Container) -> None:
    fetcher, processor = container.mail_fetcher(), container.submission_processor()

    def stop() -> None:
        fetcher.stop()
        processor.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await asyncio.gather(fetcher.run(), processor.run())
