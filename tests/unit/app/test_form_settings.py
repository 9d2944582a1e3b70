"""Test the setting of public forms and its error messages."""

import re
from typing import Any

import pytest

from leads_adapters.http.rate_limit import RateLimit
from leads_app.form_settings import FormSettings, parse_forms


def test_a_form_needs_no_setting_of_its_own() -> None:
    assert parse_forms({"contact": {}}) == {"contact": FormSettings(rate_limit=RateLimit(10, 60))}


def test_a_form_has_all_settings_of_its_table() -> None:
    table = {
        "source": "website",
        "owner": "sales@example.com",
        "redirect": "https://example.com/thanks?from=form",
        "origins": ["https://example.com", "http://localhost:5173"],
        "honeypot": "website",
        "minimum_seconds": 3,
        "rate_limit": "2/second",
        "fields": {"your-name": "name", "your-mail": "email"},
    }
    assert parse_forms({"contact": table})["contact"] == FormSettings(
        source="website",
        owner="sales@example.com",
        redirect="https://example.com/thanks?from=form",
        origins=["https://example.com", "http://localhost:5173"],
        honeypot="website",
        minimum_seconds=3,
        rate_limit=RateLimit(2, 1),
        fields={"your-name": "name", "your-mail": "email"},
    )


def test_the_rate_limit_of_a_form_can_be_off() -> None:
    assert parse_forms({"contact": {"rate_limit": "off"}})["contact"].rate_limit is None


def test_a_form_of_google_ads_keeps_its_key_out_of_messages() -> None:
    form = parse_forms({"ads": {"kind": "google-ads", "key": "s3cret", "source": "google"}})["ads"]
    assert form.key == "s3cret"
    assert "s3cret" not in repr(form)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"sauce": "x"}, "Unknown key 'sauce'. Use one of: kind, source,"),
        ({"source": ""}, "source is ''. Must have 1 to 100 characters"),
        ({"source": 5}, "source must be a text in quotation marks."),
        ({"source": " "}, "Must have 1 to 100 characters"),
        ({"source": "x" * 101}, "Must have 1 to 100 characters"),
        ({"redirect": "/thanks"}, "redirect is '/thanks'. Give a URL such as https://example.com/thanks, in ASCII."),
        ({"redirect": "javascript:alert(1)"}, "redirect is 'javascript:alert(1)'."),
        ({"redirect": "https://example.com/a b"}, "redirect is"),
        ({"redirect": "https://example.com/\r\nx: y"}, "redirect is"),
        ({"redirect": "https://[example"}, "redirect is"),
        ({"origins": ["https://example.com/"]}, "'https://example.com/' is not an origin."),
        ({"origins": ["*", "https://example.com"]}, "Give either * alone"),
        ({"honeypot": ""}, "honeypot must be the name of a field"),
        ({"honeypot": "url", "fields": {"url": "source"}}, "honeypot must be the name of a field"),
        ({"minimum_seconds": 0}, "Expected `float` > 0.0"),
        ({"minimum_seconds": 1e9}, "Expected `float` <= 3600.0"),
        ({"minimum_seconds": "3"}, "minimum_seconds must be a number."),
        ({"rate_limit": "often"}, "Give a number of requests per second, minute or hour"),
        (
            {"fields": {"boss": "owner"}},
            "fields.boss is 'owner', which a form cannot fill. Use one of: name, first_name",
        ),
        ({"fields": ["name"]}, "fields must be a table."),
        ({"kind": "facebook"}, "Invalid enum value 'facebook'"),
        ({"kind": "google-ads"}, "key is missing."),
        ({"kind": "google-ads", "key": ""}, "key is missing."),
        ({"kind": "google-ads", "key": "s3cret", "redirect": "https://a.example"}, "redirect has no use"),
        ({"key": "s3cret"}, "key has no use without kind."),
    ],
)
def test_an_invalid_form_is_refused_with_its_name(table: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape("Form contact: ") + ".*" + re.escape(message)) as caught:
        parse_forms({"contact": table})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "é", "x" * 51, "-a"])
def test_the_name_of_a_form_is_a_part_of_a_path(name: str) -> None:
    with pytest.raises(ValueError, match="Use up to 50 letters, digits, - and _"):
        parse_forms({name: {}})


@pytest.mark.parametrize("value", ["x", ["x"], {"contact": "x"}])
def test_forms_are_tables(value: object) -> None:
    with pytest.raises(ValueError, match=re.escape("Write one table for each form: [forms.NAME].")):
        parse_forms(value)
