"""Test that the OpenAPI document is valid, complete and true of the running service."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from builders import a_pipeline
from leads_adapters.http.form_bodies import MEDIA_TYPES, MULTIPART, URL_ENCODED
from leads_adapters.http.openapi.parts import SPREADSHEETS, UPLOADS
from leads_adapters.http.problems import PROBLEMS
from leads_adapters.http.rate_limit import RateLimit
from leads_app.form_settings import FormSettings
from leads_domain.notifier import Refused
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

FULL = {
    "name": "Jane Roe",
    "email": "jane@example.com",
    "phone": "+49 30 123456",
    "source": "fair",
    "owner": "sales@example.com",
    "do_not_contact": False,
    "attributes": {"company": "ACME", "size": 12, "share": 0.5, "vip": True, "fax": None},
}

TASK = {"text": "Call", "due_at": "2030-01-15T09:30:00Z", "assignee": "mia@example.com"}

FORMS = {
    "contact": FormSettings(rate_limit=None),
    "thanks": FormSettings(redirect="https://a.example", rate_limit=None),
}


@pytest.fixture
def service(start: Callable[..., Service]) -> Service:
    """Start a service with forms."""
    return start(forms=FORMS)


@pytest.fixture
def document(service: Service) -> Any:
    """Return the document of a service with the default settings."""
    return service.anonymous().get("/openapi.json").expect(200).json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield the method, path and description of each operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in the document."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from nodes(child)


def resolve(document: Any, reference: str) -> Any:
    """Return the target of a reference; fail if it does not exist."""
    assert reference.startswith("#/"), reference
    found = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def errors(value: Any, schema: Any, document: Any) -> list[str]:
    """Return the differences between `value` and a schema."""
    whole = {**schema, "components": document["components"]}
    return [str(error) for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)]


def test_the_document_is_openapi_3_1(service: Service) -> None:
    response = service.anonymous().get("/openapi.json").expect(200)
    assert response.headers["content-type"] == "application/json"
    assert response.json["openapi"].startswith("3.1.")
    assert response.json["info"].keys() >= {"title", "version", "description"}


def test_every_documented_operation_is_served(service: Service, document: Any) -> None:
    admin = service.client("admin")
    for number, (method, path, _) in enumerate(operations(document)):
        lead = admin.post("/leads", {**JOHN, "email": f"{number}@example.com"}).json["id"]
        follow_up = admin.post(f"/leads/{lead}/follow-up").json["id"]
        task = admin.post(f"/leads/{lead}/tasks", TASK).json["id"]
        key, _ = service.new_key("read")
        submission = service.receive(content={"number": str(number)}).rpartition("/")[2]
        calendar = admin.post("/calendars", {"owner": "mia@example.com"}).json
        ids = {"follow-ups": follow_up, "tasks": task, "api-keys": key, "submissions": submission}
        id = {**ids, "calendars": calendar["id"]}.get(path.split("/")[1], lead)
        target = path.replace("{id}", id).replace("{form}", "contact").replace("{token}", service.token_of(lead))
        status = admin.request(method, target.replace("{secret}.ics", calendar["url"].rpartition("/")[2])).status
        assert status not in (404, 405, 500), (method, path, status)


def test_every_served_method_of_a_documented_path_is_documented(service: Service, document: Any) -> None:
    for path, item in document["paths"].items():
        allowed = service.anonymous().request("OPTIONS", path.replace("{id}", UNKNOWN_ID)).expect(204).headers["allow"]
        assert {method.upper() for method in item} == set(allowed.split(", ")) - {"HEAD", "OPTIONS"}


def test_every_reference_resolves_and_every_schema_is_used(document: Any) -> None:
    references = {node["$ref"] for node in nodes(document) if "$ref" in node}
    for reference in references:
        assert resolve(document, reference)
    components = document["components"]
    assert references == {f"#/components/{kind}/{name}" for kind in ("schemas", "headers") for name in components[kind]}


def test_operation_ids_are_unique_and_every_operation_has_a_description(document: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in operations(document))


VERBS = (
    "Submit|Create|Get|List|Update|Delete|Export|Import|Merge|Mark|Complete|Cancel|Retry|Revoke|Check|Accept|Discard"
    "|Opt"
)


def test_summaries_are_short_and_begin_with_a_verb(document: Any) -> None:
    for _, _, operation in operations(document):
        summary = operation["summary"]
        assert re.fullmatch(f"({VERBS})[^.]{{1,60}}", summary), f"{summary!r}: begin the docstring with one of {VERBS}"


def test_every_parameter_has_a_description_of_its_own(document: Any) -> None:
    for method, path, operation in operations(document):
        for parameter in operation["parameters"]:
            assert parameter["description"], (method, path, parameter["name"])
            assert "description" not in parameter["schema"], (method, path, parameter["name"])


def test_every_enum_has_a_type(document: Any) -> None:
    assert all(node.get("type") == "string" for node in nodes(document) if isinstance(node.get("enum"), list))


def test_every_body_except_files_and_forms_has_one_media_type(document: Any) -> None:
    for method, path, operation in operations(document):
        media_types = list(operation.get("requestBody", {}).get("content", {}))
        expected = [[], ["application/json"], [*UPLOADS], [*MEDIA_TYPES], [URL_ENCODED, MULTIPART]]
        assert media_types in expected, (method, path)


def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    for method, path, operation in operations(document):
        described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_preconditions_are_documented_where_they_are_honoured(document: Any) -> None:
    conditional = {
        (method, path)
        for method, path, operation in operations(document)
        if {"If-Match", "If-None-Match"} <= {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    }
    assert conditional >= {(method, path) for method in ("GET", "PATCH") for path in ("/leads/{id}", "/tasks/{id}")}
    for method, path, operation in operations(document):
        assert ("412" in operation["responses"]) == ((method, path) in conditional), (method, path)
        assert ("304" in operation["responses"]) == (method == "GET" and (method, path) in conditional), (method, path)


def test_only_posts_with_a_key_document_the_idempotency_key(document: Any) -> None:
    for method, path, operation in operations(document):
        is_idempotent = method == "POST" and operation.get("security") != []
        described = "Idempotency-Key" in {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        assert described == is_idempotent, (method, path)
        for status, response in operation["responses"].items():
            replayed = "Idempotency-Replayed" in response.get("headers", {})
            assert replayed == (is_idempotent and int(status) < 300), (method, path, status)
        if is_idempotent:
            assert "`request-in-progress`" in operation["responses"]["409"]["description"]
            assert "`idempotency-key-reused`" in operation["responses"]["422"]["description"]


def test_schemas_of_bodies_forbid_unknown_fields(document: Any) -> None:
    bodies = [
        resolve(document, content["schema"]["$ref"])
        for _, path, operation in operations(document)
        if "requestBody" in operation
        for media_type, content in operation["requestBody"]["content"].items()
        if media_type in ("application/json", "application/merge-patch+json") and path != "/forms/{form}"
    ]
    assert len(bodies) >= 4
    assert [body["additionalProperties"] for body in bodies] == [False] * len(bodies)


@pytest.mark.parametrize(
    ("method", "path", "required"),
    [
        ("post", "/leads", True),
        ("patch", "/leads/{id}", True),
        ("post", "/leads/{id}/follow-up", False),
        ("post", "/leads/{id}/tasks", True),
        ("post", "/tasks/{id}/complete", True),
        ("patch", "/follow-ups/{id}", True),
    ],
)
def test_the_document_marks_required_bodies(document: Any, method: str, path: str, required: bool) -> None:
    assert document["paths"][path][method]["requestBody"]["required"] is required


def test_statuses_and_channels_are_those_of_this_service(start: Callable[..., Service]) -> None:
    own = a_pipeline(fresh=("won", "gone"), won=(), gone=())
    document = start(pipeline=own).anonymous().get("/openapi.json").json
    named = [node["enum"] for node in nodes(document) if node.get("description") == "A status of the pipeline."]
    assert len(named) >= 5
    assert all(enum == ["fresh", "won", "gone"] for enum in named)
    channel = document["components"]["schemas"]["NewFollowUp"]["properties"]["channel"]
    assert channel["anyOf"][0]["enum"] == ["log", "sms", "mail"]
    assert not [node for node in nodes(document) if "x-one-of" in node]


def test_every_documented_problem_exists_and_has_its_status(document: Any) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                named = re.findall(r"`([\w-]+)`", response["description"])
                assert named, (method, path, status)
                assert {PROBLEMS[name].status_code for name in named} == {int(status)}
                pages = {"text/html"} if path in {"/forms/{form}", "/unsubscribe/{token}"} else set()
                assert response["content"].keys() == {"application/problem+json"} | pages


def test_operations_that_need_a_key_document_401_403_and_429(document: Any) -> None:
    for method, path, operation in operations(document):
        needs_key = operation.get("security", document["security"]) != []
        assert ({"401", "403"} <= operation["responses"].keys()) == needs_key, (method, path)
        assert "429" in operation["responses"] or not needs_key, (method, path)


def test_the_security_schemes_are_documented(document: Any) -> None:
    schemes = document["components"]["securitySchemes"]
    assert (schemes["apiKey"]["type"], schemes["apiKey"]["in"], schemes["apiKey"]["name"]) == (
        "apiKey",
        "header",
        "X-API-Key",
    )
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert all("API key" in scheme["description"] for scheme in schemes.values())
    assert document["security"] == [{"apiKey": []}, {"bearer": []}]


HEADERS = {"etag", "link", "location", "retry-after", "www-authenticate"} | {
    "content-disposition",
    "idempotency-replayed",
    "ratelimit",
    "ratelimit-policy",
}
OPTIONAL_HEADERS = {"link", "idempotency-replayed"}


def header_errors(response: Response, description: Any, document: Any) -> list[str]:
    """Return the differences between the headers of a response and its description."""
    described = {name.lower(): resolve(document, each["$ref"]) for name, each in description.get("headers", {}).items()}
    optional = OPTIONAL_HEADERS | ({"retry-after"} if response.status == 409 else set())
    found = [f"{name} is missing" for name in described.keys() - response.headers.keys() - optional]
    found += [f"{name} is not described" for name in HEADERS & response.headers.keys() - described.keys()]
    for name in described.keys() & response.headers.keys():
        schema, text = described[name]["schema"], response.headers[name]
        found += errors(int(text) if schema["type"] == "integer" else text, schema, document)
    return found


def responses(service: Service) -> Iterator[tuple[str, str, Response]]:
    """Yield the method, path and response of requests that cover every successful response of every operation."""
    agent, form = service.client("agent"), service.client("capture")
    created = agent.post("/leads", FULL)
    lead = created.json["id"]
    yield "POST", "/leads", created
    for enquirer in (agent, agent, form):
        yield "POST", "/enquiries", enquirer.post("/enquiries", {"phone": "+49 30 777777", "message": "Hello"})
    yield "POST", "/enquiries", agent.post("/enquiries", {"message": " ", "attributes": {"a": "x" * 1001}})
    yield "POST", "/leads", agent.post("/leads", JOHN, idempotency_key="1")
    yield "POST", "/leads", agent.post("/leads", JOHN, idempotency_key="1")
    yield "POST", "/leads", agent.post("/leads", FULL, idempotency_key="1")
    yield "POST", "/leads", agent.post("/leads", JOHN, idempotency_key="é")
    yield "POST", "/leads", agent.post("/leads", FULL)
    yield "POST", "/leads", agent.post("/leads?on_duplicate=return", FULL)
    yield "POST", "/leads", agent.post("/leads?on_duplicate=update", {**FULL, "name": "Jane Doe"})
    yield "POST", "/leads", agent.post("/leads", {"name": 5})
    yield "POST", "/leads", agent.post("/leads", b"{")
    yield "POST", "/leads", agent.post("/leads", b"x" * (2**20 + 1))
    yield "POST", "/leads", agent.post("/leads", JOHN, content_type="text/plain")
    yield "POST", "/leads", form.post("/leads", FULL)
    yield "POST", "/leads", service.client("read").post("/leads", FULL)
    yield "POST", "/leads", service.anonymous().post("/leads", FULL)
    yield "GET", "/leads/{id}", agent.get(f"/leads/{lead}")
    yield "GET", "/leads/{id}", agent.get(f"/leads/{UNKNOWN_ID}")
    yield "GET", "/leads/{id}", agent.get(f"/leads/{lead}", if_none_match="*")
    yield "GET", "/leads/{id}", agent.get(f"/leads/{lead}", if_match='"9"')
    yield "POST", "/leads/{id}/follow-up", agent.post(f"/leads/{lead}/follow-up")
    yield "POST", "/leads/{id}/follow-up", agent.post(f"/leads/{lead}/follow-up", {"channel": "pigeon"})
    service.dispatch()
    later = agent.post(f"/leads/{lead}/follow-up", {"due_at": "2026-02-01T00:00:00Z", "recipient": "owner"})
    yield "POST", "/leads/{id}/follow-up", later
    service.clock.advance(timedelta(minutes=1))
    for patch in (
        {"status": "converted"},
        {"email": "john@example.com"},
        {"name": ""},
        {"status": "lost", "status_reason": "no budget"},
    ):
        yield "PATCH", "/leads/{id}", agent.patch(f"/leads/{lead}", patch)
    for list_path in ("/leads", "/leads/{id}/follow-ups", "/leads/{id}/timeline"):
        for query in ("", "?limit=1", "?limit=0", "?foo=1"):
            yield "GET", list_path, agent.get(list_path.replace("{id}", lead) + query)
        yield "GET", "/follow-ups", agent.get("/follow-ups" + query)
    yield (
        "GET",
        "/follow-ups",
        agent.get("/follow-ups?state=sent&state=failed&channel=log&due_before=2027-01-01T00:00:00Z"),
    )
    yield "GET", "/follow-ups", agent.get("/follow-ups?overdue=true")
    yield "GET", "/follow-ups/{id}", agent.get(later.headers["location"])
    john = agent.get("/leads?email=john@example.com").json["items"][0]["id"]
    yield from responses_about_a_failed_follow_up(service, john)
    yield from responses_about_tasks(agent, john)
    yield from responses_to_unsubscribe_links(service)
    yield from responses_about_personal_data(service, lead, john)
    yield from responses_about_submissions(service)
    yield from responses_without_a_lead(service.client())
    yield from responses_about_files(service.client("admin"))
    yield from responses_to_operators(service.client("admin"))
    yield from responses_about_forms(service.anonymous())


def responses_about_forms(visitor: Api) -> Iterator[tuple[str, str, Response]]:
    """Yield responses to forms, as pages and as JSON."""
    for form, body, media_type in (
        ("contact", b"email=ada@example.com", "application/x-www-form-urlencoded"),
        ("thanks", b"email=ada@example.com", "application/x-www-form-urlencoded"),
        ("contact", b'{"email": "ada@example.com"}', "application/json"),
        ("contact", b'{"email": "ada"}', "application/json"),
        ("contact", b"{", "application/json"),
        ("unknown", b"{}", "application/json"),
    ):
        yield "POST", "/forms/{form}", visitor.post(f"/forms/{form}", body, content_type=media_type)


def responses_about_a_failed_follow_up(service: Service, john: str) -> Iterator[tuple[str, str, Response]]:
    """Yield responses about a failed follow-up."""
    agent = service.client()
    service.channels["log"].fail_with(Refused("no such mailbox"))
    failed = agent.post(f"/leads/{john}/follow-up").headers["location"]
    service.dispatch()
    yield "PATCH", "/follow-ups/{id}", agent.patch(failed, {"message": "Hi!"})
    yield "POST", "/follow-ups/{id}/cancel", agent.post(f"{failed}/cancel")
    yield "POST", "/follow-ups/{id}/retry", agent.post(f"{failed}/retry")
    yield "POST", "/follow-ups/{id}/retry", agent.post(f"{failed}/retry")
    yield "PATCH", "/follow-ups/{id}", agent.patch(failed, {"message": "Hi!", "due_at": "2026-02-01T00:00:00Z"})
    yield "PATCH", "/follow-ups/{id}", agent.patch(failed, {"message": ""})
    yield "POST", "/follow-ups/{id}/cancel", agent.post(f"{failed}/cancel")
    for path in ("/follow-ups/{id}/cancel", "/follow-ups/{id}/retry"):
        yield "POST", path, agent.post(path.replace("{id}", UNKNOWN_ID))


def responses_about_tasks(agent: Api, john: str) -> Iterator[tuple[str, str, Response]]:
    """Yield responses about tasks of a lead."""
    created = [agent.post(f"/leads/{john}/tasks", TASK) for _ in range(3)]
    wrong = {"text": "", "due_at": "1969-01-01T00:00:00Z", "assignee": "Mia", "remind": 1}
    for response in (*created, agent.post(f"/leads/{john}/tasks", wrong)):
        yield "POST", "/leads/{id}/tasks", response
    first, second, third = (response.headers["location"] for response in created)
    for path in ("/leads/{id}/tasks", "/tasks"):
        queries = ("", "?limit=1", "?limit=0", "?foo=1", "?state=open&state=done&assignee=mia@example.com&count=true")
        for query in (*queries, "?overdue=true&due_from=2026-01-01T00:00:00Z&due_before=2027-01-01T00:00:00Z"):
            yield "GET", path, agent.get(path.replace("{id}", john) + query)
    for path in (first, f"/tasks/{UNKNOWN_ID}"):
        yield "GET", "/tasks/{id}", agent.get(path)
        yield "PATCH", "/tasks/{id}", agent.patch(path, {"text": "Write", "due_at": "2030-02-01T00:00:00Z"})
        yield "PATCH", "/tasks/{id}", agent.patch(path, {"text": ""})
        yield "PATCH", "/tasks/{id}", agent.patch(path, {}, if_match='"9"')
    yield "GET", "/tasks/{id}", agent.get(first, if_none_match='"2"')
    for path in (first, second):
        for body in ({"outcome": "Sold", "status": "converted"}, {"outcome": "", "next": {}}, {"outcome": "Sold"}):
            yield "POST", "/tasks/{id}/complete", agent.post(f"{path}/complete", body)
    completion = {"outcome": "Reached", "next": TASK}
    yield "POST", "/tasks/{id}/complete", agent.post(f"{third}/complete", completion, if_match='"9"')
    yield "POST", "/tasks/{id}/complete", agent.post(f"{third}/complete", completion)
    for path in (third, agent.post(f"/leads/{john}/tasks", TASK).headers["location"], f"/tasks/{UNKNOWN_ID}"):
        for condition in ({"if_match": '"9"'}, {}):
            yield "POST", "/tasks/{id}/cancel", agent.post(f"{path}/cancel", **condition)
    yield "PATCH", "/tasks/{id}", agent.patch(third, {"text": "Write"})


def responses_about_submissions(service: Service) -> Iterator[tuple[str, str, Response]]:
    """Yield responses about submissions."""
    agent = service.client()
    paths = [service.receive(content={"number": str(number)}) for number in range(3)]
    for query in ("", "?limit=1", "?limit=0", "?foo=1", "?state=received&state=spam&origin=form:contact&count=true"):
        yield "GET", "/submissions", agent.get(f"/submissions{query}")
    for path in (paths[0], f"/submissions/{UNKNOWN_ID}"):
        yield "GET", "/submissions/{id}", agent.get(path)
        for _ in range(2):
            yield "POST", "/submissions/{id}/discard", agent.post(f"{path}/discard")
    accepted = paths[1]
    for body in ({"email": "nonsense"}, {"phone": 5}, {"email": "ada@example.com"}, None):
        yield "POST", "/submissions/{id}/accept", agent.post(f"{accepted}/accept", body)
    yield "POST", "/submissions/{id}/discard", agent.post(f"{accepted}/discard")
    yield "GET", "/submissions/{id}", agent.get(accepted)


def responses_without_a_lead(agent: Api) -> Iterator[tuple[str, str, Response]]:
    """Yield responses that are not about one lead."""
    for query in ("", "?limit=1", "?limit=0", "?after=x", f"?after={agent.get('/events').json['next_cursor']}"):
        yield "GET", "/events", agent.get(f"/events{query}")
    yield "GET", "/statistics", agent.get("/statistics")
    yield "GET", "/pipeline", agent.get("/pipeline")


def responses_to_operators(admin: Api) -> Iterator[tuple[str, str, Response]]:
    """Yield responses about keys and about the service."""
    made = admin.post("/api-keys", {"name": "Web form", "role": "capture"})
    yield "POST", "/api-keys", made
    yield "POST", "/api-keys", admin.post("/api-keys", {"name": "", "role": "boss"})
    yield "GET", "/api-keys", admin.get("/api-keys?limit=1")
    yield "GET", "/api-keys/{id}", admin.get(made.headers["location"])
    yield "DELETE", "/api-keys/{id}", admin.request("DELETE", made.headers["location"])
    yield "DELETE", "/api-keys/{id}", admin.request("DELETE", f"/api-keys/{UNKNOWN_ID}")
    calendar = admin.post("/calendars", {"owner": "mia@example.com"})
    yield "POST", "/calendars", calendar
    yield "GET", "/calendars", admin.get("/calendars?limit=1")
    yield "GET", "/calendars/{id}", admin.get(calendar.headers["location"])
    feed = calendar.json["url"].removeprefix("http://leads.example")
    first = admin.get(feed)
    yield "GET", "/calendar/{secret}.ics", first
    for headers in ({"if_none_match": first.headers["etag"]}, {"if_match": '"1"'}):
        yield "GET", "/calendar/{secret}.ics", admin.get(feed, **headers)
    yield "DELETE", "/calendars/{id}", admin.request("DELETE", calendar.headers["location"])
    yield "GET", "/calendar/{secret}.ics", admin.get(feed)
    for path in ("/metrics", "/health/live", "/health/ready"):
        yield "GET", path, admin.get(path)


def responses_to_unsubscribe_links(service: Service) -> Iterator[tuple[str, str, Response]]:
    """Yield responses about the link of a new lead, and about an unknown one."""
    path, lead = "/unsubscribe/{token}", service.client().post("/leads", {**JOHN, "email": "link@example.com"})
    for token in (service.token_of(lead.json["id"]), "x"):
        for method in ("GET", "POST"):
            client = service.client_with(accept="application/json" if token == "x" else "")
            yield method, path, client.request(method, path.replace("{token}", token))


def responses_about_files(admin: Api) -> Iterator[tuple[str, str, Response]]:
    """Yield responses to imports and exports."""
    sent = [(b"email,name\nx,\na@example.com,Ann\n", "text/csv"), (b"", "text/csv"), (b"", "text/plain")]
    for body, media_type in sent:
        response = admin.request("POST", "/leads/import", body, headers={"content-type": media_type})
        yield "POST", "/leads/import", response
    for accept in ("text/csv", "text/plain"):
        yield "GET", "/leads/export", admin.get("/leads/export", accept=accept)


def responses_about_personal_data(service: Service, lead: str, duplicate: str) -> Iterator[tuple[str, str, Response]]:
    """Yield responses to notes, merges, exports and erasure, and redirects of merged leads."""
    admin = service.client("admin")
    yield "POST", "/leads/{id}/notes", admin.post(f"/leads/{lead}/notes", {"text": "Call in the morning."})
    yield "POST", "/leads/{id}/notes", admin.post(f"/leads/{lead}/notes", {"text": " "})
    yield "GET", "/leads/{id}/similar", admin.get(f"/leads/{lead}/similar")
    for other in (duplicate, UNKNOWN_ID, "John"):
        yield "POST", "/leads/{id}/distinct", admin.post(f"/leads/{lead}/distinct", {"lead_id": other})
    for other in (duplicate, duplicate, UNKNOWN_ID, "John"):
        yield "POST", "/leads/{id}/merge", admin.post(f"/leads/{lead}/merge", {"duplicate_id": other})
    for method, path, body in (
        ("GET", "/leads/{id}", None),
        ("PATCH", "/leads/{id}", {"name": "John"}),
        ("DELETE", "/leads/{id}", None),
        ("GET", "/leads/{id}/timeline", None),
        ("POST", "/leads/{id}/follow-up", None),
        ("GET", "/leads/{id}/follow-ups", None),
        ("POST", "/leads/{id}/tasks", TASK),
        ("GET", "/leads/{id}/tasks", None),
        ("POST", "/leads/{id}/notes", {"text": "He moved."}),
        ("POST", "/leads/{id}/merge", {"duplicate_id": UNKNOWN_ID}),
        ("GET", "/leads/{id}/similar", None),
        ("POST", "/leads/{id}/distinct", {"lead_id": UNKNOWN_ID}),
        ("GET", "/leads/{id}/export", None),
    ):
        yield method, path, admin.request(method, path.replace("{id}", duplicate), body)
    yield "GET", "/leads/{id}/export", admin.get(f"/leads/{lead}/export")
    yield "DELETE", "/leads/{id}", admin.request("DELETE", f"/leads/{lead}")
    yield "DELETE", "/leads/{id}", admin.request("DELETE", f"/leads/{lead}")


def test_every_response_matches_the_document(start: Callable[..., Service], document: Any) -> None:
    service = start(rate_limit=RateLimit(1000, 60), forms=FORMS)
    seen = set()
    for method, path, response in responses(service):
        documented = document["paths"][path][method.lower()]["responses"]
        assert str(response.status) in documented, (method, path, response)
        description = documented[str(response.status)]
        if response.status >= 400:
            named = PROBLEMS[response.json["type"].removeprefix("/problems/")].schema.__name__
            assert errors(response.json, document["components"]["schemas"][named], document) == [], (method, path)
        if response.body:
            media_type = response.headers["content-type"]
            schemas = description["content"]
            schema = (schemas.get(media_type) or schemas[media_type.partition(";")[0]])["schema"]
            content = response.json if media_type.endswith(("/json", "+json")) else response.body.decode()
            assert errors(content, schema, document) == [], (method, path, response)
        else:
            assert "content" not in description, (method, path, response)
        assert header_errors(response, description, document) == [], (method, path, response)
        seen.add((method, path, response.status))
    successes = {
        (method, path, int(status))
        for method, path, operation in operations(document)
        for status in operation["responses"]
        if int(status) < 400
    }
    assert successes - seen == set(), "Add a request to `responses` or a function that it calls, for each of these."


def test_responses_to_creation_document_links(service: Service, document: Any) -> None:
    admin = service.client("admin")
    lead = admin.post("/leads", FULL)
    made = {
        ("/leads", "201"): lead,
        ("/leads/{id}/follow-up", "202"): admin.post(f"/leads/{lead.json['id']}/follow-up"),
        ("/leads/{id}/tasks", "201"): admin.post(f"/leads/{lead.json['id']}/tasks", TASK),
        ("/calendars", "201"): admin.post("/calendars", {"owner": "mia@example.com"}),
        ("/api-keys", "201"): admin.post("/api-keys", {"name": "Web form", "role": "capture"}),
    }
    for (path, status), response in made.items():
        links = document["paths"][path]["post"]["responses"][status]["links"]
        assert all(link["parameters"] == {"id": "$response.body#/id"} for link in links.values())
        assert response.headers["location"].endswith(response.json["id"])
        own = response.headers["location"].replace(response.json["id"], "{id}")
        linked = {link["operationId"] for link in links.values()}
        assert linked == {each["operationId"] for _, target, each in operations(document) if target.startswith(own)}


def test_a_body_that_the_document_allows_is_accepted(service: Service, document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert FULL.keys() == schemas["NewLead"]["properties"].keys()
    assert errors(FULL, schemas["NewLead"], document) == []


def test_every_body_has_a_valid_example(service: Service, document: Any) -> None:
    for method, path, operation in operations(document):
        holders = [operation.get("requestBody", {}), *operation["responses"].values()]
        bodies = [
            body for holder in holders for body in holder.get("content", {}).items() if body[0] not in SPREADSHEETS
        ]
        for media_type, body in bodies:
            examples = [body["example"]] if "example" in body else [each["value"] for each in body["examples"].values()]
            assert examples, (method, path, media_type)
            for example in examples:
                assert errors(example, body["schema"], document) == [], (method, path, media_type)


def test_problems_with_extra_members_have_a_schema_and_a_valid_example(document: Any) -> None:
    schemas = document["components"]["schemas"]
    base = {"type", "title", "status", "detail", "instance"}
    for problem in PROBLEMS.values():
        name = problem.schema.__name__
        assert schemas[name]["properties"].keys() - base == problem.fields.keys()
        assert set(schemas[name]["required"]) == schemas[name]["properties"].keys()


@pytest.mark.parametrize("with_a_reason", [False, True])
def test_the_example_of_a_patch_is_accepted_for_a_new_lead(start: Callable[..., Service], with_a_reason: bool) -> None:
    own = a_pipeline(reason_required=("gone",), fresh=("gone", "won"), gone=(), won=())
    service = start(pipeline=own) if with_a_reason else start()
    document = service.anonymous().get("/openapi.json").expect(200).json
    change = document["paths"]["/leads/{id}"]["patch"]["requestBody"]["content"]["application/json"]["example"]
    assert ("status_reason" in change) is with_a_reason
    lead = service.client().post("/leads", JOHN).expect(201)
    changed = service.client().patch(lead.headers["location"], change).expect(200).json
    assert (changed["status"], changed["status_reason"]) == (change["status"], change.get("status_reason"))


def test_the_example_of_the_pipeline_is_the_default_pipeline(service: Service, document: Any) -> None:
    response = document["paths"]["/pipeline"]["get"]["responses"]["200"]
    assert response["content"]["application/json"]["example"] == service.client().get("/pipeline").json


def test_the_example_of_a_lead_is_a_new_one(service: Service, document: Any) -> None:
    lead = document["paths"]["/leads/{id}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    real = service.client().post("/leads", JOHN).expect(201).json
    same = ("status", "status_reason", "contacted_at", "version")
    assert [lead[member] for member in same] == [real[member] for member in same]


def test_times_in_examples_are_in_the_future(document: Any) -> None:
    times = re.findall(r"\b(20\d\d)-\d\d-\d\dT", json.dumps(document))
    assert times
    assert set(times) == {"2030"}


def test_the_example_of_a_lead_is_accepted(service: Service, document: Any) -> None:
    body = document["paths"]["/leads"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"].keys() == document["components"]["schemas"]["NewLead"]["properties"].keys()
    service.client().post("/leads", body["example"]).expect(201)
