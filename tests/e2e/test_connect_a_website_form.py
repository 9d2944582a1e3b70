"""The commands and examples of docs/connect-a-website-form.md work as printed, with another port and key."""

import json
import re
import tomllib
from typing import Any

from e2e.readme import assert_every_block_is_listed, block
from e2e.service import BIN, HOST, Service, Site

PAGE = "docs/connect-a-website-form.md"

CREATE_KEY = "leads keys create"
SEND = "KEY=capture_..."
ACCEPTED = '{"accepted": true}'
BACK_END = "def send_enquiry"
NOTIFICATION = "[[follow_up_rules]]"
ORIGINS = "cors_origins"
FORM = "<form"


def test_every_block_is_run() -> None:
    assert_every_block_is_listed(PAGE, [CREATE_KEY, SEND, ACCEPTED, NOTIFICATION, BACK_END, ORIGINS, FORM])


def create_key(site: Site) -> str:
    """Create a key as the page says."""
    created = site.shell(block(CREATE_KEY, PAGE), PATH=f"{BIN}:{site.environment()['PATH']}").expect(0)
    assert created.out.startswith("capture_")
    return created.out.strip()


def send(service: Service, key: str, *replacements: tuple[str, str]) -> Any:
    """Run the request of the page after these replacements, and return the body of the response."""
    script = block(SEND, PAGE).replace("KEY=capture_...", f"KEY={key}")
    script = script.replace(f"{HOST}:8000", f"{HOST}:{service.port}")
    for old, new in replacements:
        assert old in script
        script = script.replace(old, new)
    return json.loads(service.site.shell(script).expect(0).out)


def test_a_submission_is_stored_once_and_a_second_one_is_an_enquiry_of_the_same_lead(site: Site) -> None:
    with site.serve() as service:
        key = create_key(site)
        accepted = json.loads(block(ACCEPTED, PAGE))
        assert send(service, key) == accepted
        [lead] = service.items("/leads")
        assert (lead["name"], lead["phone"], lead["source"]) == ("Jane Roe", None, "website")
        assert lead["attributes"] == {"company": "ACME"}
        assert send(service, key) == accepted
        assert send(service, key, ("8e03978e", "9e03978e"), ("Jane Roe", "Joan Roe")) == accepted
        assert service.items("/leads") == [lead]
        [error] = send(service, key, ("8e03978e", "ae03978e"), ("jane@example.com", "no address"))["errors"]
        assert error["pointer"] == "/email"
        again, first, created = service.items(f"/leads/{lead['id']}/timeline")
        assert {entry["actor"] for entry in (created, first, again)} == {"website form"}
        assert [entry["data"]["message"] for entry in (first, again)] == ["Please call me."] * 2
        assert again["data"]["differs"] == {"name": "Joan Roe"}


def test_a_rule_schedules_a_notification_of_each_enquiry(site: Site) -> None:
    site.write("leads.toml", block(NOTIFICATION, PAGE))
    with site.serve() as service:
        send(service, create_key(site))
        [lead] = service.items("/leads")
        [follow_up] = service.items(f"/leads/{lead['id']}/follow-ups")
        assert (follow_up["recipient"], follow_up["state"]) == ("you@example.com", "scheduled")
        assert follow_up["message"] == "Jane Roe <jane@example.com> has written: Please call me."


def test_a_back_end_sends_enquiries(site: Site) -> None:
    names: dict[str, Any] = {}
    exec(block(BACK_END, PAGE), names)
    form = {"name": "Jane Roe", "email": "jane@example.com", "phone": "+12025550123", "message": "Please call me."}
    with site.serve() as service:
        key = create_key(site)
        for _ in range(2):
            sent = names["send_enquiry"](f"http://{HOST}:{service.port}", key, form, "submission-1")
            assert sent == json.loads(block(ACCEPTED, PAGE))
        [lead] = service.items("/leads")
        enquiry, _ = service.items(f"/leads/{lead['id']}/timeline")
        assert (lead["phone"], enquiry["data"]["message"]) == ("+12025550123", "Please call me.")


def test_a_page_of_an_allowed_origin_sends_its_form(site: Site) -> None:
    html = block(FORM, PAGE)
    fields = re.findall(r'<(?:input|textarea) name="(\w+)"', html)
    assert "...Object.fromEntries(new FormData(form)), source:" in html
    [headers] = re.findall(r"headers: \{(.*)\}", html)
    names = re.findall(r'"([\w-]+)": ', headers)
    [origin] = tomllib.loads(block(ORIGINS, PAGE))["cors_origins"]
    site.write("leads.toml", block(ORIGINS, PAGE))
    with site.serve() as service:
        values = {"X-API-Key": create_key(site), "Content-Type": "application/json", "Idempotency-Key": "submission-1"}
        assert names == list(values)
        preflight = service.client.options(
            "/enquiries",
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": ", ".join(names).lower(),
            },
        )
        assert preflight.status_code == 204
        allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
        assert {name.lower() for name in names} <= {*allowed}
        submission = dict(zip(fields, ["Jane Roe", "jane@example.com", "", "Hi!"], strict=True)) | {"source": "website"}
        response = service.client.post("/enquiries", json=submission, headers={"Origin": origin} | values)
        assert response.status_code == 202
        assert response.headers["access-control-allow-origin"] == origin
        [lead] = service.items("/leads")
        assert (lead["email"], lead["phone"]) == ("jane@example.com", None)
