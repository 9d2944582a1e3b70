"""The commands and requests of the reference pages work as printed.

The tests replace only what a reader replaces: the port, the key and ids.
"""

import json
import os
from itertools import count, pairwise

import pytest

from e2e.readme import Block, block, blocks, local_block, recipe
from e2e.service import BIN, Service, Site

API = "docs/api.md"
SETTINGS = "docs/settings.md"
PRIVACY = "docs/privacy.md"
PERFORMANCE = "docs/performance.md"

STATUSES = {
    '"phone": "+49 30 123456"': [201],
    "$URL/enquiries": [201],
    '{"status": "contacted"': [200, 200],
    "limit=20": [200, 200, 200],
    '"do_not_contact": true': [200, 200],
    "/timeline": [200],
    "/events?limit=100": [200],
    '"due_at": "2030-01-12': [202, 202],
    '"due_at": "2030-01-14': [200, 200],
    "follow-ups?overdue=true": [200, 200],
    '"remind": true': [201],
    "/complete -H": [200],
    "$TASK/cancel": [200, 200],
    "/tasks?assignee": [200, 200, 200],
    "dry_run=true": [200, 200],
    "-o leads.csv": [200, 200],
    "/merge -H": [200],
    "/similar": [200],
    "/distinct": [200],
    "-X DELETE $URL/leads/$ID": [200, 204],
    "Idempotency-Key": [202],
    "If-Match": [200],
    "/statistics": [200],
    '"role": "capture"': [201],
    "-X DELETE $URL/api-keys": [204],
}
"""The status codes of the requests in a block, by a part of the block."""

NOT_REQUESTS = {
    "URL=": "the values that the tests replace",
    "openapi-python-client": "see test_generated_client.py",
    "state=needs_review": "no request creates such a submission here; see tests/http/test_submissions.py",
}
KEYS = "leads keys create"
VACUUM = "VACUUM"
COPY = "leads copy"
WRONG_SETTING = "LEADS_LOG_FORMAT=xml"

_numbers = count()


def shell_blocks(page: str) -> list[str]:
    return [each.text for each in blocks(page) if each.language == "sh"]


@pytest.mark.parametrize(
    ("page", "parts"),
    [(API, [*STATUSES, *NOT_REQUESTS]), (SETTINGS, [KEYS, COPY]), (PRIVACY, [VACUUM]), (PERFORMANCE, ["make bench "])],
)
def test_every_shell_block_is_run_here_or_has_a_reason_why_not(page: str, parts: list[str]) -> None:
    for text in shell_blocks(page):
        assert len([part for part in parts if part in text]) == 1, text


def ids_of_new_resources(service: Service) -> dict[str, str]:
    """Create the resources that a block refers to, and return their ids by variable."""
    number = next(_numbers)
    lead, duplicate = (
        service.post("/leads", {"name": "John", "email": f"{name}-{number}@example.com"}).expect(201).json["id"]
        for name in ("john", "duplicate")
    )
    follow_up = service.post(f"/leads/{lead}/follow-up", {"due_at": "2030-01-01T00:00:00Z"}).expect(202).json["id"]
    task = {"text": "Call", "due_at": "2030-01-01T00:00:00Z", "assignee": "mia@example.com"}
    task_id = service.post(f"/leads/{lead}/tasks", task).expect(201).json["id"]
    key = service.post("/api-keys", {"name": "form", "role": "capture"}).expect(201).json["id"]
    while service.get(f"/leads/{lead}").expect(200).json["version"] < 3:
        service.patch(f"/leads/{lead}", {"attributes": {"step": next(_numbers)}}).expect(200)
    others = {"FOLLOW_UP": follow_up, "TASK": task_id, "KEY_ID": key}
    return {"ID": lead, "DUPLICATE": duplicate, "OTHER": duplicate, **others}


def test_the_requests_of_the_api_page_have_the_responses_that_it_shows(site: Site) -> None:
    (site.home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "%{stderr}%{http_code}\\n"\n', "utf-8")
    site.write("leads.csv", "name,email\nJane Doe,jane@example.com\n")
    site.write("leads.ndjson", '{"name": "Jane Doe", "email": "jane@example.com"}\n')
    with site.serve() as service:
        for each, following in pairwise([*blocks(API), Block("", "")]):
            statuses = [codes for part, codes in STATUSES.items() if part in each.text]
            if each.language != "sh" or not statuses:
                continue
            variables = {"URL": service.url, "KEY": site.key, **ids_of_new_resources(service)}
            done = site.shell(each.text, **variables).expect(0)
            assert [[int(code) for code in done.err.split()]] == statuses, each.text
            if following.language == "json" and done.out:
                response = json.loads(done.out.splitlines()[-1])
                assert list(response) == list(json.loads(following.text)), each.text


def test_the_commands_for_keys_work(site: Site) -> None:
    create, list_, revoke = block(KEYS, SETTINGS).splitlines()
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    assert site.shell(create, **path).expect(0).out.startswith("capture_")
    key_id = site.shell(list_, **path).expect(0).out.split()[0]
    site.shell(f"{revoke.rpartition(' ')[0]} {key_id}", **path).expect(0)


def test_a_wrong_setting_has_the_message_that_the_page_shows(site: Site) -> None:
    command, message = block(WRONG_SETTING, SETTINGS).splitlines()
    path = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    assert site.shell(command.removeprefix("$ "), **path).expect(1).err == f"{message}\n"


def test_the_vacuum_of_the_privacy_page_works(site: Site) -> None:
    site.leads("migrate").expect(0)
    site.shell(local_block(site, VACUUM, PRIVACY)).expect(0)


def test_the_targets_of_the_performance_page_run_the_benchmarks() -> None:
    for line in block("make bench ", PERFORMANCE).splitlines():
        assert "-m benchmarks" in recipe(line.split()[1])
