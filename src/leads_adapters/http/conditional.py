"""Evaluate conditional requests (RFC 9110, section 13): `If-Match`, `If-None-Match` and 304."""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any, TypeVar

from litestar import Response

from leads_adapters.http.body import ApiRequest
from leads_adapters.http.headers import header
from leads_adapters.http.problems import MalformedRequest
from leads_adapters.http.responses import JsonResponse, etag
from leads_domain.lead import Lead
from leads_domain.task import Task

ResourceT = TypeVar("ResourceT", Lead, Task)

_TAG = r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"'
_TAGS = re.compile(r"[ \t,]*(?:" + _TAG + r"[ \t]*(?:,[ \t,]*|$))+")
_ONE_TAG = re.compile(_TAG)
_VERSION = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_ANY_VERSION = range(2**63)


@dataclass(frozen=True, slots=True)
class Condition:
    """The versions that `If-Match` accepts, and those that `If-None-Match` excludes."""

    accepted: Container[int]
    excluded: Container[int]

    def permits(self, version: int) -> bool:
        """Return whether a change of this version meets the condition."""
        return version in self.accepted and version not in self.excluded


def condition(request: ApiRequest) -> Condition:
    """Return the condition of a request. Raises `MalformedRequest` if a header is invalid."""
    accepted, excluded = header(request.scope, b"if-match"), header(request.scope, b"if-none-match")
    return Condition(
        _ANY_VERSION if accepted is None else _versions("If-Match", accepted, weak=False),
        () if excluded is None else _versions("If-None-Match", excluded, weak=True),
    )


def change_options(request: ApiRequest) -> dict[str, Any]:
    """Return the keyword arguments of a use case that changes a lead or task: the actor and the precondition."""
    return {"actor": request.user.name, "precondition": condition(request).permits}


def conditional_response(request: ApiRequest, found: ResourceT, view: Callable[[ResourceT], object]) -> Response[Any]:
    """Return the view of a lead or task, or 304 if the client has this version.

    Raises `VersionMismatch` if the client requires another version.
    """
    required = condition(request)
    found.check_version(required.accepted.__contains__)
    headers = etag(found.version)
    if found.version in required.excluded:
        return Response(None, status_code=304, headers=headers)
    return JsonResponse(view(found), headers=headers)


def _versions(name: str, value: str, *, weak: bool) -> Container[int]:
    """Return the versions in a header. Weak entity tags match only if `weak` (RFC 9110, section 8.8.3.2)."""
    value = value.strip()
    if value == "*":
        return _ANY_VERSION
    if not _TAGS.fullmatch(value):
        raise MalformedRequest(f'The header `{name}` must be `*` or a list of entity tags as in `ETag`, such as `"3"`.')
    return {int(tag) for is_weak, tag in _ONE_TAG.findall(value) if _VERSION.fullmatch(tag) and (weak or not is_weak)}
