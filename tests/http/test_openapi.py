"""The OpenAPI document: complete, true of the running service, and sound in itself."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from builders import a_pipeline
from leads_adapters.http.problems import PROBLEMS
from leads_adapters.http.rate_limit import RateLimit
from leads_domain.notifier import Refused
from rest import JOHN, UNKNOWN_ID, Api, Response, Service

FULL = {
    "name": "Jane Roe",
    "email": "jane@example.com",
    "phone": "+49 30 123456",
    "source": "fair",
    "owner": "sales@example.com",
    "attributes": {"company": "ACME", "size": 12, "share": 0.5, "vip": True, "fax": None},
}


@pytest.fixture
def document(service: Service) -> Any:
    """The document of a service with the default settings."""
    return service.anonymous().get("/openapi.json").expect(200).json


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Method, path and description of every documented operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from nodes(child)
    elif isinstance(node, list):
        for child in node:
            yield from nodes(child)


def resolve(document: Any, reference: str) -> Any:
    """What a reference refers to; fails if there is no such thing."""
    assert reference.startswith("#/"), reference
    found = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def faults(value: Any, schema: Any, document: Any) -> list[str]:
    """Where `value` is not what the schema says."""
    whole = {**schema, "components": document["components"]}
    return [str(error) for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)]


def test_the_document_is_openapi_3_1(service: Service) -> None:
    answer = service.anonymous().get("/openapi.json").expect(200)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["openapi"].startswith("3.1.")
    assert answer.json["info"].keys() >= {"title", "version", "description"}


def test_every_documented_operation_is_served(service: Service, document: Any) -> None:
    admin = service.client("admin")
    for number, (method, path, _) in enumerate(operations(document)):
        lead = admin.post("/leads", {**JOHN, "email": f"{number}@example.com"}).json["id"]
        follow_up = admin.post(f"/leads/{lead}/follow-up").json["id"]
        key, _ = service.new_key("read")
        id = {"follow-ups": follow_up, "api-keys": key}.get(path.split("/")[1], lead)
        status = admin.request(method, path.replace("{id}", id)).status
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


def test_names_of_operations_are_unique_and_every_operation_says_what_it_does(document: Any) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(operation["summary"] for _, _, operation in operations(document))


VERBS = "Create|Get|List|Update|Delete|Export|Import|Merge|Cancel|Retry|Revoke|Check"


def test_titles_are_short_and_begin_with_a_verb(document: Any) -> None:
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


def test_every_body_has_one_media_type_but_files(document: Any) -> None:
    for method, path, operation in operations(document):
        media_types = list(operation.get("requestBody", {}).get("content", {}))
        assert media_types in ([], ["application/json"], ["text/csv", "application/x-ndjson"]), (method, path)


def test_every_parameter_of_a_path_is_described(document: Any) -> None:
    for method, path, operation in operations(document):
        described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path)), (method, path)


def test_conditions_are_described_where_they_are_heeded(document: Any) -> None:
    conditional = {
        (method, path)
        for method, path, operation in operations(document)
        if {"If-Match", "If-None-Match"} <= {each["name"] for each in operation["parameters"] if each["in"] == "header"}
    }
    assert conditional >= {("GET", "/leads/{id}"), ("PATCH", "/leads/{id}")}
    for method, path, operation in operations(document):
        assert ("412" in operation["responses"]) == ((method, path) in conditional), (method, path)
        assert ("304" in operation["responses"]) == (method == "GET" and (method, path) in conditional), (method, path)


def test_every_post_and_nothing_else_can_be_repeated(document: Any) -> None:
    for method, path, operation in operations(document):
        described = "Idempotency-Key" in {each["name"] for each in operation["parameters"] if each["in"] == "header"}
        assert described == (method == "POST"), (method, path)
        for status, response in operation["responses"].items():
            replayed = "Idempotency-Replayed" in response.get("headers", {})
            assert replayed == (method == "POST" and int(status) < 300), (method, path, status)
        if method == "POST":
            assert "`request-in-progress`" in operation["responses"]["409"]["description"]
            assert "`idempotency-key-reused`" in operation["responses"]["422"]["description"]


def test_bodies_refuse_unknown_members(document: Any) -> None:
    bodies = [
        resolve(document, content["schema"]["$ref"])
        for _, _, operation in operations(document)
        if "requestBody" in operation
        for media_type, content in operation["requestBody"]["content"].items()
        if media_type in ("application/json", "application/merge-patch+json")
    ]
    assert len(bodies) >= 4
    assert [body["additionalProperties"] for body in bodies] == [False] * len(bodies)


@pytest.mark.parametrize(
    ("method", "path", "required"),
    [
        ("post", "/leads", True),
        ("patch", "/leads/{id}", True),
        ("post", "/leads/{id}/follow-up", False),
        ("patch", "/follow-ups/{id}", True),
    ],
)
def test_the_document_says_which_bodies_may_be_left_out(document: Any, method: str, path: str, required: bool) -> None:
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


def test_every_problem_that_is_named_is_known_and_has_that_status(document: Any) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                named = re.findall(r"`([\w-]+)`", response["description"])
                assert named, (method, path, status)
                assert {PROBLEMS[name].status_code for name in named} == {int(status)}
                assert response["content"].keys() == {"application/problem+json"}


def test_whoever_needs_a_key_can_be_refused_and_slowed_down(document: Any) -> None:
    for method, path, operation in operations(document):
        needs_key = operation.get("security", document["security"]) != []
        assert ({"401", "403", "429"} <= operation["responses"].keys()) == needs_key, (method, path)


def test_the_ways_to_send_a_key_are_described(document: Any) -> None:
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


def header_faults(answer: Response, response: Any, document: Any) -> list[str]:
    """Where the headers of an answer are not those that its description says."""
    described = {name.lower(): resolve(document, each["$ref"]) for name, each in response.get("headers", {}).items()}
    optional = OPTIONAL_HEADERS | ({"retry-after"} if answer.status == 409 else set())
    found = [f"{name} is missing" for name in described.keys() - answer.headers.keys() - optional]
    found += [f"{name} is not described" for name in HEADERS & answer.headers.keys() - described.keys()]
    for name in described.keys() & answer.headers.keys():
        schema, text = described[name]["schema"], answer.headers[name]
        found += faults(int(text) if schema["type"] == "integer" else text, schema, document)
    return found


def answers(service: Service) -> Iterator[tuple[str, str, Response]]:
    """Method, path and answer of exchanges that meet every operation in every way in which it succeeds."""
    agent, form = service.client("agent"), service.client("capture")
    created = agent.post("/leads", FULL)
    lead = created.json["id"]
    yield "POST", "/leads", created
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
    yield from answers_about_a_failed_follow_up(service, john)
    yield from care(service, lead, john)
    yield from answers_about_no_lead(service.client())
    yield from answers_about_files(service.client("admin"))
    yield from answers_to_operators(service.client("admin"))


def answers_about_a_failed_follow_up(service: Service, john: str) -> Iterator[tuple[str, str, Response]]:
    """The same of a follow-up that could not be sent."""
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


def answers_about_no_lead(agent: Api) -> Iterator[tuple[str, str, Response]]:
    """The same of what is about all leads, or none."""
    for query in ("", "?limit=1", "?limit=0", "?after=x", f"?after={agent.get('/events').json['next_cursor']}"):
        yield "GET", "/events", agent.get(f"/events{query}")
    yield "GET", "/statistics", agent.get("/statistics")
    yield "GET", "/pipeline", agent.get("/pipeline")


def answers_to_operators(admin: Api) -> Iterator[tuple[str, str, Response]]:
    """The same of keys, and of what is told about the service."""
    made = admin.post("/api-keys", {"name": "Web form", "role": "capture"})
    yield "POST", "/api-keys", made
    yield "POST", "/api-keys", admin.post("/api-keys", {"name": "", "role": "boss"})
    yield "GET", "/api-keys", admin.get("/api-keys?limit=1")
    yield "GET", "/api-keys/{id}", admin.get(made.headers["location"])
    yield "DELETE", "/api-keys/{id}", admin.request("DELETE", made.headers["location"])
    yield "DELETE", "/api-keys/{id}", admin.request("DELETE", f"/api-keys/{UNKNOWN_ID}")
    for path in ("/metrics", "/health/live", "/health/ready"):
        yield "GET", path, admin.get(path)


def answers_about_files(admin: Api) -> Iterator[tuple[str, str, Response]]:
    """The same of files of leads."""
    sent = [(b"email,name\nx,\na@example.com,Ann\n", "text/csv"), (b"", "text/csv"), (b"", "text/plain")]
    for body, media_type in sent:
        answer = admin.request("POST", "/leads/import", body, headers={"content-type": media_type})
        yield "POST", "/leads/import", answer
    for accept in ("text/csv", "text/plain"):
        yield "GET", "/leads/export", admin.get("/leads/export", accept=accept)


def care(service: Service, lead: str, duplicate: str) -> Iterator[tuple[str, str, Response]]:
    """The same for what is done with a lead as the record of a person, and for leads that have moved."""
    admin = service.client("admin")
    yield "POST", "/leads/{id}/notes", admin.post(f"/leads/{lead}/notes", {"text": "Call in the morning."})
    yield "POST", "/leads/{id}/notes", admin.post(f"/leads/{lead}/notes", {"text": " "})
    for other in (duplicate, duplicate, UNKNOWN_ID, "John"):
        yield "POST", "/leads/{id}/merge", admin.post(f"/leads/{lead}/merge", {"duplicate_id": other})
    for method, path, body in (
        ("GET", "/leads/{id}", None),
        ("PATCH", "/leads/{id}", {"name": "John"}),
        ("DELETE", "/leads/{id}", None),
        ("GET", "/leads/{id}/timeline", None),
        ("POST", "/leads/{id}/follow-up", None),
        ("GET", "/leads/{id}/follow-ups", None),
        ("POST", "/leads/{id}/notes", {"text": "He moved."}),
        ("POST", "/leads/{id}/merge", {"duplicate_id": UNKNOWN_ID}),
        ("GET", "/leads/{id}/export", None),
    ):
        yield method, path, admin.request(method, path.replace("{id}", duplicate), body)
    yield "GET", "/leads/{id}/export", admin.get(f"/leads/{lead}/export")
    yield "DELETE", "/leads/{id}", admin.request("DELETE", f"/leads/{lead}")
    yield "DELETE", "/leads/{id}", admin.request("DELETE", f"/leads/{lead}")


def test_what_the_service_answers_is_what_the_document_says(start: Callable[..., Service], document: Any) -> None:
    service = start(rate_limit=RateLimit(1000, 60))
    met = set()
    for method, path, answer in answers(service):
        documented = document["paths"][path][method.lower()]["responses"]
        assert str(answer.status) in documented, (method, path, answer)
        response = documented[str(answer.status)]
        if answer.status >= 400:
            named = PROBLEMS[answer.json["type"].removeprefix("/problems/")].schema.__name__
            assert faults(answer.json, document["components"]["schemas"][named], document) == [], (method, path)
        if answer.body:
            media_type = answer.headers["content-type"]
            content = response["content"]
            schema = (content.get(media_type) or content[media_type.partition(";")[0]])["schema"]
            told = answer.json if media_type.endswith(("/json", "+json")) else answer.body.decode()
            assert faults(told, schema, document) == [], (method, path, answer)
        else:
            assert "content" not in response, (method, path, answer)
        assert header_faults(answer, response, document) == [], (method, path, answer)
        met.add((method, path, answer.status))
    successes = {
        (method, path, int(status))
        for method, path, operation in operations(document)
        for status in operation["responses"]
        if int(status) < 400
    }
    assert successes - met == set(), "Add an exchange to `answers` or `care` for each of these."


def test_what_makes_a_resource_links_to_what_can_be_done_with_it(service: Service, document: Any) -> None:
    admin = service.client("admin")
    lead = admin.post("/leads", FULL)
    made = {
        ("/leads", "201"): lead,
        ("/leads/{id}/follow-up", "202"): admin.post(f"/leads/{lead.json['id']}/follow-up"),
        ("/api-keys", "201"): admin.post("/api-keys", {"name": "Web form", "role": "capture"}),
    }
    for (path, status), answer in made.items():
        links = document["paths"][path]["post"]["responses"][status]["links"]
        assert all(link["parameters"] == {"id": "$response.body#/id"} for link in links.values())
        assert answer.headers["location"].endswith(answer.json["id"])
        own = answer.headers["location"].replace(answer.json["id"], "{id}")
        linked = {link["operationId"] for link in links.values()}
        assert linked == {each["operationId"] for _, target, each in operations(document) if target.startswith(own)}


def test_what_the_document_allows_to_be_sent_is_read(service: Service, document: Any) -> None:
    schemas = document["components"]["schemas"]
    assert FULL.keys() == schemas["NewLead"]["properties"].keys()
    assert faults(FULL, schemas["NewLead"], document) == []


def test_every_body_has_an_example_which_its_schema_allows(service: Service, document: Any) -> None:
    for method, path, operation in operations(document):
        holders = [operation.get("requestBody", {}), *operation["responses"].values()]
        bodies = [body for holder in holders for body in holder.get("content", {}).items()]
        for media_type, body in bodies:
            examples = [body["example"]] if "example" in body else [each["value"] for each in body["examples"].values()]
            assert examples, (method, path, media_type)
            for example in examples:
                assert faults(example, body["schema"], document) == [], (method, path, media_type)


def test_the_problems_that_define_members_have_a_schema_that_their_example_fits(document: Any) -> None:
    schemas = document["components"]["schemas"]
    base = {"type", "title", "status", "detail", "instance"}
    for problem in PROBLEMS.values():
        name = problem.schema.__name__
        assert schemas[name]["properties"].keys() - base == problem.fields.keys()
        assert set(schemas[name]["required"]) == schemas[name]["properties"].keys()


@pytest.mark.parametrize("with_a_reason", [False, True])
def test_the_example_of_a_change_is_what_a_new_lead_takes(start: Callable[..., Service], with_a_reason: bool) -> None:
    own = a_pipeline(reason_required=("gone",), fresh=("gone", "won"), gone=(), won=())
    service = start(pipeline=own) if with_a_reason else start()
    document = service.anonymous().get("/openapi.json").expect(200).json
    change = document["paths"]["/leads/{id}"]["patch"]["requestBody"]["content"]["application/json"]["example"]
    assert ("status_reason" in change) is with_a_reason
    lead = service.client().post("/leads", JOHN).expect(201)
    changed = service.client().patch(lead.headers["location"], change).expect(200).json
    assert (changed["status"], changed["status_reason"]) == (change["status"], change.get("status_reason"))


def test_the_example_of_the_pipeline_is_the_pipeline(service: Service, document: Any) -> None:
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


def test_the_example_of_a_lead_is_taken_in(service: Service, document: Any) -> None:
    body = document["paths"]["/leads"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"].keys() == document["components"]["schemas"]["NewLead"]["properties"].keys()
    service.client().post("/leads", body["example"]).expect(201)
