"""The command `leads` at a terminal, within the test's own process, which saves the second of a new one."""

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
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str

    def expect(self, code: int) -> "CommandResult":
        """Itself, if it ended with this exit code."""
        assert self.code == code, self
        return self


class Terminal:
    """A folder in which commands are typed."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture
        for name in [name for name in os.environ if name.startswith("LEADS_")]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setattr(session, "configure_logs", lambda _: None)  # the logs of the test process stay as they are

    def leads(self, *arguments: object, typed: str | None = None) -> CommandResult:
        """Run a command; with `typed`, at a terminal where somebody types that."""
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
        """Run a command again and again, killed one step later each time; yields after each, with its exit code."""
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
