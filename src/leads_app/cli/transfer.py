"""`leads import` and `leads export`."""

import rich_click as click


@click.command("import")
def import_leads() -> None: ...
@click.command("export")
def export_leads() -> None: ...
