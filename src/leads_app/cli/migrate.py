"""`leads migrate`."""

import rich_click as click

from leads_adapters.sql import migrations
from leads_app.cli import session
from leads_app.container import Container


@click.command()
def migrate() -> None:
    """Bring the database up to date."""
    container = Container(settings=session.settings())
    with session.database_faults_told(container):
        before = migrations.current(container.engine())
        migrations.upgrade(container.engine())
    click.echo(f"The database is at {migrations.HEAD}" + (", as it was." if before == migrations.HEAD else "."))
