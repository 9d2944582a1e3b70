"""Build wheels and virtual environments without network access."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path


def build_wheel(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into an empty folder and return its path."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), folder=project)
    [built] = folder.glob("*.whl")
    return built


def make_environment(folder: Path, *wheels: Path) -> Path:
    """Create an environment with these wheels and the libraries of the tests' environment; return its Python."""
    venv.create(folder)
    python = folder / "bin/python"
    install = ["install", "--no-index", "--no-deps", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "--python", str(python), *install, *map(str, wheels))
    # Python ignores the .pth files of a folder that a .pth file lists: the editable installation stays invisible.
    [packages] = folder.glob("lib/python*/site-packages")
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "libraries.pth").write_text("\n".join(libraries), "utf-8")
    return python


def run(*command: str, folder: Path | None = None) -> str:
    """Run a command without the settings of the tests' environment and return its output; fail if it fails."""
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
