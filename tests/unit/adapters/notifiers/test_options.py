"""Test the options of the notifiers."""

import subprocess
import sys

import pytest

from leads_adapters.notifiers import apprise, smtp, webhook
from leads_domain.notifier import Address

SMTP = {"url": "smtp+starttls://ann:hunter2@mail.example.com", "sender": "Sales <sales@example.com>"}
WEBHOOK = {"url": "https://example.com/hooks/hunter2", "secret": f"whsec_{'hunter2' * 5}A"}

APPRISE = {"url": f"twilio://AC{'0' * 32}:{'hunter2a' * 4}@+12025550100/{{phone}}"}


@pytest.mark.parametrize(
    ("url", "port"),
    [("smtp://mail", 25), ("smtp+starttls://mail", 587), ("smtps://mail", 465), ("smtp://mail:2525/", 2525)],
)
def test_a_mail_server_has_the_default_port_of_its_scheme(url: str, port: int) -> None:
    server = smtp._server(url)
    assert (server.host, server.port, server.user) == ("mail", port, "")


def test_user_and_password_can_have_any_ascii_characters() -> None:
    server = smtp._server("smtps://ann%40example.com:a%2Fb%3Ac%25@[::1]:4650")
    assert (server.user, server.password, server.host, server.port) == ("ann@example.com", "a/b:c%", "::1", 4650)


@pytest.mark.parametrize(
    "options",
    [
        {"url": "mail.example.com"},
        {"url": "http://ann:hunter2@mail.example.com"},
        {"url": "smtp://"},
        {"url": "smtp://ann:hunter2@"},
        {"url": "smtp://ann:hunter2@mail:port"},
        {"url": "smtp://ann:hunter2@mail:99999"},
        {"url": "smtp://ann:hunter2/@mail"},
        {"url": "smtp://ann:hunter2#@mail"},
        {"url": "smtp://ann:hunter2@mail?tls=no"},
        {"url": "smtp://ann:hunter2@mail/inbox"},
        {"url": "smtp://ann@mail"},
        {"url": "smtp://:hunter2@mail"},
        {"url": "smtp://ann:hunter2@mail\r\n"},
        {"url": "smtp://ann:hunter2%0D%0A@mail"},
        {"url": "smtp://ann:hunter2%C3%BC@mail"},
        {"url": "smtp://ann:hunter2@[::1"},
        {"sender": ""},
        {"sender": "Sales"},
        {"sender": "<>"},
        {"sender": "Sales <sales@example.com>, Eve <eve@example.org>"},
        {"sender": "Doe, Jane <jane@example.com>"},
        {"sender": "Sales <sales@example.com> and more"},
        {"sender": "Sales\r\nBcc: eve@example.org <sales@example.com>"},
        {"sender": "Sales\n <sales@example.com>"},
        {"sender": "Sales\0 <sales@example.com>"},
        {"sender": "Sales <größe@example.com>"},
        {"sender": "Sales <sales@bücher.example>"},
        {"subject": ""},
        {"subject": "Hello\r\nBcc: eve@example.org"},
        {"timeout": "0"},
        {"timeout": "-1"},
        {"timeout": "26"},
        {"timeout": "nan"},
        {"timeout": "a while"},
        {"pasword": "hunter2"},
    ],
    ids=repr,
)
def test_invalid_options_of_smtp_are_reported_without_their_values(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="|".join(["the options are url", *options])) as caught:
        smtp.create(SMTP | options)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "options",
    [
        {"url": ""},
        {"url": "example.com/hunter2"},
        {"url": "ftp://example.com/hunter2"},
        {"url": "https:///hunter2"},
        {"url": "https://example.com:port/hunter2"},
        {"url": "https://example.com/hunter2\r\nX-Evil: 1"},
        {"secret": ""},
        {"secret": "hunter2"},
        {"secret": "whsec_"},
        {"secret": "whsec_hunter2="},
        {"secret": "whsec_hunter2!" + "A" * 33},
        {"secret": "hunter2" * 5 + "A"},
        {"secret": "whsec_" + "A" * 100},
        {"timeout": "26"},
        {"token": "hunter2"},
    ],
    ids=repr,
)
def test_invalid_options_of_webhook_are_reported_without_their_values(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="|".join(["the options are url", *options])) as caught:
        webhook.create(WEBHOOK | options)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "options",
    [
        {"url": ""},
        {"url": "hunter2"},
        {"url": "hunter2://example.com"},
        {"url": "twilio://hunter2@+12025550100/{phone}"},
        {"url": "json://example.com/hunter2/{email}/{phone}"},
        {"url": "json://example.com/hunter2/{name}"},
        {"url": "json://example.com/hunter2/{}/{phone}"},
        {"url": "json://example.com/hunter2/{/{phone}"},
        {"url": "json://example.com/hunter2/{phone}}"},
        {"url": "json://example.com/hunter2/{PHONE}"},
        {"url": "{phone}://example.com/hunter2"},
        {"timeout": "26"},
        {"token": "hunter2"},
    ],
    ids=repr,
)
def test_invalid_options_of_apprise_are_reported_without_their_values(
    options: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="|".join(["the options are url", *options])) as caught:
        apprise.create(APPRISE | options)
    assert "hunter2" not in str(caught.value) + "".join(capfd.readouterr())
    assert caught.value.__cause__ is None


def test_the_error_says_how_to_install_apprise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[apprise\]' in a clone"):
        apprise.create(APPRISE)


def test_apprise_is_imported_only_for_a_channel_that_needs_it() -> None:
    program = (
        "import sys, leads_app.container, leads_adapters.notifiers.apprise;"
        "sys.exit(bool({'apprise', 'requests'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_option_is_named() -> None:
    for create, options in ((smtp.create, SMTP), (webhook.create, WEBHOOK), (apprise.create, APPRISE)):
        for name in options:
            with pytest.raises(KeyError, match=name):
                create({other: value for other, value in options.items() if other != name})


def test_the_notifiers_declare_the_address_that_they_need() -> None:
    assert smtp.create(SMTP).needs is Address.EMAIL
    assert webhook.create(WEBHOOK).needs is None
    assert apprise.create(APPRISE).needs is Address.PHONE
    assert apprise.create({"url": "mailto://ann:hunter2@example.com?to={email}"}).needs is Address.EMAIL
    assert apprise.create({"url": "json://example.com"}).needs is None
