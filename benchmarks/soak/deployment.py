"""Deploy the service: two processes on one database, with a mail server and a receiver of webhooks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url
from tests.mail_server import MailServer, a_mail_server
from tests.webhook_receiver import SECRET, Receiver, a_receiver

from benchmarks.fill import fill
from benchmarks.parts.postgres import DurableServer
from benchmarks.service import Installation
from benchmarks.soak.process import Process

SQLITE, POSTGRES = DATABASES = ("SQLite", "PostgreSQL")
STORED = 20_000
"""The number of leads that are stored before, so that lists and searches are not of an empty database."""

_SETTINGS = """
default_channel = "hook"

[channels.hook]
adapter = "webhook"
url = "{url}"
secret = "{secret}"

[channels.email]
adapter = "smtp"
url = "smtp://127.0.0.1:{port}"
sender = "Sales <sales@example.com>"

[[follow_up_rules]]
on = "enquiry"
after = "1m"
message = "{{name}} asked: {{message}}"

[forms.contact]
redirect = "https://www.example.com/thanks"
rate_limit = "off"
"""


@dataclass
class Deployment:
    """The main process, which is measured, and the second one, on SQLite or on a PostgreSQL server.

    `receiver` and `mails` are what follow-ups are sent to.
    """

    installation: Installation
    receiver: Receiver
    mails: MailServer
    server: DurableServer | None

    def __post_init__(self) -> None:
        text = _SETTINGS.format(url=self.receiver.url, secret=SECRET, port=self.mails.port)
        (self.installation.folder / "leads.toml").write_text(text, "utf-8")
        self.main, self.second = Process(self.installation), Process(self.installation)

    @property
    def file(self) -> Path:
        """The file of the database. On PostgreSQL it does not exist."""
        return Path(make_url(self.installation.database_url).database or "")

    @property
    def wal(self) -> Path:
        """The write-ahead log of SQLite."""
        return self.file.with_name(f"{self.file.name}-wal")

    def fill(self) -> None:
        """Migrate the empty database and store the first leads."""
        self.installation.leads("migrate")
        with self.installation.engine() as engine:
            fill(engine, STORED)

    def new_key(self, role: str) -> str:
        """Return a new API key."""
        return self.installation.leads("keys", "create", "--name", "soak", "--role", role).strip()

    def kill(self) -> None:
        """Kill the processes that still run."""
        self.main.kill_at_last()
        self.second.kill_at_last()


@contextmanager
def deployed(database: str, folder: Path) -> Iterator[Deployment]:
    """Deploy the service with its database, a mail server and a receiver of webhooks; end everything afterwards."""
    with ExitStack() as used:
        server = DurableServer() if database == POSTGRES else None
        url = None
        if server is not None:
            used.callback(server.remove)
            url = server.url.render_as_string(hide_password=False)
        receiver, mails = used.enter_context(a_receiver()), used.enter_context(a_mail_server())
        deployment = Deployment(Installation.at(folder, url), receiver, mails, server)
        deployment.fill()
        used.callback(deployment.kill)
        yield deployment
