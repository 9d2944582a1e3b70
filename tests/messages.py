"""List every text that a client, an operator or a person at a terminal can see, for review: `make messages`.

The texts are read from the source. A string counts if it has several words and is neither SQL nor a pattern. A
docstring counts if it is published: in the OpenAPI document, on the page of a problem, or in the help of a command.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parents[1] / "src"

_PUBLISHED_DOCSTRINGS = (
    "leads_adapters/http/controllers/",
    "leads_adapters/http/schemas/",
    "leads_adapters/http/problems.py",
    "leads_app/cli/",
)
_SEVERAL_WORDS = re.compile(r"[a-z`'{}.,:;]{2,} [\w`'{(]{2,}", re.IGNORECASE)
_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|LOCK|PRAGMA|BEGIN|SET|ATTACH|VACUUM|EXISTS)\b")
_PATTERN = re.compile(r"\\[sdwb]|\(\?|<\w+")


class Message(NamedTuple):
    """A text and its position in the source."""

    path: str
    line: int
    text: str


def messages() -> Iterator[Message]:
    """Yield all messages in the order of the source."""
    for file in sorted(SOURCE.rglob("*.py")):
        path = str(file.relative_to(SOURCE))
        tree = ast.parse(file.read_text("utf-8"))
        for node in _strings(tree, docstrings=path.startswith(_PUBLISHED_DOCSTRINGS)):
            text = _text(node)
            if _SEVERAL_WORDS.search(text) and not _SQL.match(text) and not _PATTERN.search(text):
                yield Message(path, node.lineno, " ".join(text.split()))


def _strings(node: ast.AST, *, docstrings: bool) -> Iterator[ast.Constant | ast.JoinedStr]:
    """Yield the strings below a node; of the strings that stand alone, only published docstrings."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.JoinedStr) or (isinstance(child, ast.Constant) and isinstance(child.value, str)):
            yield child
        elif not isinstance(child, ast.Expr) or not isinstance(child.value, ast.Constant):
            yield from _strings(child, docstrings=docstrings)
        elif docstrings and _has_public_docstring(node, child):
            yield child.value


def _has_public_docstring(node: ast.AST, first: ast.Expr) -> bool:
    if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return node.body[0] is first and not node.name.startswith("_")


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(
        f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else str(ast.literal_eval(part))
        for part in node.values
    )


if __name__ == "__main__":
    for message in messages():
        sys.stdout.write(f"{message.path}:{message.line}: {message.text}\n")
