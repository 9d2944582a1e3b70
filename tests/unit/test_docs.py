"""Compare the documentation with the code: it describes everything, and nothing that does not exist."""

import ast
import importlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rich_click as click
from structlog.testing import capture_logs

from leads_adapters.http.problems import PROBLEMS
from leads_adapters.http.schemas.leads import LeadView
from leads_adapters.notifiers import apprise, smtp, webhook
from leads_app.channels import ENTRY_POINTS
from leads_app.cli import leads
from leads_app.settings import _PARSERS, _TABLES, Settings, load_settings
from leads_domain.access import Role
from leads_domain.events import EventType
from leads_domain.pipeline import DEFAULT_PIPELINE
from rest import a_service
from unit.limits import LIMITS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
PATH = re.compile(r"(?:src|tests|migrations|benchmarks|examples)(?:/[\w./-]*)?")


def read(page: Path) -> str:
    return page.read_text("utf-8")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return FENCE.sub("", read(page))


def examples(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page that are in this language."""
    return [text for found, text in FENCE.findall(read(page)) if found == language]


def all_examples(language: str) -> list[Any]:
    """Return the code blocks of all pages that are in this language, as parameters of a test."""
    return [
        pytest.param(text, id=f"{name_of(page)}-{number}")
        for page in PAGES
        for number, text in enumerate(examples(page, language), 1)
    ]


def section(page: str, heading: str) -> str:
    """Return the text below a heading, up to the next heading of the same or a higher level."""
    text = read(DOCS / page)
    level = len(heading.partition(" ")[0])
    assert f"\n{heading}\n" in text, f"docs/{page} has no section {heading!r}"
    rest = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all table rows in a text, without the header rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    headers = {index - 1 for index, line in enumerate(lines) if set(line) <= {"|", "-"}}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for index, line in enumerate(lines)
        if index not in headers and index - 1 not in headers
    ]


def code(cell: str) -> str:
    """Return the first code span of a cell, or an empty text."""
    match = CODE.search(cell)
    return match[1] if match else ""


def slug(heading: str) -> str:
    """Return the anchor that Git hosts give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip("# \n").lower()).replace(" ", "-")


SETTINGS = {code(row[1]) or code(row[0]): row for row in rows(section("settings.md", "## Settings"))}
VARIABLES = [name for name in _PARSERS if name not in _TABLES]


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(SETTINGS) == {*_PARSERS, "LEADS_CONFIG"}
    assert {name: code(SETTINGS[name][0]) for name in VARIABLES} == {
        name: f"LEADS_{name.upper()}" for name in VARIABLES
    }


@pytest.mark.parametrize("name", VARIABLES)
def test_the_documented_default_of_a_setting_is_its_default(name: str, tmp_path: Path) -> None:
    default = SETTINGS[name][3]
    if default == f"`{code(default)}`":
        assert load_settings({f"LEADS_{name.upper()}": code(default)}, tmp_path) == Settings()
    else:
        assert not getattr(Settings(), _PARSERS[name][0])


@pytest.mark.parametrize("name", VARIABLES)
def test_the_example_of_a_setting_is_accepted(name: str) -> None:
    _PARSERS[name][1](code(SETTINGS[name][4]))


def test_no_page_mentions_an_unknown_setting() -> None:
    mentioned = {name for page in PAGES for name in re.findall(r"\bLEADS_[A-Z_]+\b", read(page))}
    assert mentioned - {"LEADS_CONFIG", *(f"LEADS_{name.upper()}" for name in VARIABLES)} == set()


def test_every_limit_is_documented_with_its_default_and_no_other() -> None:
    table = rows(section("run-it-for-others.md", "## Limits"))
    assert {what: default for what, default, _, _ in table} == LIMITS


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands that can be run, with their paths."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{path} {name}", command


COMMANDS = dict(commands(leads, "leads"))


def test_every_command_is_documented_and_no_other() -> None:
    assert set(re.findall(r"^### (leads .+)$", read(DOCS / "settings.md"), re.MULTILINE)) == set(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(path: str) -> None:
    text = section("settings.md", f"### {path}")
    options = [each for each in COMMANDS[path].params if isinstance(each, click.Option)]
    documented = {code(row[0]): " ".join(row[1:]) for row in rows(text)}
    assert set(documented) == {name for option in options for name in option.opts}
    for option in options:
        values = CODE.findall(documented[option.opts[0]])
        choices = option.type.choices if isinstance(option.type, click.Choice) else ()
        assert set(values) >= set(choices)
        assert not option.show_default or str(option.default) in values
    for argument in COMMANDS[path].params:
        assert isinstance(argument, click.Option) or argument.human_readable_name in text


@pytest.mark.parametrize(
    ("name", "adapter", "title"),
    [
        ("smtp", smtp, "E-mail"),
        ("webhook", webhook, "Webhooks"),
        ("apprise", apprise, "Text messages and chat rooms"),
    ],
)
def test_every_option_of_a_channel_is_documented_and_no_other(name: str, adapter: Any, title: str) -> None:
    text = section("remind-people.md", f"## {title}: {name}")
    assert [code(row[0]) for row in rows(text) if row[0] == f"`{code(row[0])}`"] == list(adapter.OPTIONS)
    listed = {code(row[0]): CODE.findall(row[-1]) for row in rows(section("settings.md", "## Channels"))}
    assert listed[name] == list(adapter.OPTIONS)
    [example] = [example for language, example in FENCE.findall(text) if language == "toml"]
    [channel] = tomllib.loads(example)["channels"].values()
    assert channel.pop("adapter") == name
    adapter.create(channel)


def test_every_type_of_problem_is_documented_and_no_other() -> None:
    documented = [(int(row[0]), code(row[1])) for row in rows(section("api.md", "## Problems"))]
    assert documented == [(type.status_code, type.name) for type in PROBLEMS.values()]


def test_every_operation_is_documented_with_its_roles_and_no_other() -> None:
    with capture_logs(), a_service(None) as service:
        document = service.anonymous().get("/openapi.json").expect(200).json
    operations = {
        f"{method.upper()} {path}": roles(operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }
    documented = {code(row[0]): row[1].split(", ") for row in rows(section("api.md", "## Operations"))}
    assert documented == operations


def roles(operation: dict[str, Any]) -> list[str]:
    """Return the roles that the description of an operation names."""
    needed = operation.get("description", "").rpartition("Requires an API key with the role ")[2]
    return ["no key"] if operation.get("security") == [] else [role for role in Role if f"`{role}`" in needed]


def test_every_role_is_documented() -> None:
    assert [code(row[0]) for row in rows(section("api.md", "## Keys and roles"))] == [*Role]


def test_every_type_of_event_is_documented() -> None:
    first_cells = [code(row[0]) for row in rows(section("api.md", "## Timeline and events"))]
    assert [cell for cell in first_cells if re.fullmatch(r"[a-z_]+\.[a-z_]+", cell)] == [*EventType]


def test_the_lead_in_the_example_has_the_fields_of_a_lead() -> None:
    example = next(json.loads(text) for text in examples(DOCS / "api.md", "json") if '"version"' in text)
    assert tuple(example) == LeadView.__struct_fields__


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_has_a_target(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in {slug(line) for line in read(linked).splitlines() if line.startswith("#")}, target


def test_the_table_of_contents_lists_every_page_with_its_title() -> None:
    contents = dict(re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\)", read(DOCS / "README.md"), re.MULTILINE))
    pages = [page for page in DOCS.glob("*.md") if page.name != "README.md"]
    titles = {read(page).partition("\n")[0].removeprefix("# "): page.name for page in pages}
    assert contents == titles | {"Decisions": "decisions/README.md"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_in_the_text_exists(page: Path) -> None:
    paths = [text for text in CODE.findall(prose(page)) if PATH.fullmatch(text)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_decision_is_listed_by_its_title_and_has_a_status() -> None:
    records = {path.name: read(path).splitlines() for path in (DOCS / "decisions").glob("0*.md")}
    listed = dict(re.findall(r"\[(\d+\. .+)\]\((.+)\)", read(DOCS / "decisions/README.md")))
    assert listed == {lines[0].removeprefix("# "): name for name, lines in records.items()}
    assert [name for name, lines in records.items() if not lines[2].startswith("Status: ")] == []


@pytest.mark.parametrize("text", all_examples("toml"))
def test_every_toml_example_is_accepted(text: str, tmp_path: Path) -> None:
    if "project" in (tables := tomllib.loads(text)):
        assert list(tables["project"]["entry-points"]) == [ENTRY_POINTS]
    else:
        (tmp_path / "leads.toml").write_text(text, "utf-8")
        load_settings({}, tmp_path)


def test_the_documented_default_pipeline_is_the_default(tmp_path: Path) -> None:
    language, example = FENCE.findall(section("settings.md", "## Pipeline"))[0]
    assert language == "toml"
    (tmp_path / "leads.toml").write_text(example, "utf-8")
    pipeline = load_settings({}, tmp_path).pipeline
    assert pipeline == DEFAULT_PIPELINE
    assert pipeline.statuses == DEFAULT_PIPELINE.statuses


@pytest.mark.parametrize("text", all_examples("python"))
def test_every_python_example_imports_existing_names(text: str) -> None:
    if text.startswith("# tests/"):
        return  # it tests what its page has added: tests/e2e/test_recipes.py runs it
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("leads_"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
