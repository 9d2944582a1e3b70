"""Turn HTML into plain text."""

import re
from collections.abc import Mapping

from lxml import etree

_CHUNK = 8_192
_DEPTH_MAX = 1_000
"""The depth at which reading ends: libxml2 needs quadratic time for end tags without a start tag in deep elements."""

_ITEM = "- "
_QUOTES_MAX = 5
_LINK_MAX = 500
_HIDDEN = {"head", "script", "select", "style", "svg", "template", "title"}
_PARAGRAPHS = {"blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"}
_LINES = {"address", "article", "body", "center", "dd", "div", "dt", "footer", "form", "header", "hr", "li", "main"}
_LINES |= {"option", "section", "tr"}
_SPACE = re.compile(r"\s+")
_SCHEMES = ("http:", "https:", "mailto:", "tel:")


class _Text:
    """Collect the text of a document, as the parser finds its elements."""

    def __init__(self, max_length: int) -> None:
        self.lines: list[str] = []
        self.is_full = False
        self._left = max_length
        self._line: list[str] = []
        self._depth = self._hidden = self._quotes = self._preformatted = 0
        self._links: list[tuple[str, int]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        self.is_full = self.is_full or self._depth > _DEPTH_MAX
        self._hidden += tag in _HIDDEN
        self._end_line(tag)
        if tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "li":
            self._line.append(_ITEM)
        elif tag == "a":
            self._links.append((attributes.get("href", "").strip(), len(self._line)))

    def end(self, tag: str) -> None:
        self._depth -= 1
        self._hidden -= tag in _HIDDEN
        if tag != "br":
            self._end_line(tag)
        if tag == "blockquote":
            self._quotes -= 1
        elif tag == "pre":
            self._preformatted -= 1
        elif tag in ("td", "th"):
            self._line.append(" ")
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def data(self, text: str) -> None:
        if self._hidden or self.is_full:
            return
        self._left -= len(text)
        self.is_full = self._left < 0
        if not self._preformatted:
            if self._line not in ([], [_ITEM]) or not text.isspace():
                self._line.append(_SPACE.sub(" ", text))
            return
        first, *others = text.split("\n")
        self._line.append(first)
        for line in others:
            self._break()
            self._line.append(line)

    def close(self) -> None:
        self._break()

    def _end_line(self, tag: str) -> None:
        """End the line before or after an element, and leave an empty one around a paragraph."""
        if tag == "br":
            self._break()
        elif (tag in _PARAGRAPHS or tag in _LINES) and self._line != [_ITEM]:
            if "".join(self._line).strip():
                self._break()
            self._line = []
            if tag in _PARAGRAPHS and self.lines and self.lines[-1]:
                self.lines.append("")

    def _break(self) -> None:
        line = "".join(self._line)
        self.lines.append(f"{self._prefix()}{line if self._preformatted else _SPACE.sub(' ', line).strip()}".rstrip())
        self._line = []

    def _prefix(self) -> str:
        return "> " * min(self._quotes, _QUOTES_MAX)

    def _end_link(self, link: str, start: int) -> None:
        """Write where a link leads, unless its text says so."""
        link = _SPACE.sub("", link)[:_LINK_MAX]
        text = "".join(self._line[start:]).strip()
        target = link.removeprefix("mailto:").removeprefix("tel:")
        if text and link.casefold().startswith(_SCHEMES) and _short(target) not in _short(text):
            self._line.append(f" <{target}>")
            self._left -= len(target)


def html_text(html: str, max_length: int) -> tuple[str, bool]:
    """Return the text of a document, with paragraphs, list items, quotes and links, and whether it goes on.

    Reading ends after about `max_length` characters.
    """
    target = _Text(max_length)
    parser = etree.HTMLParser(target=target, remove_comments=True, remove_pis=True)
    try:
        for start in range(0, len(html), _CHUNK):
            parser.feed(html[start : start + _CHUNK])
            if target.is_full:
                break
        parser.close()
    except etree.LxmlError:  # an empty document, or one that is hopelessly broken: what was found so far counts
        target.close()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(target.lines)).strip("\n"), target.is_full


def _short(link: str) -> str:
    """Return a link as people write it."""
    return re.sub(r"^https?://(www\.)?", "", link.casefold()).rstrip("/")
