"""Check the types in a table of the configuration file."""

import re
from typing import TypeVar

import msgspec

from leads_domain.checking import truncate

TableT = TypeVar("TableT", bound=msgspec.Struct)

_WRONG_TYPE = re.compile(r"Expected `([a-z |]+)`, got `[a-z]+`(?: - at `\$\.?(.+)`)?")
_UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPES = {
    "str": "a text in quotation marks",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "array": "a list",
    "object": "a table",
}


def convert_table(value: object, table: type[TableT]) -> TableT:
    """Return the value as a table; raises `ValueError`, which names the key in the words of the file."""
    try:
        return msgspec.convert(value, table)
    except msgspec.ValidationError as error:
        raise ValueError(_explain(str(error), table)) from None


def _explain(error: str, table: type[msgspec.Struct]) -> str:
    if wrong := _WRONG_TYPE.fullmatch(error):
        types = " or ".join(_TYPES[name] for name in wrong[1].split(" | ") if name in _TYPES)
        return f"{wrong[2] or 'The value'} must be {types}."
    if unknown := _UNKNOWN_KEY.fullmatch(error):
        return f"Unknown key {truncate(unknown[1])}. Use one of: {', '.join(table.__struct_encode_fields__)}."
    return f"{error}."
