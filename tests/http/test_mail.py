"""Test what becomes of e-mail messages, from their bytes to the responses of the API."""

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from builders import a_rule
from leads_adapters.mail.reading import read_mail
from leads_adapters.notifiers import smtp
from mail_server import a_mail_server
from rest import Api, Service

ADA = {"name": "Ada Muster", "email": "ada@example.com"}
RULES = [a_rule(text="Hello {name}", after=timedelta(minutes=1)), a_rule(text="Are you there?")]


def a_message(sender: str = "Ada Muster <ada@example.com>", **headers: str) -> bytes:
    """Return a message with these headers: `in_reply_to` is `In-Reply-To`."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "sales@example.net"
    message["Subject"] = "Delivery"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Do you deliver on Saturdays?")
    return bytes(message)


def receive(service: Service, message: bytes) -> str:
    """Receive and process a message as the service does, and return the path of its submission."""
    database = service.container.database()
    received = service.run(database.write(service.container.receive_mail(), "sales", read_mail(message)))
    service.container.submission_processor().wake()
    service.process_received()
    return f"/submissions/{received.submission.id}"


def types(api: Api, lead: str) -> list[str]:
    """Return the types of the timeline entries of a lead, oldest first."""
    return [each["type"] for each in api.get(f"{lead}/timeline").json["items"]][::-1]


def test_a_message_is_a_submission_that_became_an_enquiry(service: Service, api: Api) -> None:
    path = receive(service, a_message(message_id="<1@mail.example>"))
    submission = api.get(path).expect(200).json
    assert (submission["origin"], submission["state"], submission["reason"]) == ("mailbox:sales", "accepted", None)
    assert submission["content"] == {
        "from": "ada@example.com",
        "name": "Ada Muster",
        "subject": "Delivery",
        "message": "Do you deliver on Saturdays?",
        "message_id": "1@mail.example",
    }
    [listed] = api.get("/submissions?origin=mailbox:sales").json["items"]
    assert listed == submission
    lead = api.get(f"/leads/{submission['lead_id']}").expect(200).json
    assert (lead["email"], lead["name"]) == ("ada@example.com", "Ada Muster")


def test_a_message_without_a_valid_sender_is_accepted_after_review(service: Service, api: Api) -> None:
    path = receive(service, a_message("ada at example"))
    [waiting] = api.get("/submissions?state=needs_review").json["items"]
    assert waiting["reason"] == "No sender has a valid e-mail address."
    assert api.post(f"{path}/accept").errors().keys() == {""}

    accepted: dict[str, Any] = api.post(f"{path}/accept", ADA).expect(200).json
    assert accepted["lead"]["email"] == "ada@example.com"
    assert accepted["enquiry"]["data"]["message"] == "Delivery\n\nDo you deliver on Saturdays?"
    assert api.get(path).json["lead_id"] == accepted["lead"]["id"]


@pytest.mark.parametrize("is_automatic", [False, True])
def test_a_reply_to_a_message_that_was_sent_stops_the_rules_unless_it_is_automatic(
    start: Callable[..., Service], is_automatic: bool
) -> None:
    with a_mail_server() as mail:
        service = start(default_channel="mail", follow_up_rules=RULES)
        options = {"url": f"smtp://localhost:{mail.port}", "sender": "Sales <sales@example.net>"}
        service.channels["mail"] = smtp.create(options)  # type: ignore[assignment]
        api = service.client("agent")
        lead = api.post("/leads", ADA).expect(201).headers["location"]
        service.clock.advance(timedelta(minutes=1))
        assert service.dispatch() == 1
        [sent] = mail.mails

        headers = {"auto_submitted": "auto-replied"} if is_automatic else {}
        message_id = sent.message["Message-ID"]
        path = receive(service, a_message("ada@home.example.org", in_reply_to=message_id, **headers))

        states = [each["state"] for each in api.get(f"{lead}/follow-ups").json["items"]]
        replied = ["lead.replied", "follow_up.cancelled"]
        assert states == ["sent", "scheduled" if is_automatic else "cancelled"]
        assert types(api, lead)[-3:] == ["follow_up.sent", *replied] if not is_automatic else ["follow_up.sent"]
        assert api.get(path).json["state"] == ("ignored" if is_automatic else "accepted")
        assert api.get("/leads?count=true").json["total"] == 1
        service.clock.advance(timedelta(days=2))
        assert service.dispatch() == int(is_automatic)
