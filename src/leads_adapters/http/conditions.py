"""Conditional requests (RFC 9110, section 13): what a client says of the version that it knows."""

import re
from collections.abc import Container
from dataclasses import dataclass

from litestar.types import HTTPScope

from leads_adapters.http.answer import LINE_FEED, Answer, etag, no_content
from leads_adapters.http.problems import Problem
from leads_domain.errors import VersionMismatch

_TAG = rb'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS = re.compile(rb"[ \t,]*(?:" + _TAG + rb"[ \t]*(?:,[ \t,]*|$))+")
_ONE_TAG = re.compile(_TAG)
_VERSION = re.compile(rb"[1-9][0-9]{0,18}")


class _Every:
    """The versions that `*` stands for."""

    def __contains__(self, version: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Condition:
    """The versions that a client wants to meet (`If-Match`) and those that it does not (`If-None-Match`)."""

    wanted: Container[int]
    unwanted: Container[int]

    def permits(self, version: int) -> bool:
        """Whether something of this version may be changed, as far as the client is concerned."""
        return version in self.wanted and version not in self.unwanted


_NONE = Condition(_Every(), ())


def condition(scope: HTTPScope) -> Condition:
    """The condition that a request makes; raises `Problem` if it cannot be understood."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        if name in (b"if-match", b"if-none-match"):
            lines.setdefault(name, []).append(value)
    if not lines:
        return _NONE
    wanted, unwanted = lines.get(b"if-match"), lines.get(b"if-none-match")
    return Condition(
        _Every() if wanted is None else _versions("If-Match", wanted, weak=False),
        () if unwanted is None else _versions("If-None-Match", unwanted, weak=True),
    )


def _versions(name: str, lines: list[bytes], *, weak: bool) -> Container[int]:
    """The versions that are named. A `weak` validator is as good as a strong one, or else names none (8.8.3.2)."""
    value = b", ".join(lines).strip()
    if value == b"*":
        return _Every()
    if not _TAGS.fullmatch(value):
        detail = f'The header {name} is neither * nor a list of entity tags as in ETag, such as "3".'
        raise Problem("malformed-request", detail)
    return {int(tag) for is_weak, tag in _ONE_TAG.findall(value) if _VERSION.fullmatch(tag) and (weak or not is_weak)}


def conditional(scope: HTTPScope, rendered: bytes, version: int) -> Answer:
    """The answer to a GET: `rendered`, or 304 if the client has it; raises `VersionMismatch` if it wants another."""
    wish = condition(scope)
    if version not in wish.wanted:
        raise VersionMismatch(version)
    if version not in wish.unwanted:
        return Answer(rendered + LINE_FEED, headers=(etag(version),))
    return no_content(status=304, headers=[etag(version)])
