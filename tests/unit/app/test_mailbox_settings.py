"""Test the setting of mailboxes and its error messages."""

import re
from datetime import timedelta
from typing import Any

import pytest

from leads_adapters.mail.imap import ImapMailbox
from leads_adapters.normalizer import InternationalNormalizer
from leads_app.factories import fetched_mailboxes, policies_of_mailboxes
from leads_app.mailbox_settings import MailboxSettings, parse_mailboxes
from leads_app.settings import SettingsError
from leads_domain.mailbox_policy import MailboxPolicy

URL = "imaps://sales%40example.com:s3cret@imap.example.com/INBOX"
EVERY = "Give a time from 10s to 1d with its unit, such as 60s, 5m or 2h."


def test_a_mailbox_needs_no_setting_of_its_own() -> None:
    settings = MailboxSettings(source="email", every=timedelta(seconds=60), own_addresses=[], stop_on_reply=True)
    assert parse_mailboxes({"sales": {}}) == {"sales": settings}
    assert fetched_mailboxes({"sales": settings}) == []


def test_a_mailbox_has_all_settings_of_its_table() -> None:
    table = {
        "url": URL,
        "source": "shop",
        "owner": "mia@example.com",
        "every": "5m",
        "own_addresses": ["Sales@Example.com", "@example.com"],
        "stop_on_reply": False,
    }
    mailboxes = parse_mailboxes({"sales": table})
    [fetched] = fetched_mailboxes(mailboxes)
    assert (fetched.name, fetched.every, type(fetched.source)) == ("sales", timedelta(minutes=5), ImapMailbox)
    assert policies_of_mailboxes(InternationalNormalizer(), mailboxes) == {
        "mailbox:sales": MailboxPolicy(
            source="shop",
            owner="mia@example.com",
            own_addresses=frozenset({"sales@example.com", "@example.com"}),
            stop_on_reply=False,
        )
    }


def test_the_password_is_in_no_text() -> None:
    assert "s3cret" not in repr(parse_mailboxes({"sales": {"url": URL}}))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"uri": URL}, "Unknown key 'uri'. Use one of: url, source, owner, every, own_addresses, stop_on_reply."),
        ({"url": 5}, "url must be a text in quotation marks."),
        ({"url": "imap://ann:s3cret@imap.example.com"}, "url is not valid. imap:// sends the password in clear text."),
        ({"url": "imaps://ann:s3/cret@imap.example.com"}, "url is not valid. Give a URL such as imaps://"),
        ({"source": ""}, "source is ''. Must have 1 to 100 characters"),
        ({"every": "9s"}, f"every is '9s'. {EVERY}"),
        ({"every": "2d"}, f"every is '2d'. {EVERY}"),
        ({"every": "60"}, f"every is '60'. {EVERY}"),
        ({"every": "1 minute"}, f"every is '1 minute'. {EVERY}"),
        ({"every": 60}, "every must be a text in quotation marks."),
        ({"own_addresses": "sales@example.com"}, "own_addresses must be a list."),
        ({"own_addresses": [5]}, "own_addresses[0] must be a text in quotation marks."),
        ({"stop_on_reply": "yes"}, "stop_on_reply must be true or false."),
    ],
)
def test_a_wrong_value_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"Mailbox sales: {re.escape(message)}") as raised:
        parse_mailboxes({"sales": table})
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("value", ["imaps://", [], {"sales": URL}])
def test_mailboxes_are_tables(value: object) -> None:
    with pytest.raises(ValueError, match=r"Write one table for each mailbox: \[mailboxes\.NAME\]\."):
        parse_mailboxes(value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü", "x" * 51, "-a"])
def test_a_mailbox_has_a_simple_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"Use up to 50 letters, digits, - and _ for the name of a mailbox\."):
        parse_mailboxes({name: {}})


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"owner": "mia"}, "owner is 'mia'. "),
        ({"own_addresses": ["@example.com", "sales"]}, "own_addresses has 'sales'. "),
        (
            {"own_addresses": ["@"]},
            "own_addresses has '@'. Must be an e-mail address, or a domain such as @example.com.",
        ),
    ],
)
def test_an_invalid_address_is_refused_at_the_start(table: dict[str, Any], message: str) -> None:
    expected = f"The setting mailboxes is not valid. Mailbox sales: {message}"
    with pytest.raises(SettingsError, match=re.escape(expected)):
        policies_of_mailboxes(InternationalNormalizer(), parse_mailboxes({"sales": table}))
