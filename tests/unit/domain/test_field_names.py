"""Test the recognition of field names of forms, spreadsheets and other programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_domain.field_names import NAME_LENGTH_MAX, RECOGNISED_FIELDS, assign_fields, recognise_field, simplified


@pytest.mark.parametrize(
    ("field", "names"),
    [
        (
            "name",
            "name, Full Name, full_name, Contact Name, your-name, Lead Name, Person - Name, Nom complet",
        ),
        ("name", "お名前, Contact person, data.contact.name, form_fields[name], fields[name][value], Your Name*"),
        ("first_name", "First Name, FirstName, first_name, fname, Given Name, Vorname, Prénom, prenom, name[first]"),
        ("first_name", "Person - First name, contact.firstName, Nombre de pila, Voornaam, Pre\u0301nom"),
        ("last_name", "Last Name, LAST_NAME, lname, Surname, Family Name, Nachname, Nom de famille, Apellidos"),
        ("email", "E-Mail, e_mail, EMAIL, Email Address, your-email, your-mail, Work Email, E-mail 1 - Value"),
        ("email", "E-mail 2 Address, Primary Email, Secondary Email, Person - Email - Work, data.contact.email"),
        (
            "email",
            "E-Mail-Adresse, Courriel, Correo electrónico, emails[0][value], email2, Email (required)",
        ),
        ("email", "What's your email address?, Ihre E-Mail-Adresse, e-mail address, メールアドレス"),
        (
            "phone",
            "Phone, Phone Number, phone_number, Phone No., Tel., Mobile, MobilePhone, Business Phone 2",
        ),
        ("phone", "Person - Phone - Mobile, Phone 1 - Value, Work Phone, your-tel, Telefonnummer, Handy, Téléphone"),
        ("phone", "Mobile Phone Number, Home Phone, PHONE_NUMBER, Primary Phone, contact.phone, phone2, WhatsApp"),
        ("phone", "Tel. privat, Tel. (geschäftlich), Phone No. 2, Phone (mobile), Telefon (Mobil), SMS, Billing Phone"),
        ("source", "Source, Lead Source, LeadSource, lead-source, Quelle"),
        ("owner", "Owner, Lead Owner, Contact owner, Person - Owner, Owner Email, Lead\u00a0Owner"),
        ("status", "Status, Lead Status, Contact status, Deal Stage, lifecycle_stage"),
        ("message", "message, your-message, comments, Comment, Nachricht, Ihre Nachricht, Mensaje, data.message, body"),
        (None, "Company, Company Name, Company Phone, company.name, data.organization.email, Organization - Name"),
        (None, "Lead Owner.id, data.owner.email, campaign_name, form_name, ad_name, event.name, Account Name"),
        ("do_not_contact", "do_not_contact, Do not contact, Opted out, Unsubscribed, Email Opt Out, UNSUB_TIME, DNC"),
        ("do_not_contact", "HasOptedOutOfEmail, Unsubscribed from all email, hs_email_optout, Nicht kontaktieren"),
        (None, "Opted in, Subscribed, Do Not Call, Marketing status, Contact, Newsletter"),
        (
            None,
            "E-mail 1 - Label, E-mail Type, E-mail Display Name, Phone 1 - Label",
        ),
        (
            None,
            "Business Fax, Fax Number, Nickname, Middle Name, File As, name 2, State, identity, Notes",
        ),
        (None, "Business Name, Contact, Lead ID, Record Id, Person - ID, Created On, -, ., 1, [, Website, Job Title"),
    ],
)
def test_a_field_is_recognised_by_its_usual_names(field: str | None, names: str) -> None:
    assert {name: recognise_field(name) for name in names.split(", ")} == dict.fromkeys(names.split(", "), field)


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("name", "first and last name, nombre completo, namn, 姓名"),
        ("first_name", "primeiro nome, imię"),
        ("last_name", "apellido, nazwisko, фамилия"),
        ("email", "adresse email, correo electrónico, endereço de email, 電子メール"),
        ("phone", "cell phone number, téléphone portable, móvil, telefoon, telefon mobil, 手机"),
        ("source", "bron"),
        ("owner", "propietario"),
        ("status", "pipeline stage"),
        ("message", "how can we help, bemerkung, demande, richiesta, meddelande, 留言"),
    ],
)
def test_a_field_is_recognised_in_many_languages(field: str, names: str) -> None:
    assert {name: recognise_field(name) for name in names.split(", ")} == dict.fromkeys(names.split(", "), field)


@pytest.mark.parametrize(
    "word", ["Your", "Guest", "Participant", "Billing", "Ihr", "Pflichtfeld", "Pflicht", "obligatorio", "s", "su"]
)
def test_a_word_for_the_person_does_not_change_the_meaning(word: str) -> None:
    assert recognise_field(f"{word} comment") == "message"
    assert assign_fields([f"{word} Name", "First Name"]) == {"last_name": [0], "first_name": [1]}


@pytest.mark.parametrize("kind", ["work", "alternative", "additional", "weitere", "Geschäftlich", "2"])
def test_only_an_address_or_number_can_have_a_kind(kind: str) -> None:
    assert recognise_field(f"{kind} email") == "email"
    assert recognise_field(f"phone {kind}") == "phone"
    assert recognise_field(f"{kind} comment") is None


@pytest.mark.parametrize("subject", ["company", "event", "assistant", "file", "sales manager", "productOwner"])
def test_a_name_within_another_subject_is_not_a_field_of_the_person(subject: str) -> None:
    assert recognise_field(f"{subject}.email") is None
    assert recognise_field(f"data[{subject}][email]") is None
    assert recognise_field(f"{subject}.person.email") is None
    assert recognise_field(f"{subject} email.contact.email") == "email"


def test_a_path_ends_with_the_name_of_the_field() -> None:
    assert recognise_field("data.0.emails[1].value") == "email"
    assert recognise_field("email.") == "email"
    assert recognise_field("email.name") == "name"
    assert recognise_field(" [email] ") == "email"
    assert recognise_field("") is None


@pytest.mark.parametrize(("names", "first"), [(["Mail", "E-Mail", "EMAIL"], 2), (["Mail", "E-Mail"], 0)])
def test_the_name_of_the_field_itself_is_the_best_and_then_the_first(names: list[str], first: int) -> None:
    assert assign_fields(names)["email"][0] == first


def test_a_name_that_was_chosen_is_never_a_part_of_the_name() -> None:
    assert assign_fields(["Name", "First Name"], {"Name": "name"}) == {"name": [0], "first_name": [1]}
    assert assign_fields(["Name", "Last Name"]) == {"first_name": [0], "last_name": [1]}
    assert assign_fields(["Name", "Full Name", "First Name"]) == {"name": [0, 1], "first_name": [2]}
    assert assign_fields(["data.name", "firstName"]) == {"last_name": [0], "first_name": [1]}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Vorname", "Name", "E-Mail"], {"first_name": [0], "last_name": [1], "email": [2]}),
        (["Prénom", "Nom"], {"first_name": [0], "last_name": [1]}),
        (["Nombre", "Apellidos"], {"first_name": [0], "last_name": [1]}),
        (["Имя", "Фамилия"], {"first_name": [0], "last_name": [1]}),
        (["your-name", "surname"], {"first_name": [0], "last_name": [1]}),
        (["Name", "First Name", "Last Name"], {"name": [0], "first_name": [1], "last_name": [2]}),
        (["Full Name", "First Name"], {"name": [0], "first_name": [1]}),
        (["Nachname"], {"last_name": [0]}),
        (["Secondary Email", "Mobile", "EMAIL", "Phone"], {"email": [2, 0], "phone": [3, 1]}),
    ],
)
def test_names_are_assigned_to_members_with_the_best_first(names: list[str], expected: dict[str, list[int]]) -> None:
    assert assign_fields(names) == expected


def test_a_choice_wins_over_the_usual_meaning() -> None:
    chosen = {"Company Phone": "phone", "Email": None, "Name": "name"}
    assert assign_fields(["Phone", "Company Phone", "Email", "Mail", "First Name", "Name"], chosen) == {
        "phone": [1, 0],
        "email": [3],
        "first_name": [4],
        "name": [5],
    }


@given(st.lists(st.text(max_size=30), max_size=8))
def test_every_name_is_assigned_at_most_once(names: list[str]) -> None:
    assigned = assign_fields(names)
    positions = [position for found in assigned.values() for position in found]
    assert len(positions) == len(set(positions))
    assert assigned.keys() <= set(RECOGNISED_FIELDS)


def test_a_very_long_name_is_not_recognised() -> None:
    assert recognise_field("x." * 100_000 + "email") is None
    assert recognise_field("x." * 97 + "xemail") is None
    assert recognise_field("email".rjust(NAME_LENGTH_MAX)) == "email"
    assert recognise_field("email".rjust(NAME_LENGTH_MAX + 1)) is None
    assert NAME_LENGTH_MAX == 200


def test_simplified_names_are_compared_without_case_accents_and_punctuation() -> None:
    assert simplified(" Prénom_de-l'Élève 2 (\uff2e\u00b0) ") == "prenomdeleleve2n"
    assert simplified("firstName2") == simplified("First name 2") == "firstname2"
    assert RECOGNISED_FIELDS == (
        "name",
        "first_name",
        "last_name",
        "email",
        "phone",
        "source",
        "owner",
        "do_not_contact",
        "status",
        "message",
    )


def test_a_very_long_name_is_not_simplified() -> None:
    longest = "E-" * (NAME_LENGTH_MAX // 2)
    assert simplified(longest) == "e" * (NAME_LENGTH_MAX // 2)
    assert simplified(f"{longest}-") == f"{longest}-"
