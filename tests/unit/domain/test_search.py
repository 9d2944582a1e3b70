"""Test which search texts find a lead."""

from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import a_lead, a_phone, an_email
from leads_domain.lead import Lead
from leads_domain.search import NAME_KEY_MAX, WORD_MAX, fold, index_words, lead_words, name_key, query_words
from strategies import leads, texts


def finds(q: str, *texts: str) -> bool:
    """Return True if the search text finds a lead with these texts."""
    return holds(index_words(*texts), q)


def is_found(q: str, lead: Lead) -> bool:
    """Return True if the search text finds the lead."""
    return holds(lead_words(lead), q)


def holds(words: str, q: str) -> bool:
    """Return True if, for every choice, one of its words is the prefix of an indexed word."""
    return all(any(f" {word}" in words for word in choice) for choice in query_words(q))


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("zoe str", "Zoë Strauß"),
        ("STRAUSS", "Strauß"),
        ("strauß", "Strauss"),
        ("Zoe\u0308", "ZOË"),
        ("angs", "Ångström"),
        ("istanbul", "\u0130stanbul"),
        ("isik", "I\u015f\u0131k"),
        ("lukasz oster", "Łukasz Øster"),
        ("aether", "Æther"),
        ("dorde", "Đorđe"),
        ("hal", "Ħal"),
        ("oeuvre", "Œuvre"),
        ("eidur thor", "Eiður Þór"),
        ("xav", "Xaví"),
        ("عمر", "ع\u0640مر"),
        ("ольга", "ОЛЬГА Ладыженская"),
        ("αλεξ", "Ἀλέξανδρος"),
        ("محمد", "مُحَمَّد"),
        ("שלום", "שָׁלוֹם"),
        ("太郎", "田中太郎"),
        ("中太", "田中太郎"),
        ("田中太郎", "田中太郎"),
        ("小明", "王小明"),
        ("タロ", "ﾔﾏﾀﾞﾀﾛｳ"),
        ("だ", "やまただ"),
        ("会社 acme", "株式会社ACME"),
        ("acme株", "株式会社ACME"),
        ("김", "김철수"),
        ("기", "김철수"),
        ("रामा", "रामानुजन"),
        ("สม", "สมชาย ใจดี"),
        ("john", "\uff2aohn"),
        ("42", "\u0664\u0662"),
        ("doe john", "John Doe"),
        ("jo doe", "John Doe"),
        ("o'neill", "Shaquille O'Neill"),
        ("neill", "O'Neill"),
        ("oneill", "O'Neill"),
        ("o'neill", "Oneill"),
        ("o neill", "O'Neill"),
        ("oneill", "O`Neill"),
        ("o\u00b4neill", "O\u2019Neill"),
        ("jeanluc", "Jean-Luc"),
        ("jean-lu", "Jeanluc"),
        ("jean luc", "Jean\u2011Luc"),
        ("lucpierre", "Jean-Luc-Pierre"),
        (
            "\u043b\u0443\u043a\u044f\u043d\u0435\u043d\u043a\u043e",
            "\u041b\u0443\u043a\u2019\u044f\u043d\u0435\u043d\u043a\u043e",
        ),
        (
            "\u043b\u0443\u043a'\u044f\u043d\u0435\u043d\u043a\u043e",
            "\u041b\u0443\u043a\u02bc\u044f\u043d\u0435\u043d\u043a\u043e",
        ),
        ("strauss-ang", "Strauß\u2013Ångström"),
        ("2024-05", "Fair 2024-05-17"),
        ("20240517", "Fair 2024-05-17"),
        ("17", "Fair 2024-05-17"),
        ("3tage", "3-Tage-Aktion"),
        ("3-tage", "3-Tage-Aktion"),
        ("12 3-Tage", "12 3-Tage-Aktion Ü"),
        ("12 3-Tage Ü", "12 3-Tage Ü"),
        ("jo.1990.12@example.com", "jo.1990.12@example.com"),
        ("doe.john", "John Doe"),
        ("j*", "John"),
        ('"john"', "John"),
        ("co\u00adop", "Co\u00ado\u00adperative"),
        ("", "John"),
        ("* - ( ", "John"),
    ],
)
def test_is_found(q: str, name: str) -> None:
    assert finds(q, name)


@pytest.mark.parametrize(
    ("q", "name"),
    [
        ("ohn", "John"),
        ("john doe", "John"),
        ("johnn", "John"),
        ("john*doe", "Johndoe"),
        ("john OR jane", "John"),
        ("NOT jane", "John"),
        ("郎太", "太郎"),
        ("철", "김철수"),
        ("neil o", "Neil"),
        ("jean luc", "Jeanluc"),
        ("007", "7"),
    ],
)
def test_is_not_found(q: str, name: str) -> None:
    assert not finds(q, name)


@pytest.mark.parametrize(
    "q", ["49123", "+49 123 456789", "+49 (123) 45-67", "4912", "+\uff14\uff19 12", "12", "jo +49 12", "fair ex jo doe"]
)
def test_a_lead_is_found_by_name_address_number_and_source(q: str) -> None:
    lead = a_lead(
        name="John", email=an_email("j.doe+news@example.com"), phone=a_phone("+49123456789", "12"), source="Fair"
    )
    assert is_found(q, lead)


def test_a_lead_is_found_by_its_extension_if_it_has_one() -> None:
    lead = a_lead(name="John", email=None, phone=a_phone(extension="777"))
    assert is_found("ext 777", lead)
    for q in ("ext", "none"):
        assert not is_found(q, a_lead(name="John", email=None, phone=a_phone()))


def test_a_word_that_is_the_prefix_of_another_is_dropped() -> None:
    assert index_words("jo john johnny J", "jot") == " johnny jot"
    assert query_words("jo john johnny J") == (("johnny",),)


def test_only_the_beginning_of_a_long_word_counts() -> None:
    assert index_words("x" * 200) == " " + "x" * WORD_MAX
    assert finds("x" * 100, "x" * WORD_MAX)


@given(texts(), texts())
@example("ﷺ", "ŉ")
@example("\u1d2c", "\U0001d400")
def test_words_contain_no_character_with_a_meaning_in_a_database_query(text: str, other: str) -> None:
    words = index_words(text, other)
    for word in (*words.split(" ")[1:], *chain.from_iterable(query_words(text))):
        assert 1 <= len(word) <= WORD_MAX
        assert not {*word} & {*" \t\n\r\0'\"\\%_*:&|!()<>-+^"}
        assert not any("A" <= char <= "Z" for char in word)
    assert words.split(" ")[1:] == sorted(set(words.split(" ")[1:]))


@given(leads())
def test_a_lead_is_found_by_each_of_its_indexed_fields(lead: Lead) -> None:
    for value in (lead.name, str(lead.email or ""), lead.source or "", lead.phone.e164 if lead.phone else ""):
        assert is_found(value, lead)


@given(st.text())
def test_folding_a_text_twice_has_no_further_effect(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_names_are_ordered_without_case_accents_and_outer_or_double_spaces() -> None:
    assert name_key("  Zoë   STRAUSS ") == name_key("zoe strauss")
    assert len(name_key("ﷺ" * 200)) == NAME_KEY_MAX
