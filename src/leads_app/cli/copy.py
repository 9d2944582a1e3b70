"""`leads copy`."""

import rich_click as click
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import URL

from leads_adapters.sql.copying import copy_database
from leads_app.cli.session import CommandFailed
from leads_app.factories import make_engine
from leads_app.settings import database_url


@click.command()
@click.option("--from", "source", required=True, metavar="URL", help="The database to copy; it is only read.")
@click.option("--to", "target", required=True, metavar="URL", help="The database to fill; it must hold nothing.")
def copy(source: str, target: str) -> None:
    """Copy everything from one database to another, of any kind: all of it, checked, or nothing.

    Stop the service first.
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
    click.echo(f"{'table':<12} {'rows':>9}  checksum")
    for content in copied:
        click.echo(f"{content.table:<12} {content.rows:>9}  {content.checksum}")


def _url(option: str, text: str) -> URL:
    try:
        return database_url(text)
    except ValueError as error:
        raise CommandFailed(f"{option} is wrong: {error}") from None
