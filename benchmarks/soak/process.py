"""Run `leads` commands in processes, restart and kill them, and count what they log."""

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import httpx

from benchmarks.failure import Failed
from benchmarks.processes import HOST, free_port
from benchmarks.service import LEADS, SERVE, Installation

START_SECONDS = 60.0
STOP_SECONDS = 20.0
EXPECTED_EVENTS = (
    "request",
    "follow_up_not_sent",
    "follow_up_lease_lost",
    "database_failed",
    "dispatch_delayed",
    "processing_delayed",
    "key_use_not_recorded",
)
"""The log events that faults may cause, and `request`. Every other line is recorded as unexpected."""


@dataclass
class Log:
    """The number of log lines by event, and the lines that are not expected."""

    events: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)

    async def follow(self, stream: asyncio.StreamReader) -> None:
        """Read lines until the stream ends."""
        async for line in stream:
            try:
                event = json.loads(line)["event"]
            except (ValueError, TypeError, KeyError):
                event = "no event"
            self.events[event] += 1
            if event not in EXPECTED_EVENTS:
                self.unexpected.append(line.decode()[:2000])


class Process:
    """A `leads serve` that can be started again on the same port."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._port = free_port()
        self.url = f"http://{HOST}:{self._port}"
        self.log = Log()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The id of the process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        command = [*SERVE, "--port", str(self._port)]
        pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        folder, environment = self._installation.folder, self._installation.environment()
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdout=null, stderr=pipe
        )
        assert self._process.stderr is not None
        self._following = asyncio.create_task(self.log.follow(self._process.stderr))
        await self._wait_until_ready()

    async def kill(self) -> None:
        """Kill the process."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Stop the process and return its exit code."""
        return await self._end(signal.SIGTERM)

    def kill_at_last(self) -> None:
        """Kill the process if it still runs, also without an event loop."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        code = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        await self._following
        return code

    async def _wait_until_ready(self) -> None:
        assert self._process is not None
        async with httpx.AsyncClient() as client, asyncio.timeout(START_SECONDS):
            while self._process.returncode is None:
                try:
                    if (await client.get(f"{self.url}/health/ready")).is_success:
                        return
                except httpx.TransportError:
                    pass  # not listening yet
                await asyncio.sleep(0.05)
        raise Failed(f"leads serve has ended: {self.log.unexpected}")


async def run_leads(installation: Installation, *arguments: str) -> tuple[int, str]:
    """Run another `leads` command and return its exit code and what it prints."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *LEADS,
        *arguments,
        cwd=installation.folder,
        env=installation.environment(),
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()
