"""The documentation tells all that there is, and nothing that there is not."""

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

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")
PLACE = re.compile(r"(?:src|tests|migrations|benchmarks|examples)(?:/[\w./-]*)?")


def read(page: Path) -> str:
    return page.read_text("utf-8")


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its examples."""
    return FENCE.sub("", read(page))


def examples(page: Path, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(read(page)) if found == language]


def all_examples(language: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{named(page)}-{number}")
        for page in PAGES
        for number, text in enumerate(examples(page, language), 1)
    ]


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its rank."""
    text = read(DOCS / page)
    rank = heading.partition(" ")[0]
    assert f"\n{heading}\n" in text, f"docs/{page} has no section {heading!r}"
    rest = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"^#{{1,{len(rank)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {at - 1 for at, line in enumerate(lines) if set(line) <= {"|", "-"}}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for at, line in enumerate(lines)
        if at not in heads and at - 1 not in heads
    ]


def code(cell: str) -> str:
    """The first thing in a cell that is written as code, if there is one."""
    match = CODE.search(cell)
    return match[1] if match else ""


def slug(heading: str) -> str:
    """The anchor that a heading gets where the pages are shown."""
    return re.sub(r"[^\w\- ]", "", heading.strip("# \n").lower()).replace(" ", "-")


SETTINGS = {code(row[1]) or code(row[0]): row for row in rows(section("settings.md", "## Settings"))}
OF_VARIABLES = [name for name in _PARSERS if name not in _TABLES]


def test_every_setting_is_documented_and_no_other() -> None:
    assert set(SETTINGS) == {*_PARSERS, "LEADS_CONFIG"}
    assert {name: code(SETTINGS[name][0]) for name in OF_VARIABLES} == {
        name: f"LEADS_{name.upper()}" for name in OF_VARIABLES
    }


@pytest.mark.parametrize("name", OF_VARIABLES)
def test_the_documented_default_of_a_setting_is_its_default(name: str, tmp_path: Path) -> None:
    default = SETTINGS[name][3]
    if default == f"`{code(default)}`":
        assert load_settings({f"LEADS_{name.upper()}": code(default)}, tmp_path) == Settings()
    else:
        assert not getattr(Settings(), _PARSERS[name][0])


@pytest.mark.parametrize("name", OF_VARIABLES)
def test_the_example_of_a_setting_is_accepted(name: str) -> None:
    _PARSERS[name][1](code(SETTINGS[name][4]))


def test_no_page_speaks_of_a_setting_that_there_is_not() -> None:
    spoken_of = {name for page in PAGES for name in re.findall(r"\bLEADS_[A-Z_]+\b", read(page))}
    assert spoken_of - {"LEADS_CONFIG", *(f"LEADS_{name.upper()}" for name in OF_VARIABLES)} == set()


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
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
        told = CODE.findall(documented[option.opts[0]])
        choices = option.type.choices if isinstance(option.type, click.Choice) else ()
        assert set(told) >= set(choices)
        assert not option.show_default or str(option.default) in told
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
    needed = operation.get("description", "").rpartition("Needs a key with the role ")[2]
    return ["no key"] if operation.get("security") == [] else [role for role in Role if f"`{role}`" in needed]


def test_every_role_is_documented() -> None:
    assert [code(row[0]) for row in rows(section("api.md", "## Keys and roles"))] == [*Role]


def test_everything_that_can_happen_is_documented() -> None:
    first_cells = [code(row[0]) for row in rows(section("api.md", "## Timeline and events"))]
    assert [cell for cell in first_cells if re.fullmatch(r"[a-z_]+\.[a-z_]+", cell)] == [*EventType]


def test_the_lead_that_is_shown_has_the_members_of_a_lead() -> None:
    shown = next(json.loads(text) for text in examples(DOCS / "api.md", "json") if '"version"' in text)
    assert tuple(shown) == LeadView.__struct_fields__


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in {slug(line) for line in read(linked).splitlines() if line.startswith("#")}, target


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    places = [place for place in CODE.findall(prose(page)) if PLACE.fullmatch(place)]
    assert [place for place in places if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("text", all_examples("toml"))
def test_every_toml_example_is_accepted(text: str, tmp_path: Path) -> None:
    if "project" in (members := tomllib.loads(text)):
        assert list(members["project"]["entry-points"]) == [ENTRY_POINTS]
    else:
        (tmp_path / "leads.toml").write_text(text, "utf-8")
        load_settings({}, tmp_path)


def test_the_default_pipeline_is_shown_as_it_is(tmp_path: Path) -> None:
    shown = FENCE.findall(section("settings.md", "## Pipeline"))[0]
    assert shown[0] == "toml"
    (tmp_path / "leads.toml").write_text(shown[1], "utf-8")
    pipeline = load_settings({}, tmp_path).pipeline
    assert pipeline == DEFAULT_PIPELINE
    assert pipeline.statuses == DEFAULT_PIPELINE.statuses


@pytest.mark.parametrize("text", all_examples("python"))
def test_every_python_example_imports_what_there_is(text: str) -> None:
    if text.startswith("# tests/"):
        return  # it tests what its page has added: tests/e2e/test_recipes.py runs it
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("leads_"):
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names)
