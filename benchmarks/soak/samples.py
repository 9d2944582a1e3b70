"""Sample the memory, open files, threads and processor time of a process, and the size of the write-ahead log."""

import asyncio
import os
from pathlib import Path

import msgspec

from benchmarks.soak.record import Record

MIB = 2**20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Sample(msgspec.Struct):
    """The state of a process. `late` is the delay of the sample: how long the client itself was busy."""

    at: float
    memory_mib: float
    files: int
    threads: int
    processor_seconds: float
    wal_mib: float
    late: float


async def sample_process(pid: int, wal: Path, record: Record, interval: float) -> list[Sample]:
    """Sample until the task is cancelled, and return the samples."""
    samples: list[Sample] = []
    try:
        while True:
            due = interval * len(samples)
            await asyncio.sleep(max(0, due - record.now()))
            samples.append(_sample(pid, wal, record.now(), record.now() - due))
    except asyncio.CancelledError:
        return samples


def _sample(pid: int, wal: Path, at: float, late: float) -> Sample:
    """Read the state from /proc, see proc_pid_stat(5)."""
    process = Path(f"/proc/{pid}")
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return Sample(
        at=at,
        memory_mib=int(fields[21]) * _PAGE / MIB,
        files=len([*(process / "fd").iterdir()]),
        threads=int(fields[17]),
        processor_seconds=(int(fields[11]) + int(fields[12])) / _TICKS,
        wal_mib=wal.stat().st_size / MIB if wal.exists() else 0,
        late=late,
    )
