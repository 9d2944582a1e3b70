"""The command `leads migrate`."""

import rich_click as click

from leads_adapters.sql import migrations
from leads_adapters.sql.word_index import adapt_word_index
from leads_app.cli import session
from leads_app.cli.terminal import print_line


@click.command()
def migrate() -> None:
    """Create the database, or update its schema to this version of leads."""
    with session.connected() as (_, engine):
        adapt_word_index(engine)  # first: migrations write to the index
        before = migrations.current_revision(engine)
        migrations.upgrade(engine)
    state = "was up to date" if before == migrations.HEAD else "is up to date now"
    print_line(f"The database {session.name_of(engine.url)} {state}: schema {migrations.HEAD}.")
