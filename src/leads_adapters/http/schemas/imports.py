"""Define the result of an import."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta


class RowError(msgspec.Struct):
    """An error in a row of a file."""

    line: Annotated[
        int, Meta(description="The line of the file where the row starts. The first line is 1.", examples=[17])
    ]
    pointer: Annotated[
        str, Meta(description="A JSON Pointer (RFC 6901) to the field; empty for the whole row.", examples=["/email"])
    ]
    detail: Annotated[
        str, Meta(description="How to correct the field.", examples=["Give an address such as john@example.com."])
    ]


class ImportView(msgspec.Struct):
    """The number of rows of a file by result."""

    created: int
    updated: int
    unchanged: int
    duplicates: Annotated[
        int,
        Meta(
            description="Rows with the e-mail address or phone number of an existing lead, with `on_duplicate=error`."
        ),
    ]
    refused: Annotated[int, Meta(description="Rows with errors.")]
    statuses_set: Annotated[int, Meta(description="New leads with a status from the file.")]
    statuses_kept: Annotated[int, Meta(description="Rows with a status for an existing lead, which keeps its own.")]
    statuses_unknown: Annotated[
        int,
        Meta(description="Rows with a status that the pipeline does not have. An attribute stores this status."),
    ]
    unknown_statuses: Annotated[
        Sequence[str], Meta(description="The first ten different statuses that the pipeline does not have.")
    ]
    errors: Annotated[Sequence[RowError], Meta(description="The first 1000 errors.")]
