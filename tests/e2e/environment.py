"""Environments without a checkout, made without a network."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def build_wheel(project: Path, folder: Path) -> Path:
    """The wheel of a project, in an empty folder."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), folder=project)
    [built] = folder.glob("*.whl")
    return built


def make_environment(folder: Path, *wheels: Path) -> Path:
    """The Python of an environment with these wheels and, from the one that runs the tests, the libraries."""
    venv.create(folder)
    python = folder / "bin/python"
    install = ["install", "--no-index", "--no-deps", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "--python", str(python), *install, *map(str, wheels))
    # Listed in a .pth file, a folder has no .pth files of its own: the editable installation in it stays out of sight.
    [packages] = folder.glob("lib/python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "libraries.pth").write_text("\n".join(libraries), "utf-8")
    return python


def run(*command: str, folder: Path | None = None) -> str:
    """What a command prints; it must succeed. The settings of the pip that runs around the tests are not for it."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
