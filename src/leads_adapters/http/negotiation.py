"""Choose the media type that a client prefers (RFC 9110, section 12.5.1). Litestar ignores `q=0` and precedence."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from litestar.types import HTTPScope

from leads_adapters.http.headers import header

RANGES_MAX = 64
"""The number of media ranges to read: browsers send fewer than ten."""


class _Range(NamedTuple):
    """A media range and its weight."""

    type: str
    weight: float

    def precision(self, media_type: str) -> int:
        """Return 3 if the range is this media type, 2 if it is `TYPE/*`, 1 if it is `*/*`, and 0 otherwise."""
        kind, _, _ = media_type.partition("/")
        return {media_type: 3, f"{kind}/*": 2, "*/*": 1}.get(self.type, 0)


def preferred_media_type(scope: HTTPScope, offered: Sequence[str]) -> str | None:
    """Return the offered media type that `Accept` prefers, the first of equals, or None if it accepts none."""
    ranges = list(_ranges((header(scope, b"accept") or "").split(",", RANGES_MAX)[:RANGES_MAX])) or [_Range("*/*", 1)]
    weight = {media_type: _weight(media_type, ranges) for media_type in offered}
    best = max(offered, key=weight.__getitem__)
    return best if weight[best] else None


def _ranges(parts: Iterable[str]) -> Iterator[_Range]:
    for part in parts:
        type, *parameters = (each.strip().lower() for each in part.split(";"))
        weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            continue
        if type and 0 <= weight <= 1:
            yield _Range(type, weight)


def _weight(media_type: str, ranges: Sequence[_Range]) -> float:
    closest = max(ranges, key=lambda range: range.precision(media_type))
    return closest.weight if closest.precision(media_type) else 0.0
