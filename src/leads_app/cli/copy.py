"""The command `leads copy`."""

import rich_click as click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import URL

from leads_adapters.sql.copying import copy_database
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line
from leads_app.factories import make_engine
from leads_app.setting_values import parse_database_url


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="The database to read.")
@click.option("--to", "target", required=True, metavar="URL", help="The database to fill. It must be empty.")
def copy(source: str, target: str) -> None:
    """Copy a whole database to another one, also from SQLite to PostgreSQL or back.

    Stop the service first. The copy is verified. If it fails, the new database stays empty.
    """
    from_url, to_url = _url("--from", source), _url("--to", target)
    if from_url == to_url:
        raise CommandFailed("--from and --to name the same database.")
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Copying", total=None)
        copied = copy_database(
            make_engine(from_url),
            make_engine(to_url),
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    print_line(f"{'table':<20} {'rows':>9}  checksum")
    for content in copied:
        print_line(f"{content.table:<20} {content.rows:>9}  {content.checksum}")


def _url(option: str, text: str) -> URL:
    try:
        return parse_database_url(text)
    except ValueError as error:
        raise CommandFailed(f"{option} is not valid. {error}") from None
