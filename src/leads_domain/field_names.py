"""Recognise the fields of a lead by the names that forms, spreadsheets and other programs give them.

The header of a file and the fields of a web form are recognised alike: `E-Mail`, `Person - Email - Work`, `your-email`
and `data.contact.email` all contain an e-mail address.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from unicodedata import combining, normalize

SEVERAL_POSSIBLE = ("email", "phone")
"""The fields of which a person can have several: their names can have a kind or a number (`Work Email`, `Phone 2`)."""

NAME_LENGTH_MAX = 200
"""The maximum length of a name that is recognised."""


def _word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SPELLINGS = {
    "name": "name, full name, complete name, display name, contact person, ansprechpartner, ansprechpartnerin, "
    "first and last name, vor und nachname, vollständiger name, nom, nom complet, nom et prénom, nombre, "
    "nombre completo, nombre y apellidos, nome, nome completo, nome e cognome, naam, volledige naam, "
    "namn, navn, imię i nazwisko, имя, фио, 名前, お名前, 氏名, 姓名",
    "first_name": "first name, first, fname, given name, forename, vorname, prénom, nombre de pila, primer nombre, "
    "primeiro nome, voornaam, förnamn, fornavn, imię",
    "last_name": "last name, last, lname, surname, family name, nachname, familienname, zuname, nom de famille, "
    "apellido, apellidos, cognome, sobrenome, apelido, achternaam, efternamn, etternavn, efternavn, "
    "nazwisko, фамилия",
    "email": "email, emails, email address, email id, mail, mail address, email adresse, mail adresse, adresse "
    "email, adresse mail, adresse électronique, adresse de messagerie, courriel, correo, correo "
    "electrónico, dirección de correo, dirección de correo electrónico, indirizzo email, endereço de "
    "email, emailadres, epost, epostadress, adres email, почта, электронная почта, メールアドレス, メール, 邮箱, "
    "電子メール",
    "phone": "phone, phones, phone no, phone number, telephone, telephone no, telephone number, tel, tel no, "
    "mobile, mobile no, mobile phone, mobile phone number, mobile number, phone mobile, cell, cell phone, "
    "cell phone number, phone cell, telefon, telefon nr, telefonnummer, telefonnr, festnetz, rufnummer, "
    "handy, handynummer, mobil, mobilnummer, mobiltelefon, mobilfunknummer, téléphone, téléphone mobile, "
    "téléphone portable, numéro de téléphone, portable, teléfono, teléfono móvil, número de teléfono, "
    "móvil, celular, telefono, numero di telefono, cellulare, telefone, número de telefone, telemóvel, "
    "telefoon, telefoonnummer, mobiel, whatsapp, whatsapp number, sms, sms number, sms phone number, "
    "telefon mobil, numer telefonu, телефон, номер телефона, 電話番号, 电话, 手机",
    "source": "source, quelle, origine, origen, herkunft, fuente, fonte, bron",
    "owner": "owner, owner email, assigned to, zuständig, zuständige person, responsable, propriétaire, propietario",
    "do_not_contact": "do not contact, dnc, do not email, no contact, opt out, opted out, email opt out, "
    "opt out of email, opted out of email, opted out of all email, has opted out of email, hs email optout, "
    "unsubscribe, unsubscribed, email unsubscribed, unsubscribed from all email, unsubscribed from emails, unsub time, "
    "unsubscribed at, unsubscribed on, unsubscribe date, nicht kontaktieren, keine kontaktaufnahme, kontaktverbot, "
    "kontaktsperre, keine werbung, werbesperre, abgemeldet, ausgetragen, ne pas contacter, désinscrit, désabonné, "
    "no contactar, dado de baja, non contattare, disiscritto, não contatar, não contactar, descadastrado, "
    "niet contacteren, uitgeschreven, afgemeld, kontakta ej, kontakta inte, avregistrerad, må ikke kontaktes, afmeldt, "
    "avmeldt, nie kontaktować, wypisany, не беспокоить, отписан, 連絡不要, 配信停止, 请勿联系, 退订",
    "status": "status, deal status, statut, estado, stato, stage, deal stage, sales stage, opportunity stage, "
    "pipeline stage, lifecycle stage",
    "message": "message, message text, msg, body, comment, comments, enquiry, inquiry, question, questions, request, "
    "how can we help, how can we help you, nachricht, anfrage, mitteilung, kommentar, kommentare, "
    "bemerkung, bemerkungen, anmerkung, anmerkungen, frage, fragen, anliegen, commentaire, commentaires, "
    "demande, mensaje, comentario, comentarios, consulta, pregunta, messaggio, commento, commenti, "
    "richiesta, domanda, mensagem, comentário, comentários, bericht, opmerking, opmerkingen, vraag, "
    "meddelande, besked, melding, wiadomość, сообщение, комментарий, メッセージ, お問い合わせ内容, 留言",
}

RECOGNISED_FIELDS = tuple(_SPELLINGS)
"""The fields that names can mean: those of a lead, the two parts of a name, and the message of an enquiry."""

_IGNORED_WORDS = _word_set(
    "your you the a what s whats is my please enter contact person lead customer client kunde kontakt attendee guest "
    "participant prospect subscriber respondent applicant visitor buyer billing "
    "ihr ihre ihren dein deine deinen votre ton tu su vos il tuo la el le de uw seu sua required optional pflichtfeld "
    "pflicht requis obligatorio"
)
"""Words that say whose field it is, or that it is required. They do not change its meaning."""

_KINDS = _word_set(
    "work home other primary secondary business main private personal office direct alternate alternative "
    "additional preferred default second value geschaftlich dienstlich privat arbeit zweite weitere"
)
"""Words that distinguish several e-mail addresses or phone numbers of a person, without accents."""

_OTHER_SUBJECTS = _word_set(
    "company organization organisation firm firma business account form page site campaign ad adset product event "
    "assistant spouse partner manager owner assigned agent user utm file"
)
"""Words that say that a part of a path, such as `company.name`, is about something other than the person."""

_NAMES_OR_PARTS = "name, nom, nombre, nome, naam, namn, navn, имя"
_PATH_SEPARATOR = re.compile(r"\.(?=\S)|[\[\]]+")
_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)")
_NOT_A_WORD = re.compile(r"[\W_]+")


def simplified(name: str) -> str:
    """Return the name without case, accents, punctuation and spaces, for comparisons; a very long name as it is.

    Unicode's normal forms take quadratic time for texts of combining marks.
    """
    return "".join(_words(name)) if len(name) <= NAME_LENGTH_MAX else name


def recognise_field(name: str) -> str | None:
    """Return the field of `RECOGNISED_FIELDS` that a name means; None if there is none.

    In a path, such as `data.contact.email`, the last part counts.
    """
    return _recognise_field(name) if len(name) <= NAME_LENGTH_MAX else None


@lru_cache(maxsize=1024)
def _recognise_field(name: str) -> str | None:
    *parents, last = _path_parts(name) or [""]
    if any(_OTHER_SUBJECTS.intersection(_words(parent)[-1:]) for parent in parents):
        return None
    words = _words(last)
    own_words = _without(_IGNORED_WORDS, words)
    if field := _FIELD_OF_SPELLING.get("".join(words)) or _FIELD_OF_SPELLING.get("".join(own_words)):
        return field
    plain_words = [word for word in _without(_KINDS, own_words) if not word.isdigit()]
    field = _FIELD_OF_SPELLING.get("".join(plain_words))
    return field if field in SEVERAL_POSSIBLE else None


def assign_fields(names: Sequence[str], chosen: Mapping[str, str | None] | None = None) -> dict[str, list[int]]:
    """Return the indexes of the names for each field, the best name first.

    `chosen` overrides the field of a name; None means no field. The best name is a chosen one, then the name of the
    field itself in any case, then the first of the others. If there is a name for only one part of the full name,
    such as `First Name`, then a column `Name` is the other part.
    """
    chosen = chosen or {}
    fields: dict[str, list[int]] = {}
    for position, name in sorted(enumerate(names), key=lambda each: _rank(each[1], chosen)):
        if field := chosen[name] if name in chosen else recognise_field(name):
            fields.setdefault(field, []).append(position)
    _split_names(fields, names, chosen)
    return fields


def _rank(name: str, chosen: Mapping[str, str | None]) -> int:
    return 0 if name in chosen else 1 if name.casefold() in _SPELLINGS else 2


def _split_names(fields: dict[str, list[int]], names: Sequence[str], chosen: Mapping[str, str | None]) -> None:
    """Replace `name` by the other part of the name, if there is only a first or only a last name."""
    parts = [part for part in ("first_name", "last_name") if part in fields]
    full_names = fields.get("name", [])
    if len(parts) != 1 or any(names[i] in chosen or not _is_name_or_part(names[i]) for i in full_names):
        return
    if full_names:
        fields["last_name" if parts == ["first_name"] else "first_name"] = fields.pop("name")


def _is_name_or_part(name: str) -> bool:
    return "".join(_without(_IGNORED_WORDS, _words(_path_parts(name)[-1]))) in _FULL_OR_PART


def _path_parts(name: str) -> list[str]:
    return [part for part in _PATH_SEPARATOR.split(name) if part.strip() and not part.isdigit() and part != "value"]


def _words(name: str) -> list[str]:
    separated = _WORD_START.sub(" ", normalize("NFKC", name))
    folded = "".join(char for char in normalize("NFKD", separated.casefold()) if not combining(char))
    return [word for word in _NOT_A_WORD.split(folded) if word]


def _without(left_out: Collection[str], words: Sequence[str]) -> list[str]:
    return [word for word in words if word not in left_out]


_FIELD_OF_SPELLING = {
    "".join(words): field
    for field, spellings in _SPELLINGS.items()
    for spelling in spellings.split(",")
    for words in (_words(spelling), _without(_IGNORED_WORDS, _words(spelling)))
    if words
}
_FULL_OR_PART = {simplified(spelling) for spelling in _NAMES_OR_PARTS.split(",")}
