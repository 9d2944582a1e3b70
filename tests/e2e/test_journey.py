"""Test the first steps of a new user in an empty folder."""

from dataclasses import dataclass

import pytest

from e2e.service import HOST, CommandResult, Response, Service, Site, eventually

JOHN = {"name": "John Doe", "email": "john@example.com", "phone": "+49123456789"}
MESSAGE = "Dear John, shall we talk about the blue one on Friday?"
SHORTLY = 4.0
"""A shorter time in seconds than the polling interval of the dispatcher."""
PERSONAL = ("john", "doe", "example.com", "49123456789", "blue one")


@dataclass(frozen=True)
class Journey:
    """All responses, in the order of the requests."""

    printed: str
    key: str
    tried: CommandResult
    created: Response
    duplicate: Response
    listed: Response
    contacted: Response
    moved_back: Response
    scheduled: Response
    sent: Response
    timeline: Response
    port: int
    started_twice: CommandResult
    follow_up_lines: list[dict[str, object]]
    printed_later: str
    listed_later: Response
    output: str
    """The standard output and standard error of both starts."""
    files: bytes
    """The bytes of the stored files."""


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    site = Site(tmp_path_factory.mktemp("journey"))
    with site.serve() as service:
        printed = service.out
        tried = site.shell(next(line for line in printed.splitlines() if line.strip().startswith("curl ")))
        created = service.post("/leads", JOHN)
        lead = created.headers["location"]
        duplicate = service.post("/leads", {**JOHN, "email": "JOHN@Example.com"})
        listed = service.get("/leads?email=john@example.com")
        contacted = service.patch(lead, {"status": "contacted"})
        moved_back = service.patch(lead, {"status": "new"})
        scheduled = service.post(f"{lead}/follow-up", {"message": MESSAGE})
        sent = eventually(lambda: no_longer_scheduled(service, scheduled.headers["location"]), SHORTLY)
        timeline = service.get(f"{lead}/timeline")
        started_twice = site.leads("serve", "--port", str(service.port))
        service.post("/leads", {**JOHN, "phone": "John Doe", "surname": "Doe"}).expect(422)
        service.get("/john@example.com").expect(404)
        assert service.stop() == 0
    with site.serve() as again:
        listed_later = again.get("/leads")
        files = b"".join(path.read_bytes() for path in site.folder.iterdir())
    return Journey(
        printed=printed,
        key=site.key,
        tried=tried,
        created=created,
        duplicate=duplicate,
        listed=listed,
        contacted=contacted,
        moved_back=moved_back,
        scheduled=scheduled,
        sent=sent,
        timeline=timeline,
        port=service.port,
        started_twice=started_twice,
        follow_up_lines=service.log("follow_up"),
        printed_later=again.out,
        listed_later=listed_later,
        output=service.out + service.err + again.out + again.err,
        files=files,
    )


def no_longer_scheduled(service: Service, follow_up: str) -> Response | None:
    """Return the follow-up if it was sent or has failed, else None."""
    reply = service.get(follow_up).expect(200)
    return None if reply.json["state"] == "scheduled" else reply


def test_the_first_start_prints_an_admin_key_once(journey: Journey) -> None:
    assert journey.printed.count("The first admin key") == 1
    assert journey.output.count("The first admin key") == 1


def test_the_printed_curl_command_works(journey: Journey) -> None:
    assert journey.tried.expect(0).out == '{"items":[],"next_cursor":null}\n'


def test_a_lead_is_created(journey: Journey) -> None:
    lead = journey.created.expect(201).json
    assert {member: lead[member] for member in JOHN} == JOHN
    assert (lead["status"], lead["version"]) == ("new", 1)
    assert journey.created.headers["location"] == f"/leads/{lead['id']}"


def test_the_same_email_in_capitals_is_a_duplicate_of_the_lead(journey: Journey) -> None:
    problem = journey.duplicate.expect(409).json
    assert (problem["type"], problem["existing_lead_id"]) == ("/problems/duplicate-lead", journey.created.json["id"])


def test_the_lead_is_listed(journey: Journey) -> None:
    assert journey.listed.expect(200).json == {"items": [journey.created.json], "next_cursor": None}


def test_the_status_of_the_lead_changes(journey: Journey) -> None:
    lead = journey.contacted.expect(200).json
    assert (lead["status"], lead["version"]) == ("contacted", 2)


def test_an_illegal_transition_names_the_allowed_statuses(journey: Journey) -> None:
    problem = journey.moved_back.expect(409).json
    assert problem["type"] == "/problems/illegal-transition"
    assert (problem["from"], problem["to"]) == ("contacted", "new")
    assert problem["allowed"] == ["qualified", "converted", "lost"]


def test_a_follow_up_is_scheduled_and_sent_soon(journey: Journey) -> None:
    follow_up = journey.scheduled.expect(202).json
    assert (follow_up["state"], follow_up["channel"], follow_up["message"]) == ("scheduled", "log", MESSAGE)
    sent = journey.sent.expect(200).json
    assert (sent["id"], sent["state"], sent["attempts"]) == (follow_up["id"], "sent", 1)
    assert sent["sent_at"]


def test_a_follow_up_writes_exactly_one_log_line(journey: Journey) -> None:
    [line] = journey.follow_up_lines
    assert line["follow_up_id"] == journey.scheduled.json["id"]
    assert line["lead_id"] == journey.created.json["id"]


def test_the_timeline_has_every_change_and_no_refused_one(journey: Journey) -> None:
    timeline_types = [(entry["type"], entry["actor"]) for entry in journey.timeline.expect(200).json["items"]]
    assert timeline_types == [
        ("follow_up.sent", "dispatcher"),
        ("follow_up.scheduled", "first admin key"),
        ("lead.status_changed", "first admin key"),
        ("lead.created", "first admin key"),
    ]


def test_a_second_service_on_the_port_is_refused_in_one_line(journey: Journey) -> None:
    refused = journey.started_twice.expect(1)
    assert refused.err == f"leads: Cannot listen on {HOST}:{journey.port}: Address already in use.\n"
    assert refused.out == ""


def test_a_second_start_prints_no_key_and_has_all_data(journey: Journey) -> None:
    assert "leads serves" in journey.printed_later
    assert "admin" not in journey.printed_later
    [lead] = journey.listed_later.expect(200).json["items"]
    assert (lead["id"], lead["status"]) == (journey.created.json["id"], "contacted")


def test_no_personal_data_and_no_key_is_logged(journey: Journey) -> None:
    logged = journey.output.replace(journey.printed, "", 1).casefold()
    assert [text for text in (*PERSONAL, journey.key) if text in logged] == []
    assert "admin_" not in logged
    assert journey.printed.count(journey.key) == 2  # by itself and in the curl command


def test_the_printed_key_is_not_stored(journey: Journey) -> None:
    assert JOHN["email"].encode() in journey.files
    assert journey.key.encode() not in journey.files
