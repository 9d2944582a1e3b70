"""Run the installed command `leads` in processes, and call the service over HTTP.

with site.serve() as service:
    service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
assert site.leads("export").code == 0
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from e2e.forked import Forked

BIN = Path(sys.executable).parent
HOST = "127.0.0.1"
TIMEOUT_SECONDS = 20.0
"""The time-out of a test that waits for something."""

_POLL_SECONDS = 0.01
_KEY = re.compile(r"admin_[0-9a-f]+")

Found = TypeVar("Found")


def eventually(probe: Callable[[], Found | None], within: float = TIMEOUT_SECONDS) -> Found:
    """Call `probe` until its result is true, and return the result; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while not (found := probe()):
        assert time.monotonic() < deadline, f"no result within {within} s"
        time.sleep(_POLL_SECONDS)
    return found


@dataclass(frozen=True)
class CommandResult:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    def expect(self, code: int) -> Self:
        """Check the exit code and return self."""
        assert self.code == code, self
        return self


@dataclass(frozen=True)
class Response:
    """An HTTP response."""

    request: str
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.text)

    def expect(self, status: int) -> Self:
        """Check the status code and return self."""
        assert self.status == status, self
        return self


class Site:
    """A working folder for commands, which inherit only PATH from the tests' environment.

    `key` is the admin key that a service printed. Keyword arguments of methods are environment variables. The command
    `leads` is forked; `run`, `shell`, several workers and commands of other environments start a new interpreter.
    """

    def __init__(self, root: Path, leads: Path = BIN / "leads") -> None:
        assert leads.is_file(), f"The command is not installed at {leads}."
        self.folder, self.home = root / "folder", root / "home"
        self.folder.mkdir()
        self.home.mkdir()
        self.key = ""
        self.command = str(leads)
        self._environment: dict[str, str] = {}

    def leads(self, *arguments: str, **environment: str) -> CommandResult:
        """Run `leads` with these arguments and return its result."""
        with self.running(*arguments, **environment) as running:
            code = running.process.wait(TIMEOUT_SECONDS)
        return CommandResult(code, running.out, running.err)

    @contextmanager
    def running(self, *arguments: str, **environment: str) -> Iterator["Running"]:
        """Start `leads` with these arguments; kill it at the end of the block."""
        running = Running(self, [self.command, *arguments], environment)
        running.begin()
        try:
            yield running
        finally:
            running.end()

    def run(self, command: Sequence[str], **environment: str) -> CommandResult:
        """Run any command in the folder and return its result."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def shell(self, script: str, **environment: str) -> CommandResult:
        """Run a shell script and return its result."""
        return self.run(["/bin/sh", "-e", "-u", "-c", script], **environment)

    def write(self, name: str, text: str) -> None:
        """Write a file in the folder."""
        (self.folder / name).write_text(text, "utf-8")

    def install(self, module: str, source: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
        """Install a package with one module and these entry points by group, for all commands from now on."""
        packages = self.folder.parent / "packages"
        info = packages / f"{module}-1.0.dist-info"
        info.mkdir(parents=True)
        (packages / f"{module}.py").write_text(source, "utf-8")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", "utf-8")
        with (info / "entry_points.txt").open("w", encoding="utf-8") as file:
            for group, names in entry_points.items():
                file.write(f"[{group}]\n" + "".join(f"{name} = {factory}\n" for name, factory in names.items()))
        self._environment["PYTHONPATH"] = str(packages)

    def configure(self, **environment: str) -> None:
        """Set environment variables for all commands from now on."""
        self._environment |= environment

    def serve(self, *options: str, **environment: str) -> "Service":
        """Return `leads serve` on a free port, a context manager that waits until it is ready and stops it."""
        return Service(self, [self.command, "serve", *options], environment)

    @contextmanager
    def starting(self, *options: str, **environment: str) -> Iterator["Service"]:
        """Start `leads serve` without waiting until it is ready; kill it at the end of the block."""
        service = self.serve(*options, **environment)
        service.begin()
        try:
            yield service
        finally:
            service.end()

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a command."""
        inherited = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}
        if "PYTHONPATH" in os.environ:  # as in `make test-fallback`
            inherited["PYTHONPATH"] = os.environ["PYTHONPATH"]
        return inherited | self._environment | more


class Running:
    """A command in a process, with its output."""

    process: Forked | subprocess.Popen[bytes]

    def __init__(self, site: Site, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.site = site
        self._command = command
        self._environment = environment
        streams = site.folder.parent / f"streams-{time.monotonic_ns()}"
        self._out, self._err = streams.with_suffix(".out"), streams.with_suffix(".err")

    def begin(self) -> None:
        """Start the process. The caller must call `end`."""
        environment = self.site.environment(**self._environment)
        if self._command[0] == str(BIN / "leads") and "--workers" not in self._command:
            self.process = Forked(self._command, self.site.folder, environment, self._out, self._err)
            return
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                self._command,
                cwd=self.site.folder,
                env=environment,
                stdout=out,
                stderr=err,
                start_new_session=True,  # so that `end` can kill all processes of the group
            )

    def end(self) -> None:
        """Kill the process and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_SECONDS)

    @property
    def out(self) -> str:
        """The standard output so far."""
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        """The standard error so far."""
        return self._err.read_text("utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the process and return its exit code."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_SECONDS)

    def kill(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait(TIMEOUT_SECONDS)


class Service(Running):
    """A running `leads serve`, with a client that uses the site's key."""

    def __init__(self, site: Site, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        super().__init__(site, [*command, "--port", str(self.port)], environment)

    def __enter__(self) -> Self:
        self.begin()
        try:
            eventually(self.is_ready)
        except BaseException:
            self.end()
            raise
        if printed := _KEY.search(self.out):
            self.site.key = printed[0]
        self.client.headers["X-API-Key"] = self.site.key
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            self.end()
        if error is not None:
            error.add_note(f"Output of the service:\n{self.out}{self.err}"[-5000:])

    def begin(self) -> None:
        """Start the process. The caller must call `end`."""
        super().begin()
        self.client = httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def end(self) -> None:
        """Kill the process and its children."""
        self.client.close()
        super().end()

    def log(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of this event."""
        lines = [json.loads(line) for line in self.err.splitlines()]
        return [line for line in lines if line["event"] == event]

    def processes(self) -> set[int]:
        """Return the ids of the service's running processes, with its children."""
        found = set()
        for stat in _all_processes():
            pid, _, rest = stat.partition(" ")
            state, _, group, *_ = rest.rpartition(")")[2].split()
            if int(group) == self.process.pid and state != "Z":
                found.add(int(pid))
        return found

    def has_left_processes(self) -> bool:
        """Return whether the service or one of its children still runs."""
        return bool(self.processes())

    def get(self, target: str) -> Response:
        """Send a GET request."""
        return self.request("GET", target)

    def post(self, target: str, body: object = None) -> Response:
        """Send a POST request with a JSON body."""
        return self.request("POST", target, body)

    def patch(self, target: str, body: object) -> Response:
        """Send a PATCH request with a JSON body."""
        return self.request("PATCH", target, body)

    def request(self, method: str, target: str, body: object = None) -> Response:
        """Send a request and return the response."""
        response = self.client.request(method, target, json=body)
        return Response(f"{method} {target}", response.status_code, response.headers, response.text)

    def finish_processing(self) -> None:
        """Wait until the service has processed all submissions."""
        eventually(lambda: not self.get("/submissions?state=received").expect(200).json["items"])

    def items(self, target: str) -> list[Any]:
        """Return the items of all pages of a list."""
        page = self.get(f"{target}?limit=200").expect(200)
        items = list(page.json["items"])
        while cursor := page.json["next_cursor"]:
            page = self.get(f"{target}?limit=200&cursor={cursor}").expect(200)
            items += page.json["items"]
        return items

    def is_ready(self) -> bool:
        """Return whether the service is ready; fail if it has ended."""
        assert self.process.poll() is None, f"The service ended:\n{self.out}{self.err}"
        try:
            return self.get("/health/ready").status == 200
        except httpx.TransportError:
            return False


def free_port() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _all_processes() -> Iterator[str]:
    """Yield the status line of each process, see proc_pid_stat(5)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            yield path.read_text("utf-8", "replace")
