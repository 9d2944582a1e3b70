"""Test that the installed wheel works without a checkout."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from e2e.environment import build_wheel, make_environment, run
from e2e.readme import ROOT
from e2e.service import Site

PACKAGES = ("leads_domain", "leads_adapters", "leads_app")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an environment with only the wheel and return its Python."""
    return make_environment(tmp_path_factory.mktemp("environment"), wheel)


def test_the_wheel_has_only_the_packages_and_migrations(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == set(PACKAGES)
    assert "leads_adapters/sql/migrations/env.py" in names
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_the_installed_wheel_migrates_and_serves(python: Path, tmp_path: Path) -> None:
    script = f"import {', '.join(PACKAGES)}; print({', '.join(f'{package}.__file__' for package in PACKAGES)})"
    for file in run(str(python), "-c", script, folder=tmp_path).split():
        assert Path(file).is_relative_to(python.parents[1])

    site = Site(tmp_path, python.with_name("leads"))
    assert site.leads("migrate").expect(0).out.startswith("The database /")
    with site.serve() as service:
        service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
        service.get("/docs").expect(200)
        service.get("/docs/style.css").expect(200)
