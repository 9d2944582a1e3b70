"""The command `leads keys`."""

import uuid

import rich_click as click

from leads_app.cli import session
from leads_app.cli.terminal import print_line
from leads_domain.access import Role


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option("--name", required=True, help="The name of the key, shown in the timeline of leads.")
@click.option(
    "--role", required=True, type=click.Choice([role.value for role in Role]), help="The permissions of the key."
)
def create(name: str, role: str) -> None:
    """Create an API key and print it once: it cannot be shown again."""
    with session.opened(creates=True) as (container, run):
        key, text = run(container.database().write(container.create_key(), name=name, role=Role(role)))
    print_line(f"API key {key.id} ({role}). Store it now: it is shown only once.", err=True)
    print_line(text)


@keys.command("list")
def list_() -> None:
    """List all API keys with id, role, name and times, without the keys themselves."""
    with session.opened() as (container, run):
        found = run(container.database().read(lambda work: work.api_keys.all()))
    for key in found:  # not a table: a narrow terminal would cut it
        times = {"created": key.created_at, "last used": key.last_used_at, "revoked": key.revoked_at}
        dates = ", ".join(f"{label} {at:%Y-%m-%d %H:%M}" for label, at in times.items() if at)
        print_line(f"{key.id}  {key.role:<7}  {key.name} ({dates})")


@keys.command()
@click.argument("id", type=click.UUID)
def revoke(id: uuid.UUID) -> None:
    """Revoke the API key with this ID. Requests with it fail at once."""
    with session.opened() as (container, run):
        run(container.database().write(container.revoke_key(), str(id)))
    print_line(f"API key {id} is revoked.")
