"""Assign the columns of a file to lead fields, by its header row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leads_adapters.files.formulas import restored
from leads_adapters.files.lead_fields import ASSIGNED_FIELDS, EXPORT_ONLY_FIELDS, FIELDS, is_export
from leads_adapters.lead_files import ColumnMap, FileRefused, Meaning
from leads_domain.control_characters import on_one_line
from leads_domain.details import ATTRIBUTE_NAME_MAX
from leads_domain.field_names import SEVERAL_POSSIBLE, assign_fields, recognise_field, simplified

REFUSAL_COLUMNS = ("line", "reason")
"""The first columns of a file of refused rows; the columns of the imported file follow."""

LISTED_MAX = 10
"""The maximum number of column names in an error message."""

COLUMNS_MAX = 16_384
"""The maximum number of columns of a file, as in a spreadsheet."""

NAME_PARTS = ("first_name", "last_name")
"""The fields that are joined to a name."""

_ONE_COLUMN = ("name", "source", "owner")
_IMPORTED_STATE = ("status", "created_at", "contacted_at")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file: for lead fields and attributes, their indexes in a row, from 0.

    `fields` have one column each; `contacts` can have several, of which the first that is filled counts. `name_parts`
    are joined if there is no full name. `assigned` are fields that the service sets. In an export of this service
    (`is_export`), they are never attributes. `attributes` include the columns of contacts and name parts, for the
    values that a row does not need otherwise. `json_column` contains attributes as a JSON object. `unnamed` columns
    have no name. In a file of refused rows, the first `skipped` cells of a row are not part of the lead.
    """

    header: tuple[str, ...]
    fields: tuple[tuple[str, int], ...]
    contacts: tuple[tuple[str, tuple[int, ...]], ...]
    name_parts: tuple[int, ...]
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

    def meanings(self) -> Iterator[Meaning]:
        """Yield each column with a name, with the field that it fills; None if it is left out."""
        meanings = {index: "attributes" for _, index in self.attributes}
        assigned = [each for each in self.assigned if self.is_export or each[0] in _IMPORTED_STATE]
        meanings |= {index: "attributes" for _, index in self.assigned}
        meanings |= {index: field for field, index in (*assigned, *self.fields)}
        meanings |= {index: field for field, indexes in self.contacts for index in indexes}
        meanings |= dict.fromkeys(self.name_parts, "name")
        if self.json_column is not None:
            meanings[self.json_column] = "attributes"
        return (Meaning(name, meanings.get(index)) for index, name in enumerate(self.header) if name)


def columns_of(header: Sequence[str], column_map: ColumnMap | None = None) -> Columns:
    """Return the columns of a header row; raises `FileRefused` if a required column is missing.

    A column is for the field that `column_map` says, otherwise for the field of its name (see `assign_fields`).
    `attributes` contains JSON. Any other column is an attribute of that name. A second column of the same name gets a
    number.
    """
    names, skipped = _column_names(header)
    chosen = _chosen(names, column_map or {})
    exported = is_export(map(str.casefold, names)) or len(_TYPICAL_OF_EXPORTS & _own_fields(names).keys()) > 1
    if exported:
        chosen = {**{name: "name" for name in names if name.casefold() == "name"}, **chosen}
    own_fields = {field: index for field, index in _own_fields(names).items() if names[index] not in chosen}
    indexes = assign_fields(names, chosen)
    _check_complete(names, indexes)
    return _columns(names, indexes, own_fields, chosen, skipped=skipped, exported=exported)


def is_header(cells: Sequence[str], column_map: ColumnMap | None = None) -> bool:
    """Return whether a row names the columns that a file needs."""
    if len(cells) > COLUMNS_MAX:
        return False
    names, _ = _column_names(cells)
    column_map = column_map or {}
    chosen = {name: field for name in names for column, field in column_map.items() if _is_same(name, column)}
    indexes = assign_fields(names, chosen)
    return not _NAMES.isdisjoint(indexes) and not _CONTACTS.isdisjoint(indexes)


def field_of(name: str) -> str | None:
    """Return the lead field for a column name; None if it is not a field.

    Case, accents, spaces and punctuation make no difference.
    """
    field = _FIELD_OF_NAME.get(simplified(name)) or recognise_field(name)
    return field if field in FIELDS else None


_FIELD_OF_NAME = {simplified(field): field for field in FIELDS}
_TYPICAL_OF_EXPORTS = EXPORT_ONLY_FIELDS | {"attributes", "version"}
"""Fields of exports of this service. A file of another program has at most one of them, such as `Status Reason`."""

_NAMES = frozenset(["name", *NAME_PARTS])
_CONTACTS = frozenset(SEVERAL_POSSIBLE)
_NO_COLUMN = "There is no column {}. The first row must name the columns. It reads: {}."


def _columns(
    names: Sequence[str],
    indexes: Mapping[str, Sequence[int]],
    own_fields: Mapping[str, int],
    chosen: ColumnMap,
    *,
    skipped: int,
    exported: bool,
) -> Columns:
    fields = {field: indexes[field][0] for field in _ONE_COLUMN if field in indexes}
    several = 1 if exported else None  # people add columns to an export, which has one of each
    contacts = tuple((field, tuple(indexes[field][:several])) for field in SEVERAL_POSSIBLE if field in indexes)
    name_parts = () if exported else tuple(indexes[part][0] for part in NAME_PARTS if part in indexes)
    status = {"status": indexes["status"][0]} if "status" in indexes else {}
    assigned = status | {field: index for field, index in own_fields.items() if field in ASSIGNED_FIELDS}
    json_column = own_fields.get("attributes")
    left_out = (index for index, name in enumerate(names) if not name or (name in chosen and chosen[name] is None))
    used = {*fields.values(), *assigned.values(), json_column, *left_out}
    return Columns(
        header=tuple(names),
        fields=tuple(fields.items()),
        contacts=contacts,
        name_parts=name_parts,
        assigned=tuple(assigned.items()),
        attributes=tuple((name, i) for i, name in enumerate(_attribute_names(names)) if i not in used),
        json_column=json_column,
        unnamed=tuple(i for i, name in enumerate(names) if not name),
        skipped=skipped,
        is_export=exported,
    )


def _column_names(header: Sequence[str]) -> tuple[list[str], int]:
    """Return the distinct names of the columns, and the number of columns before them that are not part of a lead."""
    if len(header) > COLUMNS_MAX:
        raise FileRefused(f"The first row has {len(header):,} columns. A file can have {COLUMNS_MAX:,}.")
    names = [cell.replace("\0", "").strip() for cell in header]
    is_refused_file = [name.casefold() for name in names[: len(REFUSAL_COLUMNS)]] == list(REFUSAL_COLUMNS)
    skipped = len(REFUSAL_COLUMNS) if is_refused_file else 0
    names = [restored(name) for name in names[skipped:]]
    while names and not names[-1]:  # spreadsheets add empty columns at the right
        names.pop()
    return distinct(names), skipped


def _attribute_names(names: Sequence[str]) -> list[str]:
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


def _chosen(names: Sequence[str], column_map: ColumnMap) -> dict[str, str | None]:
    """Return the fields that the map chooses, by the names of the columns; raises `FileRefused` for a missing one."""
    chosen: dict[str, str | None] = {}
    for column, field in column_map.items():
        found = [name for name in names if name == column] or [name for name in names if _is_same(name, column)]
        if not found:
            raise FileRefused(f'There is no column "{column}" to map. The first row reads: {_listed(names)}.')
        chosen[found[0]] = field
    return chosen


def _is_same(name: str, column: str) -> bool:
    return name == column or (bool(simplified(name)) and simplified(name) == simplified(column))


def _own_fields(names: Sequence[str]) -> dict[str, int]:
    """Return the columns of the fields that only this service knows, such as `attributes` and `created_at`."""
    indexes: dict[str, int] = {}
    for index, name in sorted(enumerate(names), key=lambda column: column[1].casefold() not in FIELDS):
        field = _FIELD_OF_NAME.get(simplified(name))
        if field and not recognise_field(field):
            indexes.setdefault(field, index)
    return indexes


def _check_complete(names: Sequence[str], indexes: Mapping[str, Sequence[int]]) -> None:
    if _CONTACTS.isdisjoint(indexes):
        raise FileRefused(_NO_COLUMN.format('"email" or "phone"', _listed(names)))
    if _NAMES.isdisjoint(indexes):
        raise FileRefused(_NO_COLUMN.format('"name"', _listed(names)))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names[:LISTED_MAX]) or "nothing"
