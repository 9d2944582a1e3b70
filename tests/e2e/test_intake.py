"""The commands and examples of docs/intake.md work as printed, with another address, port and key."""

import json
import tomllib
from html.parser import HTMLParser
from typing import Any

import pytest

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import BIN, CommandResult, Service, Site

PAGE = "docs/intake.md"
WEBSITE = "https://www.example.com"
PUBLIC_URL = "https://leads.example.com"

VALUES = "KEY=agent_..."
CONTACT = "[forms.contact]"
SNIPPET = "leads forms snippet"
FIND = "/leads?source=website"
OWN_HTML = "<label>Name"
SCRIPT = "new FormData"
SURVEY = "[forms.survey]"
SEND_SURVEY = "$URL/forms/survey"
ACCEPTED = '{"accepted": true}'
GOOGLE = "[forms.google]"
CREATE_KEY = "leads keys create"
SEND = "$URL/enquiries"
BACK_END = "def send_enquiry"
REVIEW = "state=needs_review"
NOTIFICATION = "[[follow_up_rules]]"
FORM_DATA = {"name": "Ada Muster", "email": "ada@example.com", "message": "Do you deliver?"}


def test_every_block_is_run() -> None:
    parts = [VALUES, CONTACT, SNIPPET, FIND, OWN_HTML, SCRIPT, SURVEY, SEND_SURVEY, ACCEPTED, GOOGLE]
    assert_every_block_is_listed(PAGE, [*parts, CREATE_KEY, SEND, BACK_END, REVIEW, NOTIFICATION])


class Form(HTMLParser):
    """The address of the form in a page, and the names of its fields."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.action, self.names = "", list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the form and its fields."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            assert attributes["method"] == "post"
            self.action = attributes["action"]
        elif tag in ("input", "textarea"):
            self.names.append(attributes["name"])


def run(service: Service, part: str, *replacements: tuple[str, str], key: str = "") -> CommandResult:
    """Run a block of the page after these replacements."""
    script = block(part, PAGE)
    for old, new in replacements:
        assert old in script
        script = script.replace(old, new)
    path = f"{BIN}:{service.site.environment()['PATH']}"
    return service.site.shell(script, URL=service.url, KEY=key or service.site.key, PATH=path).expect(0)


def send(service: Service, action: str, fields: dict[str, str], **headers: str) -> Any:
    """Send a form as a browser does from the website of the page."""
    path = action.removeprefix(PUBLIC_URL)
    assert path.startswith("/forms/")
    return service.client.post(path, data=fields, headers={"Origin": WEBSITE, **headers})


@pytest.mark.parametrize("part", [SNIPPET, OWN_HTML])
def test_a_form_of_a_website_makes_a_lead(site: Site, part: str) -> None:
    site.write("leads.toml", block(CONTACT, PAGE))
    with site.serve() as service:
        form = Form(run(service, SNIPPET).out if part == SNIPPET else block(OWN_HTML, PAGE))
        assert {*FORM_DATA} <= {*form.names}
        response = send(service, form.action, FORM_DATA)
        assert (response.status_code, response.headers["location"]) == (303, f"{WEBSITE}/thanks")
        service.finish_processing()
        [lead] = json.loads(run(service, FIND).out)["items"]
        assert (lead["name"], lead["email"]) == ("Ada Muster", "ada@example.com")


def test_a_script_of_the_website_gets_json(site: Site) -> None:
    site.write("leads.toml", block(CONTACT, PAGE))
    assert 'headers = {Accept: "application/json"}' in block(SCRIPT, PAGE)
    with site.serve() as service:
        response = send(service, f"{PUBLIC_URL}/forms/contact", FORM_DATA, Accept="application/json")
        assert (response.status_code, response.json()) == (202, json.loads(block(ACCEPTED, PAGE)))
        assert response.headers["access-control-allow-origin"] == WEBSITE
        refused = send(service, f"{PUBLIC_URL}/forms/contact", {"email": "ada"}, Accept="application/json")
        assert refused.json()["errors"][0]["detail"]


def test_a_form_service_sends_nested_json(site: Site) -> None:
    site.write("leads.toml", block(SURVEY, PAGE))
    with site.serve() as service:
        assert json.loads(run(service, SEND_SURVEY).out) == json.loads(block(ACCEPTED, PAGE))
        service.finish_processing()
        [lead] = service.items("/leads")
        assert (lead["name"], lead["email"], lead["phone"], lead["source"]) == (
            "Ada Muster",
            "ada@example.com",
            "+4930123456",
            "survey",
        )


def test_the_test_of_google_ads_is_a_submission_and_no_lead(site: Site) -> None:
    site.write("leads.toml", block(GOOGLE, PAGE))
    key = tomllib.loads(block(GOOGLE, PAGE))["forms"]["google"]["key"]
    columns = [{"column_id": "EMAIL", "string_value": "test@example.com"}]
    with site.serve() as service:
        sent = {"google_key": key, "lead_id": "1", "is_test": True, "user_column_data": columns}
        service.post("/forms/google", sent).expect(202)
        service.post("/forms/google", {**sent, "google_key": "other"}).expect(403)
        assert [each["state"] for each in service.items("/submissions")] == ["test"]
        assert service.items("/leads") == []


def test_what_nobody_can_answer_waits_for_review(site: Site) -> None:
    site.write("leads.toml", block(CONTACT, PAGE))
    with site.serve() as service:
        send(service, f"{PUBLIC_URL}/forms/contact", {"name": "Ada", "message": "Call me!"})
        service.finish_processing()
        [waiting] = json.loads(run(service, REVIEW).out)["items"]
        assert (waiting["content"]["message"], waiting["lead_id"]) == ("Call me!", None)


def test_a_rule_schedules_a_notification_of_each_enquiry(site: Site) -> None:
    site.write("leads.toml", block(NOTIFICATION, PAGE) + block(CONTACT, PAGE))
    with site.serve() as service:
        send(service, f"{PUBLIC_URL}/forms/contact", FORM_DATA)
        service.finish_processing()
        [follow_up] = service.items("/follow-ups")
        assert follow_up["message"] == "Ada Muster <ada@example.com> has written: Do you deliver?"


def test_an_enquiry_with_a_key_is_stored_once(site: Site) -> None:
    with site.serve() as service:
        key = run(service, CREATE_KEY).out.strip()
        for _ in range(2):
            sent = run(service, SEND, ("KEY=capture_...\n", ""), key=key)
            assert json.loads(sent.out) == json.loads(block(ACCEPTED, PAGE))
        service.finish_processing()
        [lead] = service.items("/leads")
        assert (lead["name"], lead["phone"], lead["source"]) == ("Jane Roe", None, "website")
        entries = service.items(f"/leads/{lead['id']}/timeline")
        [enquiry] = [entry for entry in entries if entry["type"] == "lead.enquired"]
        assert (enquiry["actor"], enquiry["data"]["message"]) == ("website form", "Please call me.")


def test_a_back_end_sends_enquiries(site: Site) -> None:
    names: dict[str, Any] = {}
    exec(block(BACK_END, PAGE), names)
    form = {"name": "Jane Roe", "email": "jane@example.com", "phone": "+12025550123", "message": "Please call me."}
    with site.serve() as service:
        key = run(service, CREATE_KEY).out.strip()
        for _ in range(2):
            assert names["send_enquiry"](service.url, key, form, "submission-1") == json.loads(block(ACCEPTED, PAGE))
        service.finish_processing()
        [lead] = service.items("/leads")
        assert lead["phone"] == "+12025550123"
