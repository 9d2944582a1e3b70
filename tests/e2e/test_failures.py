"""Test that failures exit with 1 and one line with the reason, and wrong usage with 2."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from e2e.service import HOST, CommandResult, Site

SECRET = "hunter2"

CHAT = f'[channels.chat]\nadapter = "carrier-pigeon"\nurl = "https://ann:{SECRET}@chat.example.com"\n'
UNCLOSED = f'api_key = "{SECRET}\n'
BROKEN_PIPELINE = '[pipeline]\ninitial = "new"\n[pipeline.transitions]\nnew = ["won"]\n'
RULE = '[[follow_up_rules]]\nwhen = "new"\nafter = "24h"\nmessage = "Call {name}."\n'
FORM = "[forms.contact]\n"
DIGEST = """
[channels.sms]
adapter = "apprise"
url = "twilio://AC0123456789abcdef0123456789abcdef:0123456789abcdef0123456789abcdef@15551234567/{phone}"
[digest]
channel = "sms"
at = "08:00"
time_zone = "Europe/Berlin"
days = ["mon"]
"""
HOURS = '[working_hours]\nzone = "Europe/Atlantis"\ndays = ["mon"]\nfrom = "09:00"\nto = "17:00"\n'


def with_rules(written: str, instead: str) -> Mapping[str, str]:
    """Return a configuration file with two rules, the second with a replacement."""
    return {"leads.toml": RULE + RULE.replace(written, instead)}


@dataclass(frozen=True)
class Attempt:
    """A command that must fail, and words of its error message."""

    command: str
    names: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def with_database(url: str) -> Mapping[str, str]:
    """Return the setting of the database."""
    return {"LEADS_DATABASE_URL": url}


FAILURES = {
    "unknown setting": Attempt("pipeline", ("colour", "LEADS_DATABASE_URL"), {"LEADS_COLOUR": SECRET}),
    "ill-typed setting": Attempt("doctor", ("rate_limit", "600/minute"), {"LEADS_RATE_LIMIT": "plenty"}),
    "unknown region": Attempt("serve", ("default_region", "DE"), {"LEADS_DEFAULT_REGION": "XX"}),
    "damaged configuration file": Attempt("doctor", ("leads.toml", "line 1"), files={"leads.toml": UNCLOSED}),
    "broken pipeline": Attempt("pipeline", ("pipeline", "won"), files={"leads.toml": BROKEN_PIPELINE}),
    "rule of no status": Attempt("serve", ("Rule 2", "'old'", "contacted"), files=with_rules("new", "old")),
    "rule after no time": Attempt(
        "dispatch", ("Rule 2", "'-1h'", "30m"), files={**with_rules("24h", "-1h"), "leads.db": ""}
    ),
    "rule with a wrong placeholder": Attempt("doctor", ("Rule 2", "'nom'", "{name}"), files=with_rules("name", "nom")),
    "rule on no channel": Attempt(
        "serve", ("Rule 2", "'fax'", "log"), files=with_rules("after", 'channel="fax"\nafter')
    ),
    "hours of no zone": Attempt("serve", ("working_hours", "Europe/Atlantis"), files={"leads.toml": HOURS}),
    "digest by text message": Attempt("serve", ("digest", "sms", "phone number"), files={"leads.toml": DIGEST}),
    "digest to dispatch by text message": Attempt(
        "dispatch", ("digest", "sms", "phone number"), files={"leads.toml": DIGEST, "leads.db": ""}
    ),
    "form with an unknown key": Attempt("forms", ("Form contact", "colour"), files={"leads.toml": FORM + "colour = 5"}),
    "form with an owner of no address": Attempt(
        "serve", ("Form contact", "owner", "'Dana'"), files={"leads.toml": FORM + 'owner = "Dana"'}
    ),
    "unknown form": Attempt(
        "forms snippet nope --url https://leads.example.com", ("'nope'", "contact"), files={"leads.toml": FORM}
    ),
    "form without HTML": Attempt(
        "forms snippet contact --url https://leads.example.com",
        ("https://leads.example.com/forms/contact", "Google Ads"),
        files={"leads.toml": f'{FORM}kind = "google-ads"\nkey = "{SECRET}"'},
    ),
    "unknown adapter": Attempt("serve", ("chat", "carrier-pigeon", "log"), files={"leads.toml": CHAT}),
    "unknown adapter in two processes": Attempt(
        "serve --workers 2", ("chat", "carrier-pigeon", "log"), files={"leads.toml": CHAT}
    ),
    "unknown default channel": Attempt("serve", ("default_channel", "fax", "log"), {"LEADS_DEFAULT_CHANNEL": "fax"}),
    "database out of reach": Attempt("serve", ("/no/such.db", "no folder"), with_database("sqlite:///no/such.db")),
    "database that is another file": Attempt(
        "keys list", ("note.txt", "not a database"), with_database("sqlite:///note.txt"), {"note.txt": "Buy milk!"}
    ),
    "database that is a folder": Attempt("export", ("it is a folder",), with_database("sqlite:///.")),
    "database elsewhere": Attempt("export", ("database",), with_database(f"postgresql://ann:{SECRET}@{HOST}:1/leads")),
    "database of a host": Attempt("migrate", ("database",), with_database(f"sqlite://ann:{SECRET}@{HOST}/leads.db")),
    "database with another driver": Attempt("migrate", ("database",), with_database("sqlite+aiosqlite:///leads.db")),
    "database with wrong options": Attempt("migrate", ("database",), with_database("sqlite:///leads.db?timeout=long")),
    "unknown host": Attempt("serve --host nowhere.invalid", ("nowhere.invalid",)),
    "unknown key": Attempt(
        "keys revoke 01900000-0000-7000-8000-000000000000",
        ("API key", "01900000-0000-7000-8000-000000000000"),
        files={"leads.db": ""},
    ),
    "file without an e-mail address": Attempt(
        "import a.csv", ('"email" or "phone"', '"name"'), files={"a.csv": "name,company\n"}
    ),
    "unknown suffix": Attempt("import a.pdf", ("'a.pdf'", ".csv", ".xlsx"), files={"a.pdf": "email\n"}),
    "export into no folder": Attempt("export nowhere/a.csv", ("nowhere/a.csv",), files={"leads.db": ""}),
}

MISUSES = {
    "unknown command": Attempt("sell", ("sell",)),
    "unknown role": Attempt("keys create --name x --role boss", ("boss", "admin")),
    "form at no address": Attempt("forms snippet contact --url leads.example.com", ("--url", "https://")),
    "form at an unknown address": Attempt("forms snippet contact", ("--url", "LEADS_PUBLIC_URL")),
    "missing file": Attempt("import missing.csv", ("missing.csv",)),
    "unknown suffix": Attempt("export a.xlsx", ("'a.xlsx'", "--format")),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_reported_in_one_line_that_names_the_error(name: str, site: Site) -> None:
    failed = outcome(FAILURES[name], site).expect(1)
    *before, line = failed.err.splitlines()
    assert [other for other in before if not other.startswith("Database: ")] == []
    assert line.startswith("leads: ")
    assert [word for word in FAILURES[name].names if word not in line] == []
    assert SECRET not in line
    assert failed.out == ""


@pytest.mark.parametrize("name", MISUSES)
def test_wrong_usage_has_another_exit_code_than_failure(name: str, site: Site) -> None:
    failed = outcome(MISUSES[name], site).expect(2)
    assert [word for word in MISUSES[name].names if word not in failed.err] == []
    assert "Traceback" not in failed.err
    assert failed.out == ""


def outcome(attempt: Attempt, site: Site) -> CommandResult:
    """Run the command and return its result."""
    for name, text in attempt.files.items():
        site.write(name, text)
    return site.leads(*attempt.command.split(), **attempt.environment)
