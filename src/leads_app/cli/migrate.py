"""`leads migrate`."""

import rich_click as click

from leads_adapters.sql import migrations
from leads_adapters.sql.word_index import adapt_word_index
from leads_app.cli import session


@click.command()
def migrate() -> None:
    """Bring the database up to date."""
    with session.connected() as (_, engine):
        adapt_word_index(engine)  # first: migrations write to the index
        before = migrations.current(engine)
        migrations.upgrade(engine)
    name = session.name_of(engine.url)
    click.echo(f"The database {name} is at {migrations.HEAD}" + (", as it was." if before == migrations.HEAD else "."))
