"""Fetch a mailbox repeatedly, killed at another step each time, then once to its end.

    python killed_fetches.py KILLS DATABASE_URL MAILBOX_URL

A step is the reading of a message, the end of its transaction before the commit, or its mark. Each run is a fork of
this process, which has imported the service. The script prints the number of runs that were killed, and the exit code
of the last one.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import make_url

import leads_adapters.sql.postgres.database  # noqa: F401 - imported once, not in each process
from leads_adapters.clock import SystemClock
from leads_adapters.ids import SystemRandomSource, Uuid7Source
from leads_adapters.mail.reading import read_mail
from leads_adapters.mail.urls import open_mailbox
from leads_app.factories import make_database, make_engine
from leads_app.mail_fetcher import FetchedMailbox, MailFetcher
from leads_domain.use_cases.receive_mail import ReceivedMail, ReceiveMail

STEPS_MAX = 7


def is_step(event: str, arguments: tuple[Any, ...]) -> bool:
    """Return whether an event of Python's audit hooks is a step: files of a folder, or commands to a mail server."""
    if event == "imaplib.send":
        return b" UID FETCH " in arguments[1] or b" UID STORE " in arguments[1]
    return event in ("open", "os.rename") and "/new/" in str(arguments[0])


def run(database: str, mailbox: str, steps: int | None) -> int:
    """Fetch in a process that is killed before step `steps`; return its exit code, -9 if it was killed."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the log
    if steps is not None:
        _kill_before(iter(range(steps)))
    asyncio.run(_fetch(database, mailbox))
    os._exit(0)


async def _fetch(database_url: str, mailbox_url: str) -> None:
    database = make_database(make_engine(make_url(database_url)))
    mailbox = FetchedMailbox("sales", open_mailbox(mailbox_url), timedelta(minutes=1))
    receive = ReceiveMail(SystemClock(), Uuid7Source())
    found = await MailFetcher(database, read_mail, receive, [mailbox], SystemRandomSource()).run_once()
    await database.close()
    if found["sales"].failure:
        sys.exit(found["sales"].failure)


def _kill_before(remaining: Iterator[int]) -> None:
    receive = ReceiveMail.__call__

    def step() -> None:
        if next(remaining, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    def receive_or_die(*arguments: Any) -> ReceivedMail:
        received = receive(*arguments)
        step()
        return received

    ReceiveMail.__call__ = receive_or_die  # type: ignore[assignment, method-assign] # the process ends soon
    sys.addaudithook(lambda event, arguments: step() if is_step(event, arguments) else None)


if __name__ == "__main__":
    kills, database, mailbox = sys.argv[1:]
    killed = sum(run(database, mailbox, number % STEPS_MAX) == -signal.SIGKILL for number in range(int(kills)))
    print(killed, run(database, mailbox, None))  # noqa: T201
