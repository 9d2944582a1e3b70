"""The steps of the pages for developers work as printed: they are applied to a copy of the repository, which is tested.

A block of Python that starts with the name of a file is that file. A block of `diff` changes the file that it names.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.readme import ROOT, blocks

PYTEST = ".venv/bin/python -m pytest "
TIMEOUT_SECONDS = 240

# The tests that see the change: all others of these files also run outside the copy. Not on PostgreSQL, which is the
# slowest, and equal to SQLite by contract.
AFFECTED = {
    "docs/add-an-endpoint.md": "openapi_file or every_ or summar or permissions",
    "docs/add-a-filter.md": "openapi_file or every_",
    "docs/add-a-database.md": "snapshot",
}
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", ".*_cache", "__pycache__", "build", "dist", "*.db*")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the repository."""
    copy = tmp_path / "leads"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    return copy


def apply(page: str, copy: Path) -> None:
    """Apply all steps of a page."""
    for block in blocks(page):
        if block.language == "python" and block.opening.startswith("# "):
            (copy / block.opening.removeprefix("# ")).write_text(block.text.partition("\n")[2], "utf-8")
        elif block.language == "diff":
            change(copy / block.opening.removeprefix("--- "), block.text.splitlines()[1:])


def change(file: Path, lines: list[str]) -> None:
    """Change a file. The unchanged and the removed lines must occur together in it exactly once."""
    old = [line[1:] for line in lines if not line.startswith("+")]
    new = [line[1:] for line in lines if not line.startswith("-")]
    text = "\n" + file.read_text("utf-8")
    before = "\n" + "\n".join(old) + "\n"
    assert text.count(before) == 1, f"{file.name} has changed: {before}"
    file.write_text(text.replace(before, "\n" + "\n".join(new) + "\n")[1:], "utf-8")


def run(copy: Path, *arguments: str, **environment: str) -> None:
    """Run a module of Python in the copy, whose packages are imported in place of the installed ones."""
    environment |= {"PATH": os.environ["PATH"], "PYTHONPATH": str(copy / "src")}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_commands(page: str, copy: Path) -> None:
    """Run the commands of a page, and its tests in one run of pytest, which writes the OpenAPI document first."""
    [commands] = [block.text.splitlines() for block in blocks(page) if f"\n{PYTEST}" in block.text]
    tests: list[str] = []
    for command in commands:
        match command:
            case "make openapi":
                tests.append("tests/http/test_openapi_file.py")
            case "make format":
                run(copy, "ruff", "check", "--fix", "src", "tests")
                run(copy, "ruff", "format", "src", "tests")
            case "make lint":
                run(copy, "ruff", "check", "src", "tests")
                run(copy, "ruff", "format", "--check", "src", "tests")
            case _:
                assert command.startswith(PYTEST)
                tests += command.removeprefix(PYTEST).split()
    run(copy, "pytest", "-q", "-k", f"not postgres and ({AFFECTED[page]})", *tests, OPENAPI_WRITE="1")


@pytest.mark.parametrize("page", list(AFFECTED))
def test_the_steps_of_the_page_are_right_and_complete(page: str, copy: Path) -> None:
    apply(page, copy)
    run_commands(page, copy)
