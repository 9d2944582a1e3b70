"""Checks of the language of code and documentation. Ruff's rule D401 checks the mood of verbs as well."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from token import COMMENT
from tokenize import tokenize

from messages import messages

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "migrations", "benchmarks", "examples", "tests")
SOURCES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py") if file != Path(__file__))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])

FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
NO_VERB = re.compile(
    r"(an?|the|this|that|these|those|what|which|who|whose|whom|whether|how|why|where|when|one|all|each|every|everything"
    r"|some|several|none|no|of|as|to|from|for|in|on|by|with|without|if|it|its|true|false)\b",
    re.IGNORECASE,
)
NO_SUBJECT = re.compile(r"(what|who|whose|whom|whether|how|that|of|one that|those)\b", re.IGNORECASE)
RETIRED_WORDS = re.compile(
    r"\b(whoever|whomever|somebody|nobody|heeds?|((is|are|was|were|be) told)|tells? of|of whose|to whose|(is|are) owed"
    r"|of which are|as good as|stands? where|has its turn|what there is|rehears\w*|dossier|garbled)\b",
    re.IGNORECASE,
)
RETIRED_NAMES = re.compile(r"(^|_)(told|rehears\w+|dossier|unplaced|wishes)(_|$)|^(Fault|Given|Told)([A-Z]|$)")


def place(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def nodes() -> Iterator[tuple[Path, ast.AST]]:
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            yield file, node


def names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.arg(arg=name) | ast.Name(id=name):
            yield name


def is_property(node: FUNCTION) -> bool:
    return any("property" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_docstrings_of_functions_start_with_a_verb() -> None:
    assert [
        f"{place(file, node)} {docstring}"
        for file, node in nodes()
        if isinstance(node, FUNCTION) and (docstring := ast.get_docstring(node)) and NO_VERB.match(docstring)
        if not is_property(node)
    ] == []


def test_docstrings_of_classes_and_properties_start_with_a_noun_or_a_verb() -> None:
    assert [
        f"{place(file, node)} {docstring}"
        for file, node in nodes()
        if isinstance(node, ast.ClassDef | FUNCTION) and (docstring := ast.get_docstring(node))
        if NO_SUBJECT.match(docstring)
    ] == []


def test_no_name_is_a_retired_word() -> None:
    assert [
        f"{place(file, node)} {name}" for file, node in nodes() for name in names(node) if RETIRED_NAMES.search(name)
    ] == []


def texts() -> Iterator[str]:
    """Yield each line of documentation, docstring and comment, and each message, after its place."""
    for page in PAGES:
        yield from (f"{page.relative_to(ROOT)}: {line}" for line in page.read_text("utf-8").splitlines())
    for file, node in nodes():
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTION) and (docstring := ast.get_docstring(node)):
            yield from (f"{place(file, node)} {line}" for line in docstring.splitlines())
    for file in SOURCES:
        with file.open("rb") as source:
            comments = (token for token in tokenize(source.readline) if token.type == COMMENT)
            yield from (f"{file.relative_to(ROOT)}:{token.start[0]} {token.string}" for token in comments)
    yield from (f"{message.path}:{message.line} {message.text}" for message in messages())


def test_no_text_has_a_retired_word() -> None:
    assert [text for text in texts() if RETIRED_WORDS.search(text)] == []


def test_the_list_of_messages_has_texts_of_every_kind() -> None:
    listed = {message.text for message in messages()}
    assert {
        "The API key is mistyped, unknown or revoked.",  # a problem
        "Only leads with one of these statuses.",  # the OpenAPI document
        "Create the database, or update its schema to this version of leads.",  # the help of a command
        "There is no folder {file.parent}.",  # an error at the terminal
    } <= listed
    assert not any(text.startswith("See `") for text in listed)  # internal docstrings
