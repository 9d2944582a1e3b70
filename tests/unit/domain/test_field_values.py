"""Test how values of forms and exports are read."""

import pytest

from leads_domain.field_values import first_value, joined_name, without_label, yes_or_no


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@x.org", ("a@x.org", "")),
        ("a@x.org ::: b@x.org ::: c@x.org", ("a@x.org", "b@x.org ::: c@x.org")),
        ("", ("", "")),
    ],
)
def test_the_first_of_several_values_is_separated_from_the_others(text: str, expected: tuple[str, str]) -> None:
    assert first_value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p:+49 30 123456", "+49 30 123456"),
        ("ph: 030 123456", "030 123456"),
        ("mailto:ada@example.com", "ada@example.com"),
        ("l:1234", "l:1234"),
        ("+49 30 123456", "+49 30 123456"),
        ("Tel : 5", "5"),
    ],
)
def test_a_typed_prefix_is_removed(text: str, expected: str) -> None:
    assert without_label(text) == expected


def test_a_name_is_joined_from_the_parts_that_exist() -> None:
    assert joined_name([" Ada ", "Muster"]) == "Ada Muster"
    assert joined_name(["", "Muster"]) == joined_name([None, "Muster"]) == "Muster"
    assert joined_name(["", None]) == ""


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (["true", " YES ", "1", "x", "Ja", "WAHR", "Sí", "unsubscribed", "2026-01-05", "2026-01-05 10:00:00"], True),
        (["5/1/2026", "05.01.2026 10:00", "t"], True),
        (["false", "No", "0", "nein", "FALSCH", "subscribed", "0000-00-00 00:00:00", "off"], False),
        (["", "maybe", "2", "10:00", "1 January", "0000-01-01", "2026"], None),
    ],
)
def test_a_text_can_say_yes_or_no(texts: list[str], answer: bool | None) -> None:
    assert {text: yes_or_no(text) for text in texts} == dict.fromkeys(texts, answer)
