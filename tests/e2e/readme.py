"""Read the code blocks of the documentation, so that tests can run them."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from e2e.service import BIN, Site

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """A code block with its language."""

    language: str
    text: str

    @property
    def opening(self) -> str:
        """The first line."""
        return self.text.splitlines()[0]


def blocks(page: str) -> list[Block]:
    """Return all code blocks of a page."""
    return [Block(*found) for found in _BLOCK.findall((ROOT / page).read_text("utf-8"))]


BLOCKS = blocks("README.md")


def block(part: str, page: str = "README.md") -> str:
    """Return the text of the only block of a page that contains this part."""
    [text] = [block.text for block in blocks(page) if part in block.text]
    return text


def assert_every_block_is_listed(page: str, parts: Iterable[str]) -> None:
    """Check that each block contains exactly one part, and each part is in a block.

    The parts identify the blocks that a test runs, and those with a reason why none does.
    """
    listed = list(parts)
    texts = [each.text for each in blocks(page)]
    for text in texts:
        assert len([part for part in listed if part in text]) == 1, text
    for part in listed:
        assert any(part in text for text in texts), part


def local_block(site: Site, part: str, page: str) -> str:
    """Return a block with the site's folder and the tested command in place of those of the page."""
    text = block(part, page).replace("sudo -u leads ", "")
    return text.replace("/opt/leads/bin/", f"{BIN}/").replace("/var/lib/leads", str(site.folder))


def recipe(target: str) -> str:
    """Return the last command that `make target` runs, with its variables."""
    rules = re.findall(rf"^{target}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    return str(rules[0].splitlines()[-1].strip())
