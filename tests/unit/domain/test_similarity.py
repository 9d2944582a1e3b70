"""Test which leads may be the same person, and their order."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given

from builders import a_lead, a_phone, an_email, an_id
from leads_domain.lead import Lead
from leads_domain.similarity import SIMILAR_MAX, Reason, mailbox, rank, reasons
from strategies import emails, leads

PHONE, NAME, EMAIL = Reason


def other(number: int = 2, **fields: Any) -> Lead:
    """Return another lead, which has nothing in common with `a_lead()` but what the fields say."""
    different = {"name": f"Other {number}", "email": an_email(f"other{number}@example.org")}
    return a_lead(**{"id": an_id(number), **different, **fields})


def ranked(*candidates: Lead, **fields: Any) -> list[tuple[str, Sequence[Reason]]]:
    """Return the ids and reasons of the leads that are similar to `a_lead(**fields)`."""
    return [(similar.lead.id, similar.reasons) for similar in rank(a_lead(**fields), candidates)]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("john@example.com", "john@example.com"),
        ("J.o.h.n@Example.com", "john@example.com"),
        ("john+news@example.com", "john@example.com"),
        ("john.doe+a+b.c@mail.example.com", "johndoe@mail.example.com"),
        ("+john@example.com", "+john@example.com"),
        ("+jo.hn+news@example.com", "+john+news@example.com"),
        ("john-doe_1@example.com", "john-doe_1@example.com"),
        ("Zoë.Strauß@example.com", "zoëstrauss@example.com"),
        ('"a@b.c"@example.com', '"a@bc"@example.com'),
    ],
)
def test_a_mailbox_has_neither_dots_nor_a_tag(address: str, expected: str) -> None:
    assert mailbox(an_email(address)) == expected


def test_a_lead_without_an_email_address_has_no_mailbox() -> None:
    assert mailbox(None) is None


@given(email=emails())
def test_a_mailbox_keeps_the_domain_and_something_of_the_local_part(email: Any) -> None:
    found = mailbox(email)
    assert found is not None
    local_part, _, domain = found.rpartition("@")
    assert local_part
    assert domain == email.key.rpartition("@")[2]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"phone": a_phone()}, [PHONE]),
        ({"phone": a_phone("+12025550124")}, []),
        ({"phone": a_phone(extension="5")}, []),
        ({"phone": None}, []),
        ({"name": "JÓHN  Doe"}, [NAME]),
        ({"name": "John Do"}, []),
        ({"email": an_email("j.ohn+news@example.com")}, [EMAIL]),
        ({"email": an_email("john@mail.example.com")}, []),
        ({"name": "john doe", "phone": a_phone(), "email": an_email("jo.hn@example.com")}, [PHONE, NAME, EMAIL]),
    ],
)
def test_leads_are_similar_by_phone_number_name_and_mailbox(fields: dict[str, Any], expected: list[Reason]) -> None:
    assert reasons(a_lead(phone=a_phone()), other(**fields)) == expected


def test_names_without_any_letter_are_not_the_same() -> None:
    assert reasons(a_lead(name="\u0640"), other(name="\u0640\u0640")) == []


@given(one=leads(), another=leads())
def test_similarity_is_symmetric(one: Lead, another: Lead) -> None:
    assert reasons(one, another) == reasons(another, one)


def test_the_best_candidates_come_first() -> None:
    by_name = [other(number, name="john doe") for number in (3, 2)]
    by_email = other(4, email=an_email("jo.hn@example.com"))
    by_phone = other(5, phone=a_phone())
    by_two = other(6, name="john doe", email=an_email("john+2@example.com"))
    by_three = other(7, name="john doe", email=an_email("john+3@example.com"), phone=a_phone())
    assert ranked(other(8), *by_name, by_email, by_phone, by_two, by_three, phone=a_phone()) == [
        (by_three.id, [PHONE, NAME, EMAIL]),
        (by_two.id, [NAME, EMAIL]),
        (by_phone.id, [PHONE]),
        (by_email.id, [EMAIL]),
        (by_name[1].id, [NAME]),
        (by_name[0].id, [NAME]),
    ]


def test_only_the_best_candidates_are_returned() -> None:
    candidates = [other(number, name="john doe") for number in range(2, SIMILAR_MAX + 5)]
    best = other(99, phone=a_phone(), name="john doe")
    found = ranked(*candidates, best, phone=a_phone())
    assert [id for id, _ in found] == [best.id, *(each.id for each in candidates[: SIMILAR_MAX - 1])]
