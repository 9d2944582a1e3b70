"""The command `leads backup`."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import rich_click as click
from sqlalchemy import Engine

from leads_adapters.backup_files import SUFFIXES, find_backups, publish, time_stamp, unfinished_folder
from leads_adapters.sql.postgres import backup as postgres_backup
from leads_adapters.sql.sqlite import backup as sqlite_backup
from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line


@click.command()
@click.argument("target", metavar="[FILE|DIRECTORY]", default="backups/")
@click.option("--keep", metavar="N", type=click.IntRange(1), help="Delete all backups in DIRECTORY but the newest N.")
def backup(target: str, keep: int | None) -> None:
    """Back up the database to a new file that only you can read.

    You can run it while the service runs. In DIRECTORY (default: backups/), the file is named after the database and
    the time (UTC). `--keep` deletes only files with these names. A path that ends with / is a directory, and is created
    if it does not exist.
    """
    with session.connected() as (container, engine):
        _check_exists(engine)
        folder = Path(target) if target.endswith("/") or Path(target).is_dir() else None
        if folder is None:
            if keep is not None:
                raise click.UsageError("--keep needs a directory.")
            _back_up_to(Path(target), engine)
        else:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name, suffix = database_name(engine), SUFFIXES[engine.dialect.name]
            _back_up_to(folder / f"{name}-{time_stamp(container.clock().now())}{suffix}", engine)
            _delete_all_but(keep, find_backups(folder, name))


def _back_up_to(file: Path, engine: Engine) -> None:
    counts = back_up(engine, file)
    leads = f"{counts['leads']} {'lead' if counts['leads'] == 1 else 'leads'}"
    print_line(f"{file}: {leads} of {session.name_of(engine.url)}, {_size(file)}, verified.")


def _delete_all_but(number: int | None, backups: Sequence[Path]) -> None:
    for old in backups[:-number] if number else ():
        old.unlink()
        print_line(f"{old}: deleted.")


def database_name(engine: Engine) -> str:
    """Return the name of the database in the names of its backups."""
    return Path(str(engine.url.database)).stem


def back_up(engine: Engine, file: Path) -> Mapping[str, int]:
    """Write and verify a backup, then give the file its name. Return the number of rows of each table."""
    if os.path.lexists(file):
        raise CommandFailed(f"{file} exists already, and a backup does not overwrite files. Choose another name.")
    if not file.parent.is_dir():
        raise CommandFailed(f"There is no folder {file.parent}.")
    write = sqlite_backup.back_up if engine.dialect.name == "sqlite" else postgres_backup.back_up
    with unfinished_folder(file.parent) as folder:
        counts = write(engine, folder / "backup")
        if not {"leads", "alembic_version"} <= counts.keys():
            raise CommandFailed(f"{session.name_of(engine.url)} is not a leads database.")
        publish(folder / "backup", file)
    return counts


def _check_exists(engine: Engine) -> None:
    if engine.dialect.name == "sqlite" and not session.database_file(engine.url).is_file():
        raise CommandFailed(f"There is no database {session.name_of(engine.url)}. {session.MISSING_ADVICE}")


def _size(file: Path) -> str:
    size = file.stat().st_size
    return f"{size / 2**20:.1f} MiB" if size >= 2**20 else f"{size / 2**10:.0f} KiB"
