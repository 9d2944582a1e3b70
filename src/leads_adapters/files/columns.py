"""What each column of a CSV file means, told from the header row."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from leads_adapters.files.formulas import restored
from leads_adapters.files.members import ASSIGNED, MEMBERS, PAST
from leads_adapters.lead_files import FileRefused

REFUSAL_COLUMNS = ("line", "reason")
"""What a file of refused rows has before the columns of the file that the rows come from."""

_SPELLINGS = {
    "name": "name, full name, contact name, lead name, customer name, nom, nom complet, nombre, nombre completo",
    "email": "email, email address, mail, mail address, contact email, email adresse, mail adresse, adresse email, "
    "adresse mail, courriel, correo, correo electrónico",
    "phone": "phone, phone number, telephone, telephone number, tel, mobile, mobile phone, mobile number, cell phone, "
    "telefon, telefonnummer, handy, téléphone, teléfono, móvil",
    "source": "source, lead source, quelle, origine, origen",
    "owner": "owner, owner email, lead owner, assigned to, zuständig, responsable",
}
_SEPARATORS = str.maketrans("", "", " -_")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row, counted from 0, members and attributes stand.

    `past` is told by an export of this service only. `json` is the column that holds attributes as a
    JSON object, `nameless` are those without a name. Of a row in a file of refused rows the first
    `skipped` cells are not its own; in a file that this service wrote the cells are `defused`.
    """

    header: tuple[str, ...]
    members: tuple[tuple[str, int], ...]
    attributes: tuple[tuple[str, int], ...]
    past: tuple[tuple[str, int], ...]
    json: int | None
    nameless: tuple[int, ...]
    skipped: int
    defused: bool

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header)


def told_by(header: Sequence[str]) -> Columns:
    """The meaning of the columns under this header; raises `FileRefused` if it is not clear.

    Members are known by their usual spellings; of several columns for one (Phone, Mobile) the first
    counts. A column called exactly `attributes` holds JSON. In an export of this service (all of its
    columns, in any order) what the service assigns itself is no attribute: the lead's past is told,
    the rest passed over. Any other column is an attribute of that name.
    """
    names = [cell.strip() for cell in header]
    skipped = len(REFUSAL_COLUMNS) if tuple(names[: len(REFUSAL_COLUMNS)]) == REFUSAL_COLUMNS else 0
    names = _named([restored(name) for name in names[skipped:]] if skipped else names)
    exported = sorted(names) == sorted(MEMBERS)
    members, attributes = _places(names, ASSIGNED if exported else ())
    if "email" not in members:
        raise FileRefused(_no_email(names))
    return Columns(
        header=tuple(names),
        json=members.pop("attributes", None),
        members=tuple(members.items()),
        attributes=tuple(attributes.items()),
        past=tuple((member, names.index(member)) for member in PAST) if exported else (),
        nameless=tuple(at for at, name in enumerate(names) if not name),
        skipped=skipped,
        defused=exported or skipped > 0,
    )


def meaning(name: str) -> str | None:
    """The member that a column of this name holds: in any case, with or without spaces, hyphens and underscores."""
    return name if name == "attributes" else _MEANINGS.get(_plain(name))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().translate(_SEPARATORS)


_MEANINGS = {_plain(spelling): member for member, all_ in _SPELLINGS.items() for spelling in all_.split(",")}


def _named(names: list[str]) -> list[str]:
    """Without the nameless columns at the right, which spreadsheets like to add."""
    while names and not names[-1]:
        names = names[:-1]
    return names


def _places(names: Sequence[str], passed_over: Sequence[str]) -> tuple[dict[str, int], dict[str, int]]:
    members: dict[str, int] = {}
    attributes: dict[str, int] = {}
    for at, name in enumerate(names):
        if name and name in names[:at]:
            raise FileRefused(f'Two columns are called "{name}"; rename or remove one of them.')
        member = meaning(name)
        if member and member not in members:
            members[member] = at
        elif name and name not in passed_over:
            attributes[name] = at
    return members, attributes


def _no_email(names: Sequence[str]) -> str:
    found = ", ".join(f'"{name}"' for name in names[:10]) or "nothing"
    return f'No column is called "email". The first row must name the columns; it reads: {found}.'
