"""The commands and examples of the README work as printed.

The tests replace only what a reader replaces: the port, the key and the id.
"""

import json
import shutil
from typing import Any, NamedTuple

from e2e.readme import BLOCKS, ROOT, block, recipe
from e2e.service import BIN, HOST, CommandResult, Response, Service, Site, eventually

EXPORTS = ROOT / "tests" / "data" / "exports"
START = "make serve"
FIRST_REQUESTS = "KEY=admin_..."
WITH_THE_ID = "ID=..."
ACTIVATE = ". .venv/bin/activate"
SPREADSHEET = "leads import contacts.csv --dry-run"
BACKUP = "leads backup backups/ --keep 14"
LOST_KEY = 'leads keys create --name "Mia" --role admin'
NOTIFIER = "import subprocess"
PRINTED_PORT = f"{HOST}:8000"


def test_every_block_of_the_readme_is_run_here() -> None:
    run = [START, FIRST_REQUESTS, WITH_THE_ID, ACTIVATE, SPREADSHEET, BACKUP, LOST_KEY, NOTIFIER]
    assert [block.opening for block in BLOCKS] == run


def test_make_serve_runs_the_command_that_these_tests_run(site: Site) -> None:
    assert block(START).splitlines() == ["make serve"]
    assert recipe("serve").replace("$(BIN)", str(BIN)) == f"{site.command} serve"


class Printed(NamedTuple):
    """A response that curl printed."""

    status: int
    body: Any


def printed_responses(script: str, service: Service, **placeholders: str) -> list[Printed]:
    """Run the requests in a block, with these values for `NAME=...`, and return the responses."""
    assert PRINTED_PORT in script
    script = script.replace(PRINTED_PORT, f"{HOST}:{service.port}")
    for name, value in placeholders.items():
        [line] = [line for line in script.splitlines() if line.startswith(f"{name}=")]
        assert line.endswith("...")
        script = script.replace(line, f"{name}={value}")
    lines = service.site.shell(script).expect(0).out.splitlines()
    return [Printed(int(status), json.loads(body)) for body, status in zip(lines[::2], lines[1::2], strict=True)]


def test_the_requests_have_the_responses_that_the_text_describes(site: Site) -> None:
    (site.home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "%{http_code}\\n"\n', "utf-8")
    with site.serve() as service:
        first_requests = block(FIRST_REQUESTS)
        created, listed = printed_responses(first_requests, service, KEY=site.key)
        assert created.status == 201
        assert (created.body["name"], created.body["email"]) == ("John Doe", "john@example.com")
        assert listed == (200, {"items": [created.body], "next_cursor": None})

        in_capitals = first_requests.replace("john@example.com", "JOHN@Example.com")
        assert in_capitals != first_requests
        refused, listed = printed_responses(in_capitals, service, KEY=site.key)
        assert (refused.status, refused.body["existing_lead_id"]) == (409, created.body["id"])
        assert len(listed.body["items"]) == 1

        changed, scheduled, timeline = printed_responses(
            f"KEY={site.key}\n{block(WITH_THE_ID)}", service, ID=created.body["id"]
        )
        assert (changed.status, changed.body["status"]) == (200, "contacted")
        assert (scheduled.status, scheduled.body["lead_id"]) == (202, created.body["id"])
        assert timeline.status == 200
        types = [entry["type"] for entry in timeline.body["items"] if entry["type"] != "follow_up.sent"]
        assert types == ["follow_up.scheduled", "lead.status_changed", "lead.created"]
        eventually(lambda: service.log("follow_up"))

        text = (ROOT / "README.md").read_text("utf-8")
        assert f"<http://{PRINTED_PORT}>" in text
        assert f"<http://{PRINTED_PORT}/docs>" in text
        assert "text/html" in service.get("/docs").expect(200).headers["content-type"]


def activated(site: Site, script: str) -> CommandResult:
    """Run a block in the environment that the README tells the reader to activate."""
    assert block(ACTIVATE) == f"{ACTIVATE}\n"
    return site.shell(script, PATH=f"{BIN}:{site.environment()['PATH']}").expect(0)


def test_an_export_with_first_and_last_names_is_tried_imported_and_exported(site: Site) -> None:
    shutil.copy(EXPORTS / "google-contacts.csv", site.folder / "contacts.csv")
    done = activated(site, block(SPREADSHEET))
    assert done.out.count("This was a dry run: nothing was stored.") == 1
    assert "  First Name -> name\n  Middle Name -> (attribute)\n  Last Name -> name\n" in done.out
    assert [line.split() for line in done.out.splitlines() if line.startswith("created")] == [["created", "3"]] * 2
    exported = (site.folder / "everything.csv").read_text("utf-8")
    assert ",Ada Muster,ada@example.com,'+4915112345678," in exported
    assert ",Oma,,'+49407654321," in exported
    assert "Nur Name" not in exported
    refused = (site.folder / "contacts.refused.csv").read_text("utf-8")
    assert [line.split(",")[0] for line in refused.splitlines()[1:]] == ["6", "7"]


def test_a_backup_made_while_the_service_runs_is_restored_after_it_has_stopped(site: Site) -> None:
    backup, restore = block(BACKUP).splitlines()
    with site.serve() as service:
        service.post("/leads", {"name": "John Doe", "email": "john@example.com"}).expect(201)
        activated(site, backup)
        service.post("/leads", {"name": "Jane Doe", "email": "jane@example.com"}).expect(201)
    activated(site, f"{restore} --yes")  # the reader answers the question
    with site.serve() as service:
        assert [lead["email"] for lead in service.get("/leads").json["items"]] == ["john@example.com"]


def test_a_lost_key_is_replaced_and_revoked(site: Site) -> None:
    create, show, revoke = block(LOST_KEY).splitlines()
    assert activated(site, create).out.startswith("admin_")
    [key] = activated(site, show).out.splitlines()
    assert "Mia" in key
    id = key.split()[0]
    assert id in activated(site, revoke.replace("...", id)).out


def test_a_notifier_of_ones_own_sends_follow_ups(site: Site) -> None:
    site.install("my_program", block(NOTIFIER), {"leads.notifiers": {"program": "my_program:ProgramNotifier"}})
    program = site.folder / "program"
    program.write_text('#!/bin/sh\nset -e\ntest ! -e broken\necho "$1" >> keys\ncat >> messages\n', "utf-8")
    program.chmod(0o700)
    channel = f'[channels.team]\nadapter = "program"\nprogram = "{program}"\n'
    site.write("leads.toml", f'default_channel = "team"\n{channel}')
    with site.serve() as service:
        assert "team (program)" in site.leads("doctor").expect(0).out
        sent = follow_up(service, "john@example.com")
        assert (site.folder / "keys").read_text("utf-8") == f"{sent['id']}\n"
        assert (site.folder / "messages").read_text("utf-8") == sent["message"]
        site.leads("channels", "test", "team").expect(0)
        site.write("broken", "")
        delayed = follow_up(service, "jack@example.com")
    assert (sent["state"], sent["channel"]) == ("sent", "team")
    assert (delayed["state"], delayed["last_error"]) == ("scheduled", "The program failed.")


def follow_up(service: Service, email: str) -> dict[str, Any]:
    """Schedule a follow-up of a new lead, and return it after the first attempt."""
    lead = service.post("/leads", {"name": "John Doe", "email": email}).expect(201)
    scheduled = service.post(f"{lead.headers['location']}/follow-up").expect(202)

    def attempted() -> Response | None:
        response = service.get(scheduled.headers["location"]).expect(200)
        return response if response.json["state"] != "scheduled" or response.json["last_error"] else None

    attempted_follow_up: dict[str, Any] = eventually(attempted).json
    return attempted_follow_up


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 120
    assert len([line for line in block(NOTIFIER).splitlines() if line]) <= 15
