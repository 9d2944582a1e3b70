"""Test the spam rules."""

import pytest

from leads_domain.spam import ELAPSED_FIELD, honeypot_reason, links_reason, speed_reason


@pytest.mark.parametrize(
    ("content", "honeypot", "is_spam"),
    [
        ({"website": "http://spam.example"}, "website", True),
        ({"website": " \t"}, "website", False),
        ({"website": ""}, "website", False),
        ({}, "website", False),
        ({"website": "https://example.com"}, None, False),
    ],
)
def test_a_filled_honeypot_is_spam(content: dict[str, str], honeypot: str | None, is_spam: bool) -> None:
    expected = "The field website, which people do not see, was filled in." if is_spam else None
    assert honeypot_reason(content, honeypot) == expected


@pytest.mark.parametrize("elapsed", ["0", "2.9", " 1 ", "-5", "-1e999", "1e-5"])
def test_a_form_that_was_filled_in_too_fast_is_spam(elapsed: str) -> None:
    reason = speed_reason({ELAPSED_FIELD: elapsed}, 3)
    assert reason is not None
    assert reason.endswith("A person needs at least 3 s.")


def test_the_reason_says_how_fast_the_form_was_filled_in() -> None:
    assert speed_reason({ELAPSED_FIELD: "2.94"}, 3.5) == (
        "The form was filled in within 2.9 s. A person needs at least 3.5 s."
    )
    assert (speed_reason({ELAPSED_FIELD: "-2"}, 3) or "").startswith("The form was filled in within 0.0 s.")


@pytest.mark.parametrize("elapsed", ["3", "3.5", "600", "1e999", "", "soon", "nan", "\0"])
def test_a_form_is_not_too_fast_if_the_time_is_long_or_unknown(elapsed: str) -> None:
    assert speed_reason({ELAPSED_FIELD: elapsed}, 3) is None


def test_without_a_minimum_or_without_the_hidden_field_no_form_was_filled_in_too_fast() -> None:
    assert speed_reason({ELAPSED_FIELD: "0"}, None) is None
    assert speed_reason({"other": "0"}, 3) is None


@pytest.mark.parametrize(
    "link", ["http://a.example", "HTTPS://www.A.example/", "www.a.example", "[url=http://a.example]", "(WWW.a.example)"]
)
def test_more_than_five_links_are_spam(link: str) -> None:
    assert links_reason(" and ".join([link] * 5)) is None
    assert links_reason(" and ".join([link] * 6)) == "The message has 6 links, more than 5."


def test_both_links_of_a_html_link_count() -> None:
    assert links_reason('<a href="http://a.example">http://a.example</a>' * 3) == (
        "The message has 6 links, more than 5."
    )


def test_words_with_dots_are_no_links() -> None:
    assert links_reason("See node.js, e.g. awww.so.nice, ann@www.example.com.") is None
