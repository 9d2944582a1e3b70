"""Test the journey of docs/tasks.md: from the rule that makes a task to the calendar that shows the next one.

Only the clock is not real, because the journey takes two days.
"""

import json
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from icalendar import Calendar

from e2e.readme import block
from leads_adapters.notifiers import smtp
from leads_app.digest_settings import parse_digest
from leads_app.rule_settings import parse_rules
from mail_server import MailServer, a_mail_server
from rest import ON_BOTH_DATABASES, Service

PAGE = "docs/tasks.md"
MONDAY, TUESDAY, WEDNESDAY = (datetime(2030, 1, day, 9, 30, tzinfo=UTC) for day in (14, 15, 16))
MIA = "mia@example.com"
JANE = {"name": "Jane Roe", "email": "jane@example.com", "phone": "+12025550123", "owner": MIA}


def start_as_on_the_page(start: Callable[..., Service], mail: MailServer) -> Service:
    """Start a service with the settings of the page, and with a mail server of the test."""
    settings = tomllib.loads(block("[[follow_up_rules]]", PAGE))
    service = start(
        default_channel="mail",
        follow_up_rules=parse_rules(settings["follow_up_rules"]),
        digest=parse_digest({**settings["digest"], "channel": "mail"}),
        public_url="https://leads.example.com",
    )
    options = {"url": f"smtp://localhost:{mail.port}", "sender": settings["channels"]["email"]["sender"]}
    service.channels["mail"] = smtp.create(options)  # type: ignore[assignment]
    return service


@ON_BOTH_DATABASES
def test_a_task_of_a_rule_is_reminded_of_completed_followed_listed_and_shown(start: Callable[..., Service]) -> None:
    with a_mail_server() as mail:
        service = start_as_on_the_page(start, mail)
        api = service.client("agent")

        service.clock.time = MONDAY
        lead = api.post("/leads", JANE).expect(201).headers["location"]
        [task] = api.get("/tasks?state=open").expect(200).json["items"]
        assert (task["text"], task["assignee"]) == ("Call Jane Roe", MIA)
        assert datetime.fromisoformat(task["due_at"]) == TUESDAY
        assert service.dispatch() == 0

        service.clock.time = TUESDAY.replace(hour=7, minute=0)  # eight o'clock in Berlin
        assert service.dispatch() == 1
        service.clock.time = TUESDAY
        assert service.dispatch() == 1
        digest, reminder = mail.mails
        assert digest.message["Subject"] == "1 task due today"
        assert reminder.recipients == [MIA]
        assert reminder.message["Subject"] == "Call Jane Roe"
        assert "+12025550123" in reminder.text
        assert f"https://leads.example.com{lead}" in reminder.text

        service.clock.advance(timedelta(hours=1))
        assert [each["id"] for each in api.get("/tasks?overdue=true").json["items"]] == [task["id"]]
        assert [each["name"] for each in api.get("/leads?follow_up=overdue").json["items"]] == ["Jane Roe"]
        completion = json.loads(re.findall(r"-d '(.*?)'", block("/complete", PAGE), re.DOTALL)[0])
        completed = api.post(f"/tasks/{task['id']}/complete", completion).expect(200).json
        assert (completed["task"]["state"], completed["task"]["outcome"]) == ("done", completion["outcome"])
        assert completed["lead"]["status"] == "contacted"
        assert completed["next"]["assignee"] == MIA
        assert api.get("/tasks?overdue=true").json["items"] == []

        service.clock.time = WEDNESDAY.replace(hour=6, minute=59)
        assert service.dispatch() == 0
        service.clock.time = WEDNESDAY.replace(hour=7, minute=0)
        assert service.dispatch() == 1
        assert service.dispatch() == 0
        digest = mail.mails[-1]
        assert (digest.recipients, digest.message["Subject"]) == ([MIA], "1 task due today")
        assert "2030-01-16 15:00 Jane Roe: Send the offer" in digest.text

        calendar = api.post("/calendars", {"owner": MIA}).expect(201).json["url"]
        secret = calendar.removeprefix("https://leads.example.com")
        [event] = Calendar.from_ical(service.anonymous().get(secret).expect(200).body).walk("VEVENT")
        assert "Send the offer" in event.decoded("SUMMARY")
        assert event.decoded("DTSTART") == datetime.fromisoformat(completed["next"]["due_at"])
