"""`leads keys`."""

import uuid

import rich_click as click

from leads_app.cli import session
from leads_domain.access import Role


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command()
@click.option("--name", required=True, help="Whose key it is; told in the timeline.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What it may do.")
def create(name: str, role: str) -> None:
    """Make a key and print it, this once."""
    with session.opened(makes=True) as (container, run):
        key, text = run(container.database().write(container.create_key(), name=name, role=Role(role)))
    click.echo(f"Key {key.id} ({role}), shown this once:", err=True)
    click.echo(text)


@keys.command("list")
def list_() -> None:
    """List all keys; their texts are not known."""
    with session.opened() as (container, run):
        found = run(container.database().read(lambda work: work.api_keys.all()))
    for key in found:  # not a table, which a narrow terminal would cut
        times = {"made": key.created_at, "last used": key.last_used_at, "revoked": key.revoked_at}
        told = ", ".join(f"{what} {at:%Y-%m-%d %H:%M}" for what, at in times.items() if at)
        click.echo(f"{key.id}  {key.role:<7}  {key.name} ({told})")


@keys.command()
@click.argument("id", type=click.UUID)
def revoke(id: uuid.UUID) -> None:
    """Make a key useless at once."""
    with session.opened() as (container, run):
        run(container.database().write(container.revoke_key(), str(id)))
    click.echo(f"Key {id} is revoked.")
