"""`leads migrate`."""

import rich_click as click

from leads_adapters.sql import migrations
from leads_app.cli import session


@click.command()
def migrate() -> None:
    """Bring the database up to date."""
    with session.connected() as (_, engine):
        before = migrations.current(engine)
        migrations.upgrade(engine)
    name = session.name_of(engine.url)
    click.echo(f"The database {name} is at {migrations.HEAD}" + (", as it was." if before == migrations.HEAD else "."))
