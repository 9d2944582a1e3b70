"""Send steady traffic to both databases at once, with faults, and check that nothing is lost: `make soak`."""

import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import rich_click as click

from benchmarks.failure import Failed
from benchmarks.soak.deployment import DATABASES
from benchmarks.soak.picture import draw
from benchmarks.soak.report import as_markdown
from benchmarks.soak.run import Soak


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(1), help="Duration of the traffic.")
@click.option("--rate", default=40.0, show_default=True, help="Number of operations a second, on each database.")
@click.option("--seed", default=1, show_default=True, help="The seed of the choices of clients.")
@click.option(
    "--database",
    "databases",
    type=click.Choice(DATABASES),
    multiple=True,
    default=DATABASES,
    help="Run on this database only.",
)
@click.option(
    "--directory",
    default="build/soak",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the databases and of the results: results.json, soak.md and soak.svg.",
)
def main(minutes: float, rate: float, seed: int, databases: tuple[str, ...], directory: Path) -> None:
    """Send steady traffic with faults to the service on both databases, and check that nothing is lost."""
    directory.mkdir(parents=True, exist_ok=True)
    soaks = [Soak(database, minutes, rate, seed) for database in databases]
    with TemporaryDirectory(dir=directory) as folder, ProcessPoolExecutor() as processes:
        folders = [Path(folder).resolve() / soak.database for soak in soaks]
        results = list(processes.map(Soak.run, soaks, folders))
    (directory / "results.json").write_bytes(msgspec.json.encode(results))
    (directory / "soak.svg").write_text(draw(results), "utf-8")
    (directory / "soak.md").write_text(report := as_markdown(results), "utf-8")
    print(report)
    sys.exit(not all(result.has_passed for result in results))


def _exit_on_termination() -> None:
    """Exit as after Ctrl-C, so that every server is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: stopped"))


if __name__ == "__main__":
    _exit_on_termination()
    try:
        main()
    except Failed as failure:
        sys.exit(f"soak: {failure}")
