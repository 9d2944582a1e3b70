"""Test message templates: syntax errors, and that values of a lead are inserted as plain text."""

from datetime import timedelta, timezone
from time import tzset

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import NOON, a_lead, a_phone, an_email, an_id
from leads_domain.errors import ValidationFailed
from leads_domain.follow_up import MESSAGE_MAX
from leads_domain.lead import Lead
from leads_domain.template import PLACEHOLDERS, Template
from strategies import leads, texts, texts_without_controls

KNOWN = "{id}, {name}, {email}, {phone}, {status}, {source}, {owner}, {created_at}"
TEXTS_WITH_BRACES = st.text("{}aname ", max_size=12) | st.sampled_from([f"{{{name}}}" for name in PLACEHOLDERS])


def escaped(text: str) -> str:
    """Return the text with its braces doubled."""
    return text.replace("{", "{{").replace("}", "}}")


def error_of(text: str) -> str:
    with pytest.raises(ValidationFailed) as caught:
        Template(text)
    return str(caught.value)


def test_every_placeholder_is_replaced_by_a_value_of_the_lead() -> None:
    lead = a_lead(
        phone=a_phone(extension="12"),
        source="fair",
        owner=an_email("Ann@example.com"),
        created_at=NOON.astimezone(timezone(timedelta(hours=2))),
    )
    filled = Template("|".join(["Values:", *(f"{{{name}}}" for name in PLACEHOLDERS)])).fill(lead)
    assert filled.split("|")[1:] == [
        an_id(1),
        "John Doe",
        "john@example.com",
        "+12025550123;ext=12",
        "new",
        "fair",
        "Ann@example.com",
        "2026-01-05 12:00 UTC",
    ]


def test_a_missing_value_is_left_empty() -> None:
    assert Template("[{phone}{source}{owner}] {name}").fill(a_lead()) == "[] John Doe"
    assert Template("{phone}\n Call!").fill(a_lead()) == "Call!"


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{John Doe}"),
        ("{{{{name}}}}", "{{name}}"),
        ("{name}}}{{", "John Doe}{"),
        ("}}{name}{name}{{", "}John DoeJohn Doe{"),
    ],
)
def test_doubled_braces_become_single_braces(text: str, filled: str) -> None:
    assert Template(text).fill(a_lead()) == filled


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hello {nmae}!", f"Unknown placeholder 'nmae'. Use one of: {KNOWN}."),
        ("Hello {}!", f"Unknown placeholder ''. Use one of: {KNOWN}."),
        ("Hello {0}!", "Unknown placeholder '0'."),
        ("Hello { name }!", "Unknown placeholder ' name '."),
        ("Hello {name!r}!", "Unknown placeholder 'name!r'."),
        ("Hello {name.__class__}!", "Unknown placeholder 'name.__class__'."),
        ("Hello {email:>10}!", "Unknown placeholder 'email:>10'."),
        ("Hello {name", "Character 7 is a single {. Write {{ for a literal brace."),
        ("Hello name}", "Character 11 is a single }. Write }} for a literal brace."),
        ("{{name}", "Character 7 is a single }. Write }} for a literal brace."),
        ("{name{email}}", "Character 1 is a single {. Write {{ for a literal brace."),
        ("{phone} {owner}\n", "Add text to the placeholders"),
        ("", "Must have 1 to 10000 characters, but has 0."),
        (" \n", "Must have 1 to 10000 characters, but has 0."),
        ("a\0b", "Remove the NUL character"),
        ("x" * (MESSAGE_MAX + 1), "Must have 1 to 10000 characters, but has 10001."),
    ],
)
def test_an_invalid_template_is_refused_when_it_is_created(text: str, message: str) -> None:
    assert error_of(text).startswith(message)


@given(texts_without_controls().filter(str.strip), leads())
def test_text_without_placeholders_is_not_changed(text: str, lead: Lead) -> None:
    assert Template(escaped(text)).fill(lead) == text.strip()


@given(st.lists(TEXTS_WITH_BRACES), TEXTS_WITH_BRACES, TEXTS_WITH_BRACES)
def test_braces_in_the_values_of_a_lead_are_not_placeholders(between: list[str], name: str, source: str) -> None:
    lead = a_lead(name=name, source=source)
    template = Template(">" + "{name}{source}".join(map(escaped, between)) + "<")
    assert template.fill(lead) == ">" + (name + source).join(between) + "<"


@given(texts(), st.sampled_from(["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"]), texts())
def test_line_breaks_in_the_values_of_a_lead_are_removed(before: str, line_break: str, after: str) -> None:
    filled = Template("Subject: {name}\nTo call: {source}\nEnd").fill(
        a_lead(name=f"{before}{line_break}Bcc: {after}", source=f"{after}{line_break}")
    )
    assert [line.partition(" ")[0] for line in filled.splitlines()] == ["Subject:", "To", "End"]


def test_a_template_of_enquiries_has_the_message_with_its_line_breaks() -> None:
    template = Template("{name} has written: {message}", of_enquiries=True)
    assert template.fill(a_lead(), "Hello {email},\n\n{{I}} would like") == (
        "John Doe has written: Hello {email},\n\n{{I}} would like"
    )
    assert template.fill(a_lead()) == "John Doe has written:"
    assert len(template.fill(a_lead(), "m" * MESSAGE_MAX)) == MESSAGE_MAX


def test_other_templates_have_no_message() -> None:
    assert error_of("Hello {message}") == f"Only rules for enquiries have {{message}}. Use one of: {KNOWN}."
    with pytest.raises(ValidationFailed, match=r"Use one of: .*, {created_at}, {message}"):
        Template("Hello {messages}", of_enquiries=True)
    with pytest.raises(ValidationFailed, match=r"^Add text to the placeholders: a lead may have no values for them\.$"):
        Template("{message}", of_enquiries=True)


@given(leads())
def test_a_value_without_line_breaks_is_not_changed(lead: Lead) -> None:
    assert Template(">{name}<").fill(lead) == f">{lead.name}<"


@given(st.integers(min_value=1, max_value=200), leads())
def test_a_message_is_neither_empty_nor_too_long(length: int, lead: Lead) -> None:
    message = Template("{name}" * 200 + "x" * (MESSAGE_MAX - 1200)).fill(a_lead(name="n" * length))
    assert len(message) == min(MESSAGE_MAX, 200 * length + MESSAGE_MAX - 1200)
    assert Template("{phone}{owner}.").fill(lead)


def test_the_time_is_that_of_utc_wherever_the_service_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        tzset()
        filled = Template("Since {created_at}").fill(a_lead())
    tzset()
    assert filled == "Since 2026-01-05 12:00 UTC"
