"""The channels of leads send follow-ups as configured in leads.toml."""

import re
from typing import Any
from urllib.parse import unquote

from e2e.service import Service, Site, eventually
from mail_server import PASSWORD, USER, MailServer, a_mail_server
from webhook_receiver import SECRET, Receiver, a_receiver


def configure(site: Site, mail: MailServer, receiver: Receiver) -> None:
    """Configure both channels."""
    site.write(
        "leads.toml",
        f"""
        [channels.email]
        adapter = "smtp"
        url = "smtp://{USER}:{PASSWORD}@localhost:{mail.port}"
        sender = "Sales <sales@example.com>"

        [channels.hook]
        adapter = "webhook"
        url = "{receiver.url}"
        secret = "{SECRET}"
        """,
    )


def attempted(service: Service, lead: str, channel: str) -> Any:
    """Schedule a follow-up of a lead, and return it after the first attempt."""
    path = service.post(f"{lead}/follow-up", {"channel": channel}).expect(202).headers["location"]

    def attempted_follow_up() -> Any:
        follow_up = service.get(path).json
        return follow_up if follow_up["sent_at"] or follow_up["last_error"] else None

    return eventually(attempted_follow_up)


def test_follow_ups_are_sent_by_e_mail_and_webhook_without_printing_a_secret(site: Site) -> None:
    with a_mail_server(auth_require_tls=False) as mail, a_receiver() as receiver:
        configure(site, mail, receiver)
        with site.serve() as service:
            doctor = site.leads("doctor").expect(0)
            lead = service.post("/leads", {"name": "Doe, Jane", "email": "jane@example.com"}).expect(201)
            path = lead.headers["location"]
            sent = [attempted(service, path, channel) for channel in ("email", "hook")]
            mail.reply("RCPT", f"450 4.2.0 {PASSWORD}")
            receiver.respond(410)
            later, failed = (attempted(service, path, channel) for channel in ("email", "hook"))
    assert [each["state"] for each in sent] == ["sent", "sent"]
    [message] = mail.mails
    assert (message.recipients, message.logged_in) == (["jane@example.com"], True)
    assert receiver.posts[0].verify()["data"]["follow_up_id"] == sent[1]["id"]
    assert (later["state"], later["last_error"]) == (
        "scheduled",
        "The mail server refused the recipient with 450 4.2.0.",
    )
    assert (failed["state"], failed["last_error"]) == ("failed", "The receiver responded with 410.")
    printed = doctor.out + doctor.err + service.out + service.err
    assert [secret for secret in (PASSWORD, SECRET, receiver.url) if secret in printed] == []


def test_follow_ups_are_sent_by_a_gateway_without_printing_a_secret(site: Site) -> None:
    with a_receiver() as gateway:
        address = gateway.url.removeprefix("http://")
        site.write(
            "leads.toml", f'[channels.sms]\nadapter = "apprise"\nurl = "json://sales:hunter2@{address}/{{phone}}"\n'
        )
        listed = site.leads("channels").expect(0)
        tested = site.leads("channels", "test", "sms", "--to", "+4915112345678").expect(0)
        with site.serve() as service:
            doctor = site.leads("doctor").expect(0)
            contact = {"name": "Doe, Jane", "email": "jane@example.com", "phone": "+4915187654321"}
            lead = service.post("/leads", contact).expect(201).headers["location"]
            sent = attempted(service, lead, "sms")
            gateway.respond(503)
            later = attempted(service, lead, "sms")
            without_phone = service.post("/leads", {"name": "Joe", "email": "joe@example.com"}).expect(201)
            service.post(f"{without_phone.headers['location']}/follow-up", {"channel": "sms"}).expect(422)
    assert re.search(r"^sms: apprise from leads-desk \S+, needs a phone number$", listed.out, re.MULTILINE)
    assert tested.out == "Sent: the channel sms accepted the notice.\n"
    assert "ok     channels: log (log), sms (apprise)\n" in doctor.out
    numbers = [unquote(post.path.rpartition("/")[2]) for post in gateway.posts]
    assert numbers == ["+4915112345678", "+4915187654321", "+4915187654321"]
    assert sent["state"] == "sent"
    assert (later["state"], later["last_error"]) == (
        "scheduled",
        "The gateway did not accept the message: it responded with 503.",
    )
    printed = "".join(each.out + each.err for each in (listed, tested, doctor, service))
    assert [secret for secret in ("hunter2", address, "+4915187654321") if secret in printed] == []
