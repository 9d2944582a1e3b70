"""Test the tokens of unsubscribe links."""

import re

import pytest

from leads_domain.unsubscribing import TOKEN_BYTES, make_token, parse_token, unsubscribe_url

TOKEN = make_token(bytes(range(TOKEN_BYTES)))


def test_a_token_has_all_random_bits_and_needs_no_encoding_in_a_url() -> None:
    assert TOKEN_BYTES * 8 >= 128
    tokens = {make_token((1 << bit).to_bytes(TOKEN_BYTES)) for bit in range(TOKEN_BYTES * 8)}
    assert len(tokens) == TOKEN_BYTES * 8
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", token) for token in tokens)


def test_a_token_can_be_parsed() -> None:
    assert parse_token(TOKEN) == TOKEN


@pytest.mark.parametrize(
    "text", ["", TOKEN[:-1], f"{TOKEN}A", f"{TOKEN}\n", f"{TOKEN[:-1]}\0", f"{TOKEN[:-1]}\ud800", f"{TOKEN[:-1]}é"]
)
def test_other_texts_are_no_tokens(text: str) -> None:
    assert parse_token(text) is None


def test_a_link_consists_of_the_public_url_and_the_token() -> None:
    assert unsubscribe_url("https://example.com/leads", TOKEN) == f"https://example.com/leads/unsubscribe/{TOKEN}"
