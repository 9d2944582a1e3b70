"""Assign the columns of a CSV file to lead fields, by its header row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leads_adapters.files.formulas import restored
from leads_adapters.files.lead_fields import ASSIGNED_FIELDS, EXPORT_ONLY_FIELDS, FIELDS, INPUT_FIELDS, is_export
from leads_adapters.lead_files import FileRefused
from leads_domain.field_names import assign_members, member_of, simplified

REFUSAL_COLUMNS = ("line", "reason")
"""The first columns of a file of refused rows; the columns of the imported file follow."""

LISTED_MAX = 10
"""The maximum number of column names in an error message."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a CSV file: for lead fields and attributes, their indexes in a row, from 0.

    `assigned` are fields that the service sets. In an export of this service (`is_export`), they are never attributes.
    `json_column` contains attributes as a JSON object. `unnamed` columns have no name. In a file of refused rows, the
    first `skipped` cells of a row are not part of the lead.
    """

    header: tuple[str, ...]
    fields: tuple[tuple[str, int], ...]
    assigned: tuple[tuple[str, int], ...]
    attributes: tuple[tuple[str, int], ...]
    json_column: int | None
    unnamed: tuple[int, ...]
    skipped: int
    is_export: bool

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.header)


def columns_of(header: Sequence[str]) -> Columns:
    """Return the columns of a header row; raises `FileRefused` if a required column is missing or ambiguous.

    A column with the name of a field, in any case, is for that field. Otherwise it is the first column with one of the
    usual spellings (Phone, Mobile). `attributes` contains JSON. Any other column is an attribute of that name.
    """
    names = [cell.strip() for cell in header]
    is_refused_file = [name.casefold() for name in names[: len(REFUSAL_COLUMNS)]] == list(REFUSAL_COLUMNS)
    skipped = len(REFUSAL_COLUMNS) if is_refused_file else 0
    names = _without_trailing_blanks([restored(name) for name in names[skipped:]])
    indexes = _field_indexes(names)
    exported = is_export(map(str.casefold, names)) or len(_RARE_ELSEWHERE & indexes.keys()) > 1
    _check_complete(names, indexes, exported=exported)
    return Columns(
        header=tuple(names),
        fields=tuple((name, i) for name, i in indexes.items() if name in INPUT_FIELDS and name != "attributes"),
        assigned=tuple((name, i) for name, i in indexes.items() if name in ASSIGNED_FIELDS),
        attributes=tuple((name, i) for i, name in enumerate(names) if name and i not in indexes.values()),
        json_column=indexes.get("attributes"),
        unnamed=tuple(i for i, name in enumerate(names) if not name),
        skipped=skipped,
        is_export=exported,
    )


def field_of(name: str) -> str | None:
    """Return the lead field for a column name; None if it is not a field.

    Case, spaces, hyphens and underscores make no difference.
    """
    member = _FIELD_OF_NAME.get(simplified(name)) or member_of(name)
    return member if member in FIELDS else None


_FIELD_OF_NAME = {simplified(field): field for field in FIELDS}
_RARE_ELSEWHERE = EXPORT_ONLY_FIELDS | {"attributes", "version"}
"""Fields of which a file of another program has at most one, such as `Status Reason`."""

_NO_COLUMN = "There is no column {}. The first row must name the columns. It reads: {}."


def _without_trailing_blanks(names: list[str]) -> list[str]:
    """Return the names without the empty columns that spreadsheets add on the right."""
    while names and not names[-1]:
        names = names[:-1]
    return names


def _field_indexes(names: Sequence[str]) -> dict[str, int]:
    """Return the column index of each field. The exact name of a field takes precedence over other spellings."""
    for index, name in enumerate(names):
        if name and name in names[:index]:
            raise FileRefused(f'Two columns have the name "{name}". Rename or remove one of them.')
    indexes: dict[str, int] = {}
    for index, name in sorted(enumerate(names), key=lambda column: column[1].casefold() not in FIELDS):
        if field := field_of(name):
            indexes.setdefault(field, index)
    return indexes


def _check_complete(names: Sequence[str], indexes: Mapping[str, int], *, exported: bool) -> None:
    found = ", ".join(f'"{name}"' for name in names[:LISTED_MAX]) or "nothing"
    if "email" not in indexes and "phone" not in indexes:
        raise FileRefused(_NO_COLUMN.format('"email" or "phone"', found))
    if _has_split_name(names) and not exported:
        raise FileRefused(f'Join first and last name in one column "name". The first row reads: {found}.')
    if "name" not in indexes:
        raise FileRefused(_NO_COLUMN.format('"name"', found))


def _has_split_name(names: Sequence[str]) -> bool:
    """Return whether there are columns for parts of the name, such as "Vorname" and "Name", but none for all of it."""
    members = assign_members(names)
    return "name" not in members and not {"first_name", "last_name"}.isdisjoint(members)
