"""Check that texts use the distribution's name, `leads-desk`, and show the same version."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from leads_app.cli import leads

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TEXTS = [
    path
    for folder in ("src", "docs", "examples", "migrations", ".ci", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".md", ".toml", ".sh")
] + [path for path in ROOT.iterdir() if path.is_file() and path.suffix != ".lock"]
INSTALLS_LEADS = re.compile(r"install (?:-\S+ )*['\"]?leads(?![-\w/.])|(?<![\w./-])leads\[(?:apprise|postgres)")


def test_no_text_tells_readers_to_install_leads_which_is_another_project_on_the_public_index() -> None:
    assert [path for path in TEXTS if INSTALLS_LEADS.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    "text",
    [
        "pip install leads",
        "pip install -U leads",
        "pip install 'leads[postgres]'",
        "uv tool install leads",
        "the extra `leads[apprise]`",
    ],
)
def test_the_pattern_finds_commands_that_install_leads(text: str) -> None:
    assert INSTALLS_LEADS.search(text)


def test_the_command_the_openapi_document_and_the_changelog_name_the_same_version() -> None:
    version = PROJECT["version"]
    assert CliRunner().invoke(leads, ["--version"]).output == f"leads, version {version}\n"
    document = json.loads((ROOT / "docs/openapi.json").read_text("utf-8"))
    assert document["info"]["version"] == version
    dated = re.findall(r"^## ([0-9.]+) - \d{4}-\d{2}-\d{2}$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert dated[0] == version
