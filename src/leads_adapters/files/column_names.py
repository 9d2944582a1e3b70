"""Read the names of the columns of a file from its header row, whatever is in it."""

from collections.abc import Mapping, Sequence

from leads_adapters.files.formulas import restored
from leads_adapters.lead_files import ColumnMap, FileRefused
from leads_domain.control_characters import escape_controls, on_one_line
from leads_domain.details import ATTRIBUTE_NAME_MAX
from leads_domain.field_names import simplified

REFUSAL_COLUMNS = ("line", "reason")
"""The first columns of a file of refused rows; the columns of the imported file follow."""

COLUMNS_MAX = 500
"""The maximum number of columns of a file, without the columns of refused rows and empty ones at the right."""

LISTED_MAX = 10
"""The maximum number of names in an error message."""

QUOTED_MAX = 60
"""The maximum length of a name in an error message."""


def column_names(header: Sequence[str]) -> tuple[list[str], int]:
    """Return the distinct names of the columns, and the number of columns before them that are not part of a lead.

    Raises `FileRefused` for too many columns.
    """
    names = [cell.replace("\0", "").strip() for cell in header]
    is_refused_file = [name.casefold() for name in names[: len(REFUSAL_COLUMNS)]] == list(REFUSAL_COLUMNS)
    skipped = len(REFUSAL_COLUMNS) if is_refused_file else 0
    names = names[skipped:]
    while names and not names[-1]:  # spreadsheets add empty columns at the right
        names.pop()
    if len(names) > COLUMNS_MAX:
        raise FileRefused(f"The first row has {len(names):,} columns. Delete some: a file can have {COLUMNS_MAX}.")
    return distinct([restored(name) for name in names]), skipped


def attribute_names(names: Sequence[str]) -> list[str]:
    """Return the names as attributes can have them: on one line, and cut if they are long, with room for a number."""
    names = [name and (on_one_line(name) or "_") for name in names]
    return distinct([name if len(name) <= ATTRIBUTE_NAME_MAX else name[: ATTRIBUTE_NAME_MAX - 6] for name in names])


def distinct(names: Sequence[str]) -> list[str]:
    """Return the names, in which a second one of the same name gets the number 2, and so on."""
    taken = set(names)
    numbers: dict[str, int] = {}
    found = []
    for name in names:
        unique = name
        if name and name in numbers:
            while unique in taken:
                numbers[name] += 1
                unique = f"{name} {numbers[name]}"
            taken.add(unique)
        else:
            numbers[name] = 1
        found.append(unique)
    return found


def mapped_names(names: Sequence[str], column_map: ColumnMap) -> Mapping[str, str]:
    """Return the column that each name in the map means: the same, or the first in another spelling."""
    spellings = {simplified(name): name for name in reversed(names)} | {name: name for name in names}
    spellings[""] = ""  # a name of punctuation alone has no other spelling
    found = {column: spellings.get(column) or spellings.get(simplified(column)) for column in column_map}
    return {column: name for column, name in found.items() if name}


def chosen_fields(names: Sequence[str], column_map: ColumnMap) -> dict[str, str | None]:
    """Return the fields that the map chooses, by the names of the columns; raises `FileRefused` for a missing one."""
    found = mapped_names(names, column_map)
    for column in column_map:
        if column not in found:
            raise FileRefused(f"There is no column {quoted(column)} to map. The first row reads: {listed(names)}.")
    return {found[column]: field for column, field in column_map.items()}


def listed(names: Sequence[str]) -> str:
    """Return the first names for an error message."""
    return ", ".join(map(quoted, names[:LISTED_MAX])) or "nothing"


def quoted(name: str) -> str:
    """Return a name of a file for an error message: shortened, and with its control characters escaped."""
    return f'"{escape_controls(name[:QUOTED_MAX])}{"..." if len(name) > QUOTED_MAX else ""}"'
