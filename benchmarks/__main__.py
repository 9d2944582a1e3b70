"""`python -m benchmarks`: start the service, ask it, print the figures."""

import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import rich_click as click

from benchmarks import wrk
from benchmarks.comparison import Compared, Measure
from benchmarks.dataset import Dataset, check_kept, prepare
from benchmarks.failure import Failed
from benchmarks.questions import CREATE, SERVICE, questions
from benchmarks.raw import measure_sqlite
from benchmarks.report import Report, Start
from benchmarks.service import SERVE, SERVER, Installation

REST_SECONDS = 1.0
"""After how long without a request a process is said to be at rest."""


@click.command()
@click.option(
    "--rounds", default=7, show_default=True, type=click.IntRange(1), help="How often each load has its turn."
)
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(1), help="How long a turn is.")
@click.option("--connections", default=32, show_default=True, help="How many clients ask at once.")
@click.option("--leads", default=10_000, show_default=True, type=click.IntRange(51), help="How many there are before.")
@click.option("--quick", is_flag=True, help="Two rounds of one second: does it work, not how fast is it.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write all rounds there.")
@click.option(
    "--directory",
    default="build",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the database lives meanwhile. On a disk: in memory, durability would cost nothing.",
)
def main(
    rounds: int, seconds: int, connections: int, leads: int, quick: bool, json_file: Path | None, directory: Path
) -> None:
    """Measure the service. Ratios come first: they carry over to other machines, the other figures do not."""
    wrk.check_installed()
    if quick:
        rounds, seconds = 2, 1
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory, prefix="benchmark-") as folder:
        report = _measure(Path(folder).resolve(), rounds, seconds, connections, leads)
    report.show()
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(report.as_json())))


def _measure(folder: Path, rounds: int, seconds: int, connections: int, leads: int) -> Report:
    filled = Installation.at(folder / "filled")
    _tell(f"Taking in {leads:,} leads ...")
    dataset = prepare(filled, leads)
    _tell("Starting and stopping the service ...")
    first_starts = [_start(Installation.at(folder / f"new{number}")) for number in range(rounds)]
    later_starts = [_start(filled) for _ in range(rounds)]
    run = partial(wrk.run, headers=dataset.headers, seconds=seconds, connections=connections)
    compared, memory = _ask(filled, dataset, run, rounds)
    _tell("Counting the leads ...")
    answered = sum(
        each.requests for question in compared if question.name == CREATE for each in question.rounds[SERVICE]
    )
    check_kept(filled, least=leads + answered, most=leads + answered + rounds * connections)
    _tell("Asking the driver ...")
    driver = measure_sqlite(filled.database, dataset.ids.read_text().split(), seconds)
    return Report(compared, driver, first_starts, later_starts, memory)


def _start(installation: Installation) -> Start:
    with installation.running(SERVE) as service:
        time.sleep(REST_SECONDS)
        return Start(service.start_seconds, service.memory_mib())


def _ask(installation: Installation, dataset: Dataset, run: Measure, rounds: int) -> tuple[list[Compared], float]:
    compared = []
    with installation.running(SERVER) as service, installation.running((*SERVER, "--bare"), ready="/") as bare:
        for question in questions(service.url, bare.url, dataset):
            _tell(f"Asking: {question.name} ...")
            compared.append(question.measure(run, rounds))
        return compared, service.memory_mib()


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"benchmarks: {failure}")
