"""Check the lists of dependencies: versions, hashes, licences, and that nothing is unused."""

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SWAGGER_UI = ROOT / "src/leads_adapters/http/static/swagger-ui"
INSTALLED = [
    *PROJECT["dependencies"],
    *PROJECT["optional-dependencies"]["apprise"],
    *PROJECT["optional-dependencies"]["postgres"],
]
LICENCE = re.compile(r"^\| (?!package )([a-z0-9-]+) \| ([\w .-]+) \|", re.MULTILINE)
PERMISSIVE = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "Unlicense", "Zlib"}
FILE_LICENCE = {"certifi": "MPL-2.0", "pathspec": "MPL-2.0"}
"""Packages whose licence asks only for the publication of changes to their own files."""
NOT_IMPORTED = {"tzdata"}
"""Packages that Python itself reads."""


def pins(name: str) -> dict[str, str]:
    """Return the version of each package in a file of pins."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)==([^ \n]+)", (ROOT / name).read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in lines}


REQUIREMENTS = pins("requirements.txt")


def needed(requirements: list[str], extras: frozenset[str] = frozenset()) -> Iterator[str]:
    """Return the names of these requirements and of all that they require on this machine."""
    for requirement in map(Requirement, requirements):
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            continue
        yield canonicalize_name(requirement.name)
        yield from needed(distribution(requirement.name).requires or [], frozenset(requirement.extras))


def test_an_installation_contains_the_versions_that_are_tested() -> None:
    tested = pins("constraints.txt")
    assert {name: version for name, version in REQUIREMENTS.items() if tested.get(name, version) != version} == {}


def test_the_requirements_contain_everything_that_leads_needs() -> None:
    assert set(needed(INSTALLED)) <= set(REQUIREMENTS)


def test_every_requirement_has_hashes_and_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text("utf-8")
    hashed = re.findall(r"^([A-Za-z0-9._-]+)==.* \\\n    --hash=sha256:[0-9a-f]{64}\b", text, re.MULTILINE)
    assert set(hashed) == set(REQUIREMENTS)
    assert "//" not in text


def test_everything_that_is_declared_is_used() -> None:
    imported = set(_imports(ROOT / "src")) | set(_imports(ROOT / "migrations"))
    distributions = packages_distributions()
    used = {canonicalize_name(name) for module in imported for name in distributions.get(module, ())}
    declared = {canonicalize_name(Requirement(text).name) for text in INSTALLED}
    assert declared - used - NOT_IMPORTED == set()


def _imports(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_the_licence_of_each_package_is_listed_and_permissive() -> None:
    listed = dict(LICENCE.findall((ROOT / "docs/licences.md").read_text("utf-8")))
    optional = set(needed(INSTALLED)) - set(needed(PROJECT["dependencies"]))
    assert set(listed) == set(REQUIREMENTS)
    for name, licence in listed.items():
        choices = {FILE_LICENCE.get(name), *({"LGPL-3.0-only"} if name in optional else ()), *PERMISSIVE}
        assert set(re.split(r" OR | AND ", licence)) <= choices, name


@pytest.mark.parametrize("name", sorted(set(needed(INSTALLED))))
def test_the_listed_licence_is_the_one_that_the_package_declares(name: str) -> None:
    listed = dict(LICENCE.findall((ROOT / "docs/licences.md").read_text("utf-8")))
    declared = distribution(name).metadata.json.get("license_expression", listed[name])
    assert declared == listed[name]


def test_the_files_of_swagger_ui_are_unchanged() -> None:
    lines = (SWAGGER_UI / "SHA256SUMS").read_text("utf-8").splitlines()[1:]
    expected = {name: digest for digest, name in (line.split() for line in lines)}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SWAGGER_UI.iterdir()}
    del files["SHA256SUMS"]
    assert files == expected


def test_the_pages_name_the_version_of_swagger_ui() -> None:
    version = re.search(r"swagger-ui-dist (\S+) ", (SWAGGER_UI / "SHA256SUMS").read_text("utf-8"))
    assert version
    assert f"5.{version[1].split('.')[1]}" in (ROOT / "docs/licences.md").read_text("utf-8")
