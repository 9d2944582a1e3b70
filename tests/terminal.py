"""Run the command `leads` in the test's process, which is faster than a new process."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from leads_app.cli import main, session

_KILL_AT_EACH_STEP = Path(__file__).parent / "integration" / "kill_at_each_step.py"


@dataclass(frozen=True)
class CommandResult:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str

    def expect(self, code: int) -> "CommandResult":
        """Check the exit code and return self."""
        assert self.code == code, self
        return self


class Terminal:
    """A working folder for commands."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture
        for name in [name for name in os.environ if name.startswith("LEADS_")]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setattr(session, "configure_logs", lambda _: None)  # leave the logs of the test process alone

    def leads(self, *arguments: object, typed: str | None = None) -> CommandResult:
        """Run a command; with `typed`, standard input is a terminal at which a user types that."""
        controller, terminal = pty.openpty()
        with os.fdopen(controller, "w", encoding="utf-8") as keyboard, os.fdopen(terminal, encoding="utf-8") as screen:
            keyboard.write(typed or "")
            keyboard.flush()
            with self._patch.context() as patch, open(os.devnull, encoding="utf-8") as nothing:  # noqa: PTH123
                patch.setattr(sys, "argv", ["leads", *map(str, arguments)])
                patch.setattr(sys, "stdin", nothing if typed is None else screen)
                self._capture.readouterr()
                code = _exit_code()
        out, err = self._capture.readouterr()
        return CommandResult(code, out, re.sub(r"\s+", " ", err))

    def kill_at_each_step(self, *arguments: object) -> Iterator[int]:
        """Run a command repeatedly, killed one step later each time; yield the exit code of each run."""
        command = [sys.executable, str(_KILL_AT_EACH_STEP), "leads", *map(str, arguments)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdin
            assert running.stdout
            for line in running.stdout:
                yield int(line)
                running.stdin.write("\n")
                running.stdin.flush()


def _exit_code() -> int:
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    if isinstance(code, str):
        sys.stderr.write(code)
        return 1
    return int(code or 0)
