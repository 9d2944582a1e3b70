"""The code blocks of the pages that tell people what to type."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """One of them: its language, and its text."""

    language: str
    text: str

    @property
    def opening(self) -> str:
        """What it is known by: its first line."""
        return self.text.splitlines()[0]


def blocks(page: str) -> list[Block]:
    """All of a page."""
    return [Block(*found) for found in _BLOCK.findall((ROOT / page).read_text("utf-8"))]


BLOCKS = blocks("README.md")


def block(part: str, page: str = "README.md") -> str:
    """The text of the one block of a page that has this in it."""
    [text] = [block.text for block in blocks(page) if part in block.text]
    return text


def recipe(target: str) -> str:
    """The last command that `make target` runs, with its variables."""
    rules = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return str(rules[0].splitlines()[-1].strip())
