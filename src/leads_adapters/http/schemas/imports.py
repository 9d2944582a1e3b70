"""What became of the rows of a file."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta


class RowError(msgspec.Struct):
    """What is wrong with a row."""

    line: Annotated[int, Meta(description="Where the row starts in the file, from 1.", examples=[17])]
    pointer: Annotated[
        str, Meta(description="The faulty member (RFC 6901); empty for the whole row.", examples=["/email"])
    ]
    detail: Annotated[str, Meta(description="What to do.", examples=["Give an address such as john@example.com."])]


class ImportView(msgspec.Struct):
    """How many rows of a file came to what."""

    created: int
    updated: int
    unchanged: int
    duplicates: Annotated[int, Meta(description="Rows whose e-mail address is taken, with `on_duplicate=error`.")]
    refused: Annotated[int, Meta(description="Rows that break a rule.")]
    statuses_set: Annotated[int, Meta(description="New leads that have their status from the file.")]
    statuses_kept: Annotated[
        int, Meta(description="Rows that name a status for an existing lead, which keeps its own.")
    ]
    statuses_unknown: Annotated[
        int, Meta(description="Rows that name a status that the pipeline does not have; it becomes an attribute.")
    ]
    unknown_statuses: Annotated[Sequence[str], Meta(description="The first ten different ones of these.")]
    errors: Annotated[Sequence[RowError], Meta(description="Why rows were refused: the first thousand reasons.")]
