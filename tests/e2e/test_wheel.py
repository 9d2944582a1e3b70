"""The wheel has all that is needed: installed where there is no checkout, it migrates, serves and answers."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from e2e.readme import ROOT
from e2e.service import Site

PACKAGES = ("leads_domain", "leads_adapters", "leads_app")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), folder=ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, from the one that runs the tests, the libraries that it depends on."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    run(str(python), "-m", "pip", "install", "--no-index", "--no-deps", "--disable-pip-version-check", str(wheel))
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


def test_the_wheel_has_the_packages_and_their_migrations_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert "leads_adapters/sql/migrations/env.py" in names
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_installed_wheel_migrates_serves_and_answers(python: Path, tmp_path: Path) -> None:
    script = f"import {', '.join(PACKAGES)}; print({', '.join(f'{package}.__file__' for package in PACKAGES)})"
    for file in run(str(python), "-c", script, folder=tmp_path).split():
        assert Path(file).is_relative_to(python.parents[1])

    site = Site(tmp_path, python.with_name("leads"))
    assert site.leads("migrate").expect(0).out.startswith("The database is at ")
    with site.serve() as service:
        service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
        service.get("/docs").expect(200)
