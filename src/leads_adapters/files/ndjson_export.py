"""Write leads to NDJSON files."""

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from leads_adapters.times import time_text
from leads_domain.lead import Lead

_CHUNK_LEADS = 100


def write_ndjson(leads: Iterable[Lead]) -> Iterator[bytes]:
    """Yield the leads as NDJSON in chunks. Each line is the JSON of the HTTP API, which `read_ndjson` reads."""
    remaining = iter(leads)
    while chunk := list(islice(remaining, _CHUNK_LEADS)):
        yield b"".join(msgspec.json.encode(lead.to_dict(time_text)) + b"\n" for lead in chunk)
