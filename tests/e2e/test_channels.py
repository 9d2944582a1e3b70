"""Channels are listed, tried out and checked at the terminal, with adapters from other packages."""

import json
import re

import pytest

from e2e.service import CommandResult, Site

SECRET = "hunter2-hunter2"
PIGEONS = """
import json
import sys
from datetime import timedelta

from leads_domain.notifier import Address, Receipt, Refused, TryAgain


class Pigeon:
    def __init__(self, needs, outcome, token):
        self.needs = needs
        self.outcome = outcome
        self.token = token

    def notify(self, notice):
        print(json.dumps({"email": notice.email, "phone": notice.phone, "message": notice.message}), file=sys.stderr)
        return self.do()

    def do(self):
        match self.outcome:
            case "later":
                raise TryAgain("It rains.", timedelta(minutes=5))
            case "never":
                raise Refused("There is no such address.")
            case "breaks":
                raise RuntimeError(self.token)
        return Receipt("feather")


class TamePigeon(Pigeon):
    def check(self):
        self.do()


def create(options, kind=Pigeon):
    needs = options.get("needs")
    return kind(Address(needs) if needs else None, options.get("outcome"), options["token"])


def create_tame(options):
    return create(options, TamePigeon)


def create_something(options):
    return object()
"""
ADAPTERS = {"pigeon": "pigeons:create", "tame": "pigeons:create_tame", "stone": "pigeons:create_something"}


@pytest.fixture
def site(site: Site) -> Site:
    site.install("pigeons", PIGEONS, {"leads.notifiers": ADAPTERS})
    return site


def configure(site: Site, **channels: str) -> None:
    """Channels with these adapters and options, such as `pigeon needs=email`."""
    text = ""
    for name, described in channels.items():
        adapter, *options = described.split()
        members = {"adapter": adapter, "token": SECRET} | dict(option.split("=") for option in options)
        text += f"[channels.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in members.items())
    site.write("leads.toml", text)


def output_of(finished: CommandResult) -> str:
    """Return the whole output, after checking that it contains no secret."""
    text = finished.out + finished.err
    assert SECRET not in text
    return text


def test_channels_and_adapters_are_listed_without_options(site: Site) -> None:
    configure(site, loft="pigeon needs=phone", mail="tame needs=email")
    listed = site.leads("channels").expect(0)
    log, *others = listed.out.splitlines()
    assert log.startswith("log: log from leads-desk ")
    assert others[:2] == [
        "loft: pigeon from pigeons 1.0, needs a phone number",
        "mail: tame from pigeons 1.0, needs an e-mail address",
    ]
    assert re.fullmatch(
        r"Adapters: apprise \(leads-desk \S+\), log \(leads-desk \S+\), pigeon \(pigeons 1\.0\), "
        r"smtp \(leads-desk \S+\), stone \(pigeons 1\.0\), tame \(pigeons 1\.0\), webhook \(leads-desk \S+\)",
        others[2],
    )
    assert "token" not in output_of(listed)


def test_an_invalid_channel_does_not_hide_the_others(site: Site) -> None:
    configure(site, lost="dodo", loft="pigeon", wrong="pigeon needs=worms", stone="stone")
    listed = site.leads("channels").expect(1)
    assert [line.split(":")[0] for line in listed.out.splitlines()] == ["log", "loft", "Adapters"]
    message = output_of(listed)
    for name in ("lost", "wrong", "stone"):
        assert f"The channel {name} " in message
    assert "Traceback" not in message


def test_a_test_notice_is_sent_to_the_address_that_the_channel_needs(site: Site) -> None:
    configure(site, loft="pigeon needs=phone", mail="pigeon needs=email", room="pigeon")
    by_phone = site.leads("channels", "test", "loft", "--to", "030 123456", LEADS_DEFAULT_REGION="DE").expect(0)
    assert json.loads(by_phone.err)["phone"] == "+4930123456"
    assert by_phone.out == "Sent: the channel loft accepted the notice.\n"
    by_email = site.leads("channels", "test", "mail", "--to", "ann@example.com", "--message", "Hello!").expect(0)
    assert json.loads(by_email.err) == {"email": "ann@example.com", "phone": None, "message": "Hello!"}
    for address in ([], ["--to", "ann@example.com"], ["--to", "+4930123456"]):
        site.leads("channels", "test", "room", *address).expect(0)
    assert [path.name for path in site.folder.iterdir()] == ["leads.toml"]  # and no database


def test_an_address_that_the_channel_does_not_accept_is_refused_and_nothing_is_sent(site: Site) -> None:
    configure(site, loft="pigeon needs=phone", mail="pigeon needs=email")
    missing = site.leads("channels", "test", "mail").expect(2)
    assert "needs an e-mail address" in " ".join(output_of(missing).split())
    for name, address in (("mail", "+4930123456"), ("loft", "ann@example.com"), ("mail", "ann@")):
        wrong = site.leads("channels", "test", name, "--to", address).expect(1)
        assert wrong.err.startswith("leads: The address in --to is not valid. ")
        assert "message" not in wrong.err


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        ("later", "leads: Try again in 300 s: It rains.\n"),
        ("never", "leads: Refused: There is no such address.\n"),
        ("breaks", "leads: Try again: The channel failed with RuntimeError.\n"),
    ],
)
def test_the_outcome_of_a_test_notice_is_reported(outcome: str, message: str, site: Site) -> None:
    configure(site, loft=f"pigeon outcome={outcome}")
    tested = site.leads("channels", "test", "loft").expect(1)
    assert output_of(tested).endswith(message)


def test_an_unknown_channel_cannot_be_tested(site: Site) -> None:
    assert "Use one of: log." in site.leads("channels", "test", "loft").expect(1).err


def test_an_invalid_channel_does_not_prevent_a_test_of_another(site: Site) -> None:
    configure(site, lost="dodo", loft="pigeon")
    site.leads("channels", "test", "loft").expect(0)


def test_doctor_checks_channels_and_sends_nothing(site: Site) -> None:
    site.leads("migrate").expect(0)
    configure(site, loft="pigeon outcome=never", mail="tame")
    healthy = site.leads("doctor").expect(0)
    assert "ok     channels: log (log), loft (pigeon), mail (tame)\n" in healthy.out
    assert "message" not in output_of(healthy)


def test_doctor_reports_every_invalid_channel(site: Site) -> None:
    site.leads("migrate").expect(0)
    configure(site, lost="dodo", mail="tame outcome=later", room="tame outcome=breaks", loft="tame")
    ill = site.leads("doctor").expect(1)
    [error] = [line for line in output_of(ill).splitlines() if line.startswith("ERROR")]
    assert error.startswith("ERROR  channels: The channel lost uses the adapter 'dodo'")
    assert "The channel mail does not work: It rains. " in error
    assert error.endswith("The channel room does not work: The channel failed with RuntimeError.")
    assert "loft" not in error
