"""Test the public forms: what browsers, scripts and form services send, and what they get."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from dependency_injector import providers

from leads_adapters.http.rate_limit import RateLimit
from leads_app.form_settings import parse_forms
from leads_domain.paging import SubmissionQuery
from leads_domain.spam import ELAPSED_FIELD
from leads_domain.submission import Submission
from rest import ON_BOTH_DATABASES, Api, Response, Service, a_service

HOME = "https://www.example.com"
OTHER = "https://evil.example.com"
THANKS = "https://www.example.com/thanks"
URL_ENCODED = "application/x-www-form-urlencoded"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
ADA = {"your-name": "Ada Muster", "email": "ada@example.com", "message": "Do you deliver?"}
FORMS = {
    "contact": {
        "source": "website",
        "origins": [HOME],
        "honeypot": "website",
        "minimum_seconds": 3,
        "rate_limit": "off",
        "fields": {"your-name": "name"},
    },
    "thanks": {"redirect": THANKS, "rate_limit": "off"},
    "slow": {"rate_limit": "2/minute"},
    "ads": {"kind": "google-ads", "key": "k3y", "rate_limit": "off"},
}


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """Start a service with forms."""
    return start(forms=parse_forms(FORMS))


@pytest.fixture
def visitor(service: Service) -> Api:
    """Return the browser of a visitor."""
    return service.client_with(accept=BROWSER)


@pytest.fixture
def program(service: Service) -> Api:
    """Return a program that accepts JSON."""
    return service.client_with(accept="application/json")


def send(client: Api, fields: dict[str, str], form: str = "contact", **headers: str) -> Response:
    """Send a form as a browser encodes it."""
    return client.post(f"/forms/{form}", urlencode(fields).encode(), content_type=URL_ENCODED, **headers)


def submissions(service: Service) -> list[Submission]:
    """Return all submissions, oldest first."""
    database = service.container.database()
    page = service.run(database.read(lambda work: work.submissions.page(SubmissionQuery(limit=200))))
    return [*reversed(page.items)]


def state(service: Service) -> str:
    """Return the state of the only submission."""
    [submission] = submissions(service)
    return submission.state


# Enquiries


@ON_BOTH_DATABASES
def test_a_form_makes_a_lead_and_then_an_enquiry_of_it(service: Service, visitor: Api) -> None:
    send(visitor, ADA).expect(200)
    service.clock.advance(timedelta(minutes=6))
    send(visitor, {**ADA, "message": "Hello?"}).expect(200)
    [lead] = service.client().get("/leads").expect(200).json["items"]
    assert (lead["name"], lead["email"], lead["source"]) == ("Ada Muster", "ada@example.com", "website")
    entries = service.client().get(f"/leads/{lead['id']}/timeline").expect(200).json["items"]
    messages = [entry["data"]["message"] for entry in entries if entry["type"] == "lead.enquired"]
    assert messages == ["Hello?", "Do you deliver?"]
    assert {entry["actor"] for entry in entries} == {"form:contact"}
    assert [each.state for each in submissions(service)] == ["accepted", "accepted"]


def test_a_submission_is_kept_as_it_came(service: Service, visitor: Api) -> None:
    send(visitor, {**ADA, "Farbe": "blau"}).expect(200)
    [submission] = submissions(service)
    assert submission.origin == "form:contact"
    assert submission.content == {**ADA, "Farbe": "blau"}
    assert submission.remote_address == "192.0.2.1"


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (URL_ENCODED, urlencode(ADA).encode()),
        ("application/json", json.dumps({"data": {"contact": ADA}}).encode()),
        (
            "multipart/form-data; boundary=X",
            b"".join(
                f'--X\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                for name, value in ADA.items()
            )
            + b"--X--\r\n",
        ),
    ],
)
def test_every_encoding_of_a_form_is_accepted(service: Service, program: Api, media_type: str, body: bytes) -> None:
    assert program.post("/forms/contact", body, content_type=media_type).expect(202).json == {"accepted": True}
    [lead] = service.client().get("/leads").expect(200).json["items"]
    assert (lead["name"], lead["email"]) == ("Ada Muster", "ada@example.com")


def test_the_same_post_twice_is_one_submission(service: Service, visitor: Api) -> None:
    first, second = (send(visitor, {**ADA, ELAPSED_FIELD: seconds}) for seconds in ("8.0", "9.5"))
    assert (first.status, first.body) == (second.status, second.body)
    assert len(submissions(service)) == 1


@ON_BOTH_DATABASES
def test_the_same_post_many_times_at_once_is_one_enquiry(service: Service, program: Api) -> None:
    async def send_at_once() -> list[Response]:
        body, headers = urlencode(ADA).encode(), {"content-type": URL_ENCODED}
        return await asyncio.gather(*(program.send("POST", "/forms/contact", body, headers=headers) for _ in range(20)))

    assert {(each.status, each.body) for each in service.run(send_at_once())} == {(202, b'{"accepted":true}\n')}
    service.process_received()
    assert state(service) == "accepted"
    [lead] = service.client().get("/leads").expect(200).json["items"]
    entries = service.client().get(f"/leads/{lead['id']}/timeline").expect(200).json["items"]
    assert [entry["type"] for entry in entries].count("lead.enquired") == 1


def test_what_a_removed_form_has_received_can_be_accepted(service: Service, program: Api) -> None:
    send(program, {"your-name": "Ada Muster", "message": "Call me!"}).expect(422)
    with a_service(service.container.settings().database_url) as later:
        agent = later.client()
        [waiting] = agent.get("/submissions?state=needs_review&origin=form:contact").expect(200).json["items"]
        accepted = agent.post(f"/submissions/{waiting['id']}/accept", {"email": "ada@example.com"}).expect(200).json
        assert (accepted["outcome"], accepted["lead"]["email"]) == ("lead_created", "ada@example.com")
        send(later.client_with(accept="application/json"), ADA).expect_problem(404, "not-found")


# Responses


def test_a_browser_gets_a_page_that_thanks(visitor: Api) -> None:
    page = send(visitor, ADA).expect(200)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<h1>Thank you</h1>" in page.body
    assert b'<html lang="en">' in page.body


def test_a_browser_is_sent_to_the_page_of_the_website(visitor: Api) -> None:
    assert send(visitor, ADA, "thanks").expect(303).headers["location"] == THANKS


def test_pages_have_a_strict_security_policy(visitor: Api) -> None:
    for page in (send(visitor, ADA), send(visitor, {"email": "x"}), send(visitor, ADA, "unknown")):
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "style-src 'self'", "form-action 'none'", "frame-ancestors 'none'"} < {*policy}
        assert page.headers["cache-control"] == "no-store"
        assert re.findall(r'(?:src|href)="([^"]*)"', page.body.decode()) == ["data:,", "../docs/style.css"]


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 202),
        ("application/json, text/plain, */*", 202),
        ("application/problem+json", 202),
        ("text/html, application/json;q=0.5", 303),
        ("*/*", 303),
        ("", 303),
        ("image/png", 303),
        (BROWSER, 303),
    ],
)
def test_a_client_that_accepts_json_is_a_program(service: Service, accept: str, status: int) -> None:
    response = send(service.client_with(accept=accept), ADA, "thanks").expect(status)
    assert "Accept" in response.headers["vary"]


def test_a_client_that_sends_json_is_a_program(visitor: Api) -> None:
    assert visitor.post("/forms/thanks", ADA).expect(202).json == {"accepted": True}


WRONG = {"your-name": "Ada", "email": "ada@", "phone": "12", "message": "Hi"}


def test_a_visitor_reads_what_to_correct(service: Service, visitor: Api) -> None:
    page = send(visitor, WRONG).expect(422).body.decode()
    assert "<strong>E-mail</strong>: You wrote <q>ada@</q>." in page
    assert "<strong>Phone</strong>: You wrote <q>12</q>." in page
    assert "setting" not in page
    assert state(service) == "needs_review"


def test_a_program_gets_every_error_at_its_field(service: Service, program: Api) -> None:
    assert send(program, WRONG).errors().keys() == {"/email", "/phone"}
    assert program.post("/forms/contact", {"data": {"e-mail": "ada@"}}).errors().keys() == {"/data.e-mail"}
    assert [each.state for each in submissions(service)] == ["needs_review", "needs_review"]


def test_a_form_without_an_address_is_kept_for_review(service: Service, visitor: Api, program: Api) -> None:
    page = send(visitor, {"your-name": "Ada"}).expect(422).body.decode()
    assert "<li>Give an e-mail address or a phone number.</li>" in page
    assert send(program, {"your-name": "Ada"}).errors() == {"": "Give an e-mail address or a phone number."}
    assert state(service) == "needs_review"


def test_an_empty_form_is_not_kept(service: Service, visitor: Api, program: Api) -> None:
    send(visitor, {"email": " ", "message": ""}).expect(422)
    assert send(program, {}, content_length="0").errors() == {"": "Give an e-mail address or a phone number."}
    assert submissions(service) == []


@pytest.mark.parametrize("accept", [BROWSER, "application/json"])
def test_responses_do_not_tell_what_is_known_or_spam(service: Service, accept: str) -> None:
    client = service.client_with(accept=accept)
    known = {**ADA, "email": "known@example.com"}
    send(client, known)
    sent = [
        {**ADA, "email": "new@example.com"},
        {**known, "message": "Again"},
        known,
        {**ADA, "message": "http://a.example " * 6},
        {**ADA, "website": "https://spam.example"},
        {**ADA, ELAPSED_FIELD: "0.4"},
    ]
    responses = [send(client, fields) for fields in sent]
    ids = {response.headers["x-request-id"] for response in responses}
    assert len(ids) == len(responses)
    alike = {
        (response.status, response.body, *sorted({**response.headers, "x-request-id": ""}.items()))
        for response in responses
    }
    assert len(alike) == 1
    states = [each.state for each in submissions(service)]
    assert states == ["accepted", "accepted", "accepted", "spam", "spam", "spam"]


def test_spam_without_an_address_gets_the_response_of_other_forms_without_one(service: Service, program: Api) -> None:
    assert send(program, {"website": "x", "email": "x"}).errors().keys() == {"/email"}
    assert state(service) == "spam"


# Who may send


def test_a_page_of_another_origin_is_refused(service: Service, visitor: Api, program: Api) -> None:
    send(visitor, ADA, origin=HOME).expect(200)
    send(visitor, ADA).expect(200)
    for origin in (OTHER, "null", HOME.upper(), f"{HOME}:443", "é"):
        assert b"does not accept requests of pages of" in send(visitor, ADA, origin=origin).expect(403).body
        send(program, ADA, origin=origin).expect_problem(403, "form-forbidden")
    assert len(submissions(service)) == 1


def test_a_form_without_origins_accepts_pages_of_all_origins(visitor: Api) -> None:
    response = send(visitor, ADA, "thanks", origin=OTHER).expect(303)
    assert "access-control-allow-origin" not in response.headers


PREFLIGHT = {"access_control_request_method": "POST", "access_control_request_headers": "content-type"}


@pytest.mark.parametrize("cors_origins", [(), (OTHER,), ("*",)])
def test_scripts_of_the_origins_of_a_form_may_read_its_responses(
    start: Callable[..., Service], cors_origins: tuple[str, ...]
) -> None:
    program = start(forms=parse_forms(FORMS), cors_origins=cors_origins).client_with(accept="application/json")
    for path in ("/forms/contact", "/forms/contact/"):
        preflight = program.request("OPTIONS", path, headers={"origin": HOME, **PREFLIGHT}).expect(204).headers
        assert preflight["access-control-allow-origin"] == HOME
        assert preflight["access-control-allow-methods"] == "POST"
        assert "Content-Type" in preflight["access-control-allow-headers"]
    for response in (program.post("/forms/contact", ADA, origin=HOME), send(program, WRONG, origin=HOME)):
        assert response.headers["access-control-allow-origin"] == HOME
        assert response.headers["vary"] == "Accept, Origin"
    other = program.request("OPTIONS", "/forms/contact", headers={"origin": OTHER, **PREFLIGHT}).expect(204)
    assert not [name for name in other.headers if name.startswith("access-control")]
    assert "access-control-allow-origin" not in send(program, ADA, origin=OTHER).expect(403).headers


def test_a_form_can_allow_scripts_of_all_origins(start: Callable[..., Service]) -> None:
    program = start(forms=parse_forms({"open": {"origins": ["*"]}})).client_with(accept="application/json")
    response = send(program, ADA, "open", origin=OTHER).expect(202)
    assert response.headers["access-control-allow-origin"] == OTHER


def test_forms_are_off_until_configured(start: Callable[..., Service]) -> None:
    program = start().client_with(accept="application/json")
    send(program, ADA).expect_problem(404, "not-found")
    send(program, ADA, "é%00%2f..").expect_problem(404, "not-found")


def test_a_form_limits_the_requests_of_each_address(service: Service) -> None:
    first, second = (service.client_with(address, accept="application/json") for address in ("192.0.2.7", "192.0.2.8"))
    statuses = [send(first, {**ADA, "message": str(number)}, "slow").status for number in range(1000)]
    assert statuses == [202, 202, *([429] * 998)]
    problem = send(first, ADA, "slow")
    problem.expect_problem(429, "rate-limited")
    assert 0 < int(problem.headers["retry-after"]) <= 60
    assert b"Wait" in send(service.client_with("192.0.2.7", accept=BROWSER), ADA, "slow").expect(429).body
    send(second, ADA, "slow").expect(202)
    send(first, ADA, "thanks").expect(202)
    service.client().get("/leads").expect(200)


# Bad input


def test_hostile_values_are_escaped_on_pages(visitor: Api) -> None:
    nasty = "\"'><script>alert(1)</script>=cmd|' /C calc'!A0"
    page = send(visitor, {nasty: nasty, "email": nasty, "phone": nasty, "your-name": nasty}).expect(422).body.decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_formulas_and_html_are_harmless_in_exports(service: Service, visitor: Api) -> None:
    formula = '=HYPERLINK("http://evil.example")<script>'
    send(visitor, {**ADA, "your-name": formula, "company": formula, "phone": "+cmd|' /C calc'!A0"}).expect(200)
    export = service.client("admin").get("/leads/export", accept="text/csv").expect(200).body.decode()
    [row] = export.splitlines()[1:]
    assert not re.search(r'(^|,)"?=', row)
    assert "'=HYPERLINK" in row


@pytest.mark.parametrize(
    "fields",
    [
        {"your-name": "x" * 10_000, "email": "ada@example.com"},
        {"your-name": "Ada", "email": "ada@example.com\r\nBcc: all@example.com", "phone": "+49 30 123456"},
        {"your-name": "A\0da", "email": "ada@example.com\0", "phone": "+49 30 123456"},
        {"x" * 1000: "y" * 20_000, "email": "ada@example.com"},
        {"": "x", " ": "y", "email": "ada@example.com"},
        {**{f"field-{number}": "z" * 100 for number in range(199)}, "email": "ada@example.com"},
    ],
)
@ON_BOTH_DATABASES
def test_strange_values_never_lose_an_enquiry(service: Service, program: Api, fields: dict[str, str]) -> None:
    program.post("/forms/contact", json.dumps(fields).encode(), content_type="application/json").expect(202)
    assert state(service) == "accepted"
    [lead] = service.client().get("/leads").expect(200).json["items"]
    assert lead["email"] in ("ada@example.com", None)


def test_an_address_with_a_line_break_is_no_address(service: Service, program: Api) -> None:
    fields = {"email": "ada@example.com\r\nBcc: all@example.com"}
    assert send(program, fields).errors().keys() == {"/email"}
    assert service.client().get("/leads").expect(200).json["items"] == []


def multipart(*parts: str) -> bytes:
    """Return a body of parts with the boundary X."""
    return "".join(f"--X\r\n{part}\r\n" for part in parts).encode() + b"--X--\r\n"


FIELD = 'Content-Disposition: form-data; name="email"\r\n\r\nada@example.com'
FILE = 'Content-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nPNG'
FILE_OF_OLD_CLIENT = "Content-Disposition: form-data; name=\"photo\"; filename*=utf-8''%C3%A4.png\r\n\r\nPNG"
MULTIPART = "multipart/form-data; boundary=X"


@pytest.mark.parametrize(
    ("media_type", "body", "status", "problem"),
    [
        (URL_ENCODED, urlencode({f"f{n}": "x" for n in range(201)}).encode(), 413, "payload-too-large"),
        (URL_ENCODED, b"message=" + b"x" * 65 * 1024, 413, "payload-too-large"),
        (MULTIPART, multipart(FIELD, FILE), 415, "unsupported-media-type"),
        (MULTIPART, multipart(FIELD, FILE_OF_OLD_CLIENT), 415, "unsupported-media-type"),
        (MULTIPART, multipart(FIELD).replace(b"--X--", b"--Y--"), 400, "malformed-request"),
        (MULTIPART, b"--X", 400, "malformed-request"),
        ("multipart/form-data", multipart(FIELD), 400, "malformed-request"),
        (f"{URL_ENCODED}; charset=utf-16", b"a=b", 415, "unsupported-media-type"),
        ("text/plain", b"email=ada@example.com", 415, "unsupported-media-type"),
        ("", b"email=ada@example.com", 415, "unsupported-media-type"),
        ("application/json", b'{"email": "\xff"}', 400, "malformed-request"),
        ("application/json", rb'{"email": "\ud800"}', 400, "malformed-request"),
        ("application/json", b"[" * 5000, 400, "malformed-request"),
        ("application/json", b'["ada@example.com"]', 422, "validation-failed"),
    ],
)
def test_a_body_that_is_no_form_is_refused(
    service: Service, program: Api, visitor: Api, media_type: str, body: bytes, status: int, problem: str
) -> None:
    program.post("/forms/contact", body, content_type=media_type).expect_problem(status, problem)
    response = visitor.post("/forms/contact", body, content_type=media_type).expect(status)
    if media_type != "application/json":
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert b"<h1>The form could not be sent</h1>" in response.body
    assert submissions(service) == []


def test_a_larger_limit_of_the_api_does_not_apply_to_forms(start: Callable[..., Service]) -> None:
    service = start(forms=parse_forms(FORMS), max_body=2**20)
    client = service.client_with(accept="application/json")
    send(client, {**ADA, "message": "x" * 70_000}).expect_problem(413, "payload-too-large")
    send(client, {**ADA, "message": "x" * 60_000}).expect(202)


def test_other_methods_are_refused(program: Api) -> None:
    for method in ("GET", "PUT", "DELETE"):
        problem = program.request(method, "/forms/contact")
        problem.expect_problem(405, "method-not-allowed")
        assert problem.headers["allow"] == "OPTIONS, POST"


# Google's lead forms


def a_google_lead(**values: Any) -> dict[str, Any]:
    """Return a lead as Google Ads sends it."""
    columns = {"FULL_NAME": "Ada Muster", "EMAIL": "ada@example.com", "PHONE_NUMBER": "+49 30 123456"}
    return {
        "lead_id": "TeSter-123",
        "user_column_data": [{"column_id": id, "string_value": value} for id, value in columns.items()],
        "api_version": "1.0",
        "form_id": 40000000000,
        "campaign_id": 123456,
        "google_key": "k3y",
        "is_test": False,
        "gcl_id": "abc",
        **values,
    }


def test_a_lead_of_google_ads_becomes_a_lead_once(service: Service) -> None:
    google = service.anonymous()
    for attempt in range(2):
        service.clock.advance(timedelta(hours=attempt))
        assert google.post("/forms/ads", a_google_lead()).expect(202).json == {"accepted": True}
    [submission] = submissions(service)
    assert (submission.state, submission.content["FULL_NAME"]) == ("accepted", "Ada Muster")
    assert "k3y" not in str(submission)
    [lead] = service.client().get("/leads").expect(200).json["items"]
    assert (lead["name"], lead["email"], lead["phone"]) == ("Ada Muster", "ada@example.com", "+4930123456")
    assert lead["attributes"]["campaign_id"] == "123456"


def test_a_test_of_google_ads_is_stored_as_a_test(service: Service) -> None:
    service.anonymous().post("/forms/ads", a_google_lead(is_test=True)).expect(202)
    assert state(service) == "test"
    assert service.client().get("/leads").expect(200).json["items"] == []


@pytest.mark.parametrize("key", [None, "", "K3y", "k3y ", 5, ["k3y"], "é"])
def test_another_key_of_google_ads_is_refused(service: Service, key: object) -> None:
    service.anonymous().post("/forms/ads", a_google_lead(google_key=key)).expect_problem(403, "form-forbidden")
    assert submissions(service) == []


@pytest.mark.parametrize("values", [{"user_column_data": "x"}, {"lead_id": 5}, {"is_test": "yes"}])
def test_a_lead_that_google_ads_does_not_send_is_refused(service: Service, values: dict[str, object]) -> None:
    assert "" in service.anonymous().post("/forms/ads", a_google_lead(**values)).errors()


# Failures


def test_a_stored_form_is_accepted_even_if_its_processing_fails(service: Service) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    service.container.process_submission.override(providers.Object(fail))
    assert send(service.client_with(accept="application/json"), ADA).expect(202).json == {"accepted": True}
    assert state(service) == "needs_review"


def test_requests_for_unknown_forms_are_limited_by_address(start: Callable[..., Service]) -> None:
    service = start(forms={}, rate_limit=RateLimit(30, 60))
    program = service.client_with(accept="application/json")
    responses = [send(program, ADA, f"guess-{number}") for number in range(4)]
    assert [each.status for each in responses] == [404] * 3 + [429]
    send(service.client_with("192.0.2.2", accept="application/json"), ADA, "guess").expect(404)


def test_the_default_limit_of_a_form_is_10_a_minute(start: Callable[..., Service]) -> None:
    forms = parse_forms({"contact": {}})
    assert forms["contact"].rate_limit == RateLimit(10, 60)
    program = start(forms=forms).client_with(accept="application/json")
    statuses = [send(program, {**ADA, "message": str(number)}).status for number in range(11)]
    assert statuses == [202] * 10 + [429]
