"""Writing leads to NDJSON files."""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from leads_adapters.times import time_text
from leads_domain.lead import Lead

_CHUNK = 100


def write_ndjson(leads: Iterable[Lead]) -> Iterator[bytes]:
    """Yield the leads as NDJSON, a few at a time, each as in the JSON of the HTTP interface; `read_ndjson` reads it."""
    remaining = iter(leads)
    while chunk := list(islice(remaining, _CHUNK)):
        yield b"".join(msgspec.json.encode(lead.to_dict(time_text)) + b"\n" for lead in chunk)
