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


class ColumnView(msgspec.Struct):
    """The meaning of a column of a file."""

    column: Annotated[str, Meta(description="The name of the column.", examples=["E-Mail"])]
    field: Annotated[
        str | None,
        Meta(description="The field of a lead that the column fills, or null if it is left out.", examples=["email"]),
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
        Meta(
            description="Rows with a status that the pipeline does not have. The attribute `status_as_given` stores it."
        ),
    ]
    unknown_statuses: Annotated[
        Sequence[str], Meta(description="The first ten different statuses that the pipeline does not have.")
    ]
    warnings: Annotated[
        int,
        Meta(description="Wrong values that became an attribute `NAME_as_given`, and rows with too many attributes."),
    ]
    encoding: Annotated[
        str | None, Meta(description="The encoding of the file; null for a spreadsheet.", examples=["utf-8"])
    ]
    columns: Annotated[
        Sequence[ColumnView], Meta(description="What the columns mean. Empty for a file without columns.")
    ]
    errors: Annotated[Sequence[RowError], Meta(description="The first 1000 errors.")]
