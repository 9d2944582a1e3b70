"""The meaning of each column of a CSV file, from its header row."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leads_adapters.files.formulas import restored
from leads_adapters.files.members import ASSIGNED, GIVEN, MEMBERS, OWN, is_own
from leads_adapters.lead_files import FileRefused

REFUSAL_COLUMNS = ("line", "reason")
"""What a file of refused rows has before the columns of the file that the rows come from."""

FOUND_MAX = 10
"""How many columns of a file that is refused are named."""

_SPELLINGS = {
    "name": "full name, contact name, lead name, customer name, nom, nom complet, nombre, nombre completo",
    "email": "email address, mail, mail address, contact email, email adresse, mail adresse, adresse email, "
    "adresse mail, courriel, correo, correo electrónico",
    "phone": "phone number, telephone, telephone number, tel, mobile, mobile phone, mobile number, cell phone, "
    "telefon, telefonnummer, handy, téléphone, teléfono, móvil",
    "source": "lead source, quelle, origine, origen",
    "owner": "owner email, lead owner, assigned to, zuständig, responsable",
    "status": "lead status, contact status, deal status, statut, estado, stage, lead stage, deal stage, sales stage, "
    "opportunity stage, pipeline stage, lifecycle stage",
}
_SEPARATORS = str.maketrans("", "", " -_")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row, counted from 0, members and attributes are.

    `assigned` are members that the service assigns itself. In an `own` file, which only an export of this service can
    be, they are never attributes. `json` is the column that has attributes as a JSON object, `nameless` are those
    without a name. The first `skipped` cells in a file of refused rows do not belong to the row.
    """

    header: tuple[str, ...]
    members: tuple[tuple[str, int], ...]
    assigned: tuple[tuple[str, int], ...]
    attributes: tuple[tuple[str, int], ...]
    json: int | None
    nameless: tuple[int, ...]
    skipped: int
    own: bool

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.header)


def told_by(header: Sequence[str]) -> Columns:
    """Return the meaning of the columns under this header; raises `FileRefused` if it is not clear.

    A column called as a member, in any case, is for it; otherwise the first one that has one of its usual spellings
    (Phone, Mobile). `attributes` holds JSON. Any other column is an attribute of that name.
    """
    names = [cell.strip() for cell in header]
    refused = [name.casefold() for name in names[: len(REFUSAL_COLUMNS)]] == list(REFUSAL_COLUMNS)
    skipped = len(REFUSAL_COLUMNS) if refused else 0
    names = _named([restored(name) for name in names[skipped:]])
    places = _places(names)
    own = is_own(map(str.casefold, names)) or len(_OF_EXPORTS & places.keys()) > 1
    _check_complete(names, places, own=own)
    return Columns(
        header=tuple(names),
        members=tuple((member, at) for member, at in places.items() if member in GIVEN and member != "attributes"),
        assigned=tuple((member, at) for member, at in places.items() if member in ASSIGNED),
        attributes=tuple((name, at) for at, name in enumerate(names) if name and at not in places.values()),
        json=places.get("attributes"),
        nameless=tuple(at for at, name in enumerate(names) if not name),
        skipped=skipped,
        own=own,
    )


def meaning(name: str) -> str | None:
    """Return the member that a column of this name holds, in any case.

    Spaces, hyphens and underscores make no difference.
    """
    return _MEANINGS.get(_plain(name))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold().translate(_SEPARATORS)


def _plains(spellings: str) -> set[str]:
    return {_plain(spelling) for spelling in spellings.split(",")}


_MEANINGS = {_plain(member): member for member in MEMBERS} | {
    plain: member for member, spellings in _SPELLINGS.items() for plain in _plains(spellings)
}
_OF_EXPORTS = OWN | {"attributes", "version"}
"""Members of which files of others have at most one, whatever its spelling: `Status Reason`, for instance."""

_FIRST_NAMES = _plains("first name, given name, forename, vorname, prénom, nombre de pila, voornaam, nome")
_LAST_NAMES = _plains(
    "last name, surname, family name, nachname, familienname, zuname, nom de famille, apellido, apellidos, "
    "achternaam, cognome, sobrenome"
)
_NAMES_OR_PARTS = _plains("name, nom, nombre")
_NO_COLUMN = 'No column is called "{}". The first row must name the columns; it reads: {}.'


def _named(names: list[str]) -> list[str]:
    """Without the nameless columns at the right, which spreadsheets like to add."""
    while names and not names[-1]:
        names = names[:-1]
    return names


def _places(names: Sequence[str]) -> dict[str, int]:
    """Return the column of each member; one that has the member's very name goes before other spellings."""
    for at, name in enumerate(names):
        if name and name in names[:at]:
            raise FileRefused(f'Two columns are called "{name}"; rename or remove one of them.')
    places: dict[str, int] = {}
    for at, name in sorted(enumerate(names), key=lambda each: each[1].casefold() not in MEMBERS):
        if member := meaning(name):
            places.setdefault(member, at)
    return places


def _check_complete(names: Sequence[str], places: Mapping[str, int], *, own: bool) -> None:
    found = ", ".join(f'"{name}"' for name in names[:FOUND_MAX]) or "nothing"
    if "email" not in places:
        raise FileRefused(_NO_COLUMN.format("email", found))
    if _has_split_name(names, places) and not own:
        message = f'First and last name must be joined in one column called "name"; the first row reads: {found}.'
        raise FileRefused(message)
    if "name" not in places:
        raise FileRefused(_NO_COLUMN.format("name", found))


def _has_split_name(names: Sequence[str], places: Mapping[str, int]) -> bool:
    """Return whether no column has the whole name, but some have parts of it: "Vorname" and "Name", for instance."""
    plain = set(map(_plain, names))
    parts = [not plain.isdisjoint(each) for each in (_FIRST_NAMES, _LAST_NAMES)]
    if "name" not in places:
        return any(parts)
    return any(parts) and not all(parts) and _plain(names[places["name"]]) in _NAMES_OR_PARTS
