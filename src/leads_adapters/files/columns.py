"""Assign the columns of a file to lead fields, by its header row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from leads_adapters.files.column_names import (
    COLUMNS_MAX,
    attribute_names,
    chosen_fields,
    column_names,
    listed,
    mapped_names,
)
from leads_adapters.files.lead_fields import ASSIGNED_FIELDS, EXPORT_ONLY_FIELDS, FIELDS, is_export
from leads_adapters.lead_files import ColumnMap, FileRefused, Meaning
from leads_domain.field_names import SEVERAL_POSSIBLE, assign_fields, recognise_field, simplified

NAME_PARTS = ("first_name", "last_name")
"""The fields that are joined to a name."""

_ONE_COLUMN = ("name", "source", "owner")
_IMPORTED_STATE = ("status", "created_at", "contacted_at")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file: for lead fields and attributes, their indexes in a row, from 0.

    `fields` have one column each; `contacts` can have several, of which the first that is filled counts. `name_parts`
    are joined if there is no full name. A person has opted out if one of `opt_outs` says so. `assigned` are fields that
    the service sets. In an export of this service (`is_export`), they are never attributes. `attributes` include the
    columns of contacts and name parts, for the values that a row does not need otherwise. `json_column` contains
    attributes as a JSON object. `unnamed` columns have no name. In a file of refused rows, the first `skipped` cells of
    a row are not part of the lead.
    """

    header: tuple[str, ...]
    fields: tuple[tuple[str, int], ...]
    contacts: tuple[tuple[str, tuple[int, ...]], ...]
    name_parts: tuple[int, ...]
    opt_outs: tuple[int, ...]
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
        meanings |= dict.fromkeys(self.name_parts, "name") | dict.fromkeys(self.opt_outs, "do_not_contact")
        if self.json_column is not None:
            meanings[self.json_column] = "attributes"
        return (Meaning(name, meanings.get(index)) for index, name in enumerate(self.header) if name)


def columns_of(header: Sequence[str], column_map: ColumnMap | None = None) -> Columns:
    """Return the columns of a header row; raises `FileRefused` if a required column is missing.

    A column is for the field that `column_map` says, otherwise for the field of its name (see `assign_fields`).
    `attributes` contains JSON. Any other column is an attribute of that name. A second column of the same name gets a
    number.
    """
    names, skipped = column_names(header)
    chosen = chosen_fields(names, column_map or {})
    exported = is_export(map(str.casefold, names)) or len(_TYPICAL_OF_EXPORTS & _own_fields(names).keys()) > 1
    if exported:
        chosen = {**{name: "name" for name in names if name.casefold() == "name"}, **chosen}
    own_fields = {field: index for field, index in _own_fields(names).items() if names[index] not in chosen}
    indexes = assign_fields(names, chosen)
    _check_complete(names, indexes)
    return _columns(names, indexes, own_fields, chosen, skipped=skipped, exported=exported)


def is_header(cells: Sequence[str], column_map: ColumnMap | None = None) -> bool:
    """Return whether a row names the columns that a file needs. A row with too many columns can be a header, too."""
    column_map = column_map or {}
    names, _ = column_names(cells[:COLUMNS_MAX])
    chosen = {name: column_map[column] for column, name in mapped_names(names, column_map).items()}
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
    opt_outs = tuple(indexes.get("do_not_contact", ()))
    status = {"status": indexes["status"][0]} if "status" in indexes else {}
    assigned = status | {field: index for field, index in own_fields.items() if field in ASSIGNED_FIELDS}
    json_column = own_fields.get("attributes")
    left_out = (index for index, name in enumerate(names) if not name or (name in chosen and chosen[name] is None))
    used = {*fields.values(), *opt_outs, *assigned.values(), json_column, *left_out}
    return Columns(
        header=tuple(names),
        fields=tuple(fields.items()),
        contacts=contacts,
        name_parts=name_parts,
        opt_outs=opt_outs,
        assigned=tuple(assigned.items()),
        attributes=tuple((name, i) for i, name in enumerate(attribute_names(names)) if i not in used),
        json_column=json_column,
        unnamed=tuple(i for i, name in enumerate(names) if not name),
        skipped=skipped,
        is_export=exported,
    )


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
        raise FileRefused(_NO_COLUMN.format('"email" or "phone"', listed(names)))
    if _NAMES.isdisjoint(indexes):
        raise FileRefused(_NO_COLUMN.format('"name"', listed(names)))
