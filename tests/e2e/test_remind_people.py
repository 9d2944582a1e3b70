"""The commands and examples of docs/remind-people.md work as printed, with another mail server, receiver and port."""

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import BIN, HOST, CommandResult, Service, Site, eventually
from leads_app.settings import load_settings
from mail_server import PASSWORD, USER, a_mail_server
from webhook_receiver import a_receiver

PAGE = "docs/remind-people.md"

CHANNEL = 'default_channel = "email"'
TEST_MESSAGE = "leads channels test email"
VARIABLES = "URL=http"
SCHEDULE = "/follow-up -H"
CHANGE = "FOLLOW_UP=..."
RULES = "[[follow_up_rules]]"
RETRY = "/retry"
MAIL = "Subject: Ada Muster"
DIGEST = "[digest]"
WEBHOOK = "[channels.hook]"
HEADERS = "POST /hooks/leads"
BODY = '"type": "follow_up.due"'
VERIFIER = "def is_genuine"
TRIED = [CHANNEL, TEST_MESSAGE, VARIABLES, SCHEDULE, CHANGE, RULES, RETRY, MAIL, DIGEST]
TRIED += [WEBHOOK, HEADERS, BODY, VERIFIER]
NOT_TRIED = {
    "smtps://": "the adapter takes it in tests/unit/test_docs.py; it needs a server with a trusted certificate",
    "Due today (1)": "tests/unit/use_cases/test_compose_digest.py tests the text; the days of the example are fixed",
    "[channels.sms]": "the adapter takes it in tests/unit/test_docs.py; it needs an account",
}

JANE = {"name": "Jane Roe", "email": "jane@example.com", "phone": "+12025550123"}


def test_every_block_is_run_or_has_a_reason_why_not() -> None:
    assert_every_block_is_listed(PAGE, [*TRIED, *NOT_TRIED])


def commands(service: Service, part: str, **values: str) -> CommandResult:
    """Run a block after that with the variables, with these values for `NAME=...`."""
    script = (block(VARIABLES, PAGE) + block(part, PAGE)).replace(f"{HOST}:8000", f"{HOST}:{service.port}")
    for name, value in {"KEY": service.site.key, **values}.items():
        lines = [line for line in script.splitlines() if line.startswith(f"{name}=")]
        script = script.replace(lines[0], f"{name}={value}") if lines else f"{name}={value}\n{script}"
    (service.site.home / ".curlrc").write_text('silent\nshow-error\nfail\nwrite-out = "\\n"\n', "utf-8")
    return service.site.shell(script).expect(0)


def bodies(finished: CommandResult) -> list[Any]:
    """Return the bodies of the responses."""
    return [json.loads(line) for line in finished.out.splitlines() if line]


def test_the_channel_sends_a_test_message(site: Site) -> None:
    with a_mail_server(auth_require_tls=False) as mail:
        printed = tomllib.loads(block(CHANNEL, PAGE))["channels"]["email"]["url"]
        server = f"smtp://{USER}:{PASSWORD}@localhost:{mail.port}"
        site.write("leads.toml", block(CHANNEL, PAGE).replace(printed, server))
        site.shell(block(TEST_MESSAGE, PAGE), PATH=f"{BIN}:{site.environment()['PATH']}").expect(0)
    [message] = mail.mails
    assert message.recipients == ["you@example.com"]


def test_a_follow_up_is_scheduled_listed_changed_and_cancelled(site: Site) -> None:
    with site.serve() as service:
        lead = service.post("/leads", JANE).expect(201).json["id"]
        [scheduled] = bodies(commands(service, SCHEDULE, ID=lead))
        assert (scheduled["message"], scheduled["state"]) == ("Shall we talk on Tuesday?", "scheduled")
        assert scheduled["due_at"] == "2030-01-12T08:00:00.000000Z"
        listed, overdue, changed, cancelled = bodies(commands(service, CHANGE, ID=lead, FOLLOW_UP=scheduled["id"]))
        assert listed["items"] == [scheduled]
        assert overdue["items"] == []
        assert changed["due_at"] == "2030-01-14T08:00:00.000000Z"
        assert changed["message"] == "Shall we talk on Wednesday?"
        assert cancelled["state"] == "cancelled"


def test_rules_schedule_follow_ups_within_working_hours_cancel_them_and_make_tasks(site: Site) -> None:
    site.write("leads.toml", block(RULES, PAGE))
    with site.serve() as service:
        place = service.post("/leads", JANE | {"owner": "sales@example.com"}).expect(201).headers["location"]
        [reminder] = service.items(f"{place}/follow-ups")
        assert (reminder["recipient"], reminder["rule_status"]) == ("owner", "new")
        assert reminder["message"].startswith("Jane Roe <jane@example.com> has waited for a first contact since ")
        due = datetime.fromisoformat(reminder["due_at"])
        assert due >= datetime.now(UTC) + timedelta(hours=23)
        assert due.weekday() < 5
        service.patch(place, {"status": "contacted"}).expect(200)
        follow_ups = service.items(f"{place}/follow-ups")
        assert sorted((each["rule_status"], each["state"]) for each in follow_ups) == [
            ("contacted", "scheduled"),
            ("contacted", "scheduled"),
            ("new", "cancelled"),
        ]
        service.patch(place, {"status": "qualified"}).expect(200)
        [task] = service.items(f"{place}/tasks")
        assert (task["text"], task["assignee"]) == ("Call Jane Roe about the offer", "sales@example.com")
        [reminder] = [each for each in service.items(f"{place}/follow-ups") if each["state"] == "scheduled"]
        assert (reminder["task_id"], reminder["due_at"]) == (task["id"], task["due_at"])


def test_the_digest_of_the_page_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "leads.toml").write_text(block(DIGEST, PAGE), "utf-8")
    digest = load_settings({}, tmp_path).digest
    assert digest is not None
    assert digest.channel == "email"


def test_a_colleague_gets_the_message_of_the_page(site: Site) -> None:
    printed = block(MAIL, PAGE)
    fields = dict(line.split(": ", 1) for line in printed.splitlines() if ": " in line)
    public_url = fields["Link"].partition("/leads/")[0]
    values = {name: fields[name.capitalize()] for name in ("name", "phone", "source", "owner")}
    ada = {"email": fields["E-mail"], "attributes": {"budget": int(fields["budget"])}, **values}
    with a_mail_server(auth_require_tls=False) as mail:
        channel = tomllib.loads(block(CHANNEL, PAGE))["channels"]["email"]["url"]
        site.write("leads.toml", block(CHANNEL, PAGE).replace(channel, f"smtp://localhost:{mail.port}"))
        with site.serve(LEADS_PUBLIC_URL=public_url) as service:
            place = service.post("/leads", ada).expect(201).headers["location"]
            service.patch(place, {"status": fields["Status"]}).expect(200)
            call = {"message": printed.splitlines()[2], "recipient": "owner"}
            service.post(f"{place}/follow-up", call).expect(202)
            eventually(lambda: mail.mails)
    [message] = mail.mails
    assert message.recipients == [fields["Owner"]]
    text = f"Subject: {message.message['Subject']}\n\n{message.text}"
    assert text == printed.replace(fields["Link"], f"{public_url}{place}")


def send_to(site: Site, url: str) -> None:
    """Configure the page's webhook, with this URL."""
    channel = block(WEBHOOK, PAGE)
    site.write("leads.toml", channel.replace(tomllib.loads(channel)["channels"]["hook"]["url"], url))


def test_a_failed_follow_up_is_listed_and_retried(site: Site) -> None:
    with a_receiver() as receiver:
        send_to(site, receiver.url)
        receiver.respond(410)
        with site.serve() as service:
            lead = service.post("/leads", JANE).expect(201).json["id"]
            id = service.post(f"/leads/{lead}/follow-up", {"channel": "hook"}).expect(202).json["id"]
            eventually(lambda: service.get(f"/follow-ups/{id}").json["state"] == "failed")
            listed, retried = bodies(commands(service, RETRY, ID=lead, FOLLOW_UP=id))
            assert [each["id"] for each in listed["items"]] == [id]
            assert listed["items"][0]["last_error"] == "The receiver responded with 410."
            assert retried["state"] == "scheduled"
            eventually(lambda: service.get(f"/follow-ups/{id}").json["state"] == "sent")
    assert len(receiver.posts) == 2


@pytest.fixture
def is_genuine() -> Any:
    """Return the function of the page that checks signatures."""
    names: dict[str, Any] = {}
    exec(block(VERIFIER, PAGE), names)
    return names["is_genuine"]


def fields(value: Any) -> Any:
    """Return the names of the fields, in order and nested."""
    return {name: fields(each) for name, each in value.items()} if isinstance(value, dict) else None


def test_a_webhook_has_the_headers_and_fields_of_the_example_and_a_genuine_signature(
    site: Site, is_genuine: Any
) -> None:
    secret = tomllib.loads(block(WEBHOOK, PAGE))["channels"]["hook"]["secret"]
    with a_receiver() as receiver:
        send_to(site, receiver.url)
        with site.serve() as service:
            lead = service.post("/leads", JANE).expect(201).headers["location"]
            service.post(f"{lead}/follow-up", {"channel": "hook"}).expect(202)
            eventually(lambda: receiver.posts)
    [post] = receiver.posts
    headers = {name.lower(): value for name, value in post.headers.items()}
    assert is_genuine(secret, headers, post.body)
    assert not is_genuine(secret, headers, post.body + b" ")
    printed = block(HEADERS, PAGE).splitlines()[1:]
    assert {line.partition(":")[0].lower() for line in printed} <= headers.keys()
    example = json.loads(block(BODY, PAGE))
    assert fields(json.loads(post.body)) == fields(example)
    assert example["type"] == json.loads(post.body)["type"]
