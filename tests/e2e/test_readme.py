"""Everything that the README tells people to type works as it is printed.

Replaced is only what a reader replaces, too: the port, the key, the id, and the address, room and token of the chat.
"""

import json
import tomllib
from typing import Any, NamedTuple

import homeserver
from e2e.readme import BLOCKS, ROOT, block, recipe
from e2e.service import BIN, HOST, CommandResult, Response, Service, Site, eventually

START = "make serve"
FIRST_REQUESTS = "KEY=admin_..."
WITH_THE_ID = "ID=..."
ACTIVATE = ". .venv/bin/activate"
SPREADSHEET = "leads import leads.csv --dry-run"
BACKUP = "leads backup backups/ --keep 14"
LOST_KEY = 'leads keys create --name "Mia" --role admin'
NOTIFIER = "import json"
ENTRY_POINT = "[build-system]"
CHANNEL = 'default_channel = "team"'

CHAT = {"url": "https://matrix.example.com", "room": "!leads:example.com", "token": "syt_..."}
PRINTED_PORT = f"{HOST}:8000"


def test_every_block_of_the_readme_is_tried_here() -> None:
    tried = [
        *(START, FIRST_REQUESTS, WITH_THE_ID, ACTIVATE, SPREADSHEET, BACKUP, LOST_KEY),
        *(NOTIFIER, ENTRY_POINT, CHANNEL),
    ]
    assert [block.opening for block in BLOCKS] == tried


def test_make_serve_runs_the_command_that_these_tests_run(site: Site) -> None:
    assert block(START).splitlines() == ["make serve"]
    assert recipe("serve").replace("$(BIN)", str(BIN)) == f"{site.command} serve"


class Answer(NamedTuple):
    """What curl got."""

    status: int
    body: Any


def answers(script: str, service: Service, **placeholders: str) -> list[Answer]:
    """What the requests in a block are answered, with what the reader puts in place of `NAME=...`."""
    assert PRINTED_PORT in script
    script = script.replace(PRINTED_PORT, f"{HOST}:{service.port}")
    for name, value in placeholders.items():
        [line] = [line for line in script.splitlines() if line.startswith(f"{name}=")]
        assert line.endswith("...")
        script = script.replace(line, f"{name}={value}")
    lines = service.site.shell(script).expect(0).out.splitlines()
    return [Answer(int(status), json.loads(body)) for body, status in zip(lines[::2], lines[1::2], strict=True)]


def test_the_requests_are_answered_as_the_text_says(site: Site) -> None:
    (site.home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "%{http_code}\\n"\n', "utf-8")
    with site.serve() as newcomer:
        first_requests = block(FIRST_REQUESTS)
        created, listed = answers(first_requests, newcomer, KEY=site.key)
        assert created.status == 201
        assert (created.body["name"], created.body["email"]) == ("John Doe", "john@example.com")
        assert listed == (200, {"items": [created.body], "next_cursor": None})

        in_capitals = first_requests.replace("john@example.com", "JOHN@Example.com")
        assert in_capitals != first_requests
        refused, listed = answers(in_capitals, newcomer, KEY=site.key)
        assert (refused.status, refused.body["existing_lead_id"]) == (409, created.body["id"])
        assert len(listed.body["items"]) == 1

        moved, promised, story = answers(f"KEY={site.key}\n{block(WITH_THE_ID)}", newcomer, ID=created.body["id"])
        assert (moved.status, moved.body["status"]) == (200, "contacted")
        assert (promised.status, promised.body["lead_id"]) == (202, created.body["id"])
        assert story.status == 200
        told = [entry["type"] for entry in story.body["items"] if entry["type"] != "follow_up.sent"]
        assert told == ["follow_up.scheduled", "lead.status_changed", "lead.created"]
        eventually(lambda: newcomer.log("follow_up"))

        text = (ROOT / "README.md").read_text("utf-8")
        assert f"<http://{PRINTED_PORT}>" in text
        assert f"<http://{PRINTED_PORT}/docs>" in text
        assert "text/html" in newcomer.get("/docs").expect(200).headers["content-type"]


def activated(site: Site, script: str) -> CommandResult:
    """What the commands of a block do in the environment that the README has the reader activate."""
    assert block(ACTIVATE) == f"{ACTIVATE}\n"
    return site.shell(script, PATH=f"{BIN}:{site.environment()['PATH']}").expect(0)


def test_a_spreadsheet_is_tried_imported_and_exported(site: Site) -> None:
    site.write(
        "leads.csv",
        "Full Name;E-Mail;Phone Number;Company\nJohn Doe;john@example.com;+49123456789;ACME\nJane Doe;no address;;\n",
    )
    done = activated(site, block(SPREADSHEET))
    assert done.out.count("This was a dry run: nothing was kept.") == 1
    assert [line.split() for line in done.out.splitlines() if line.startswith("created")] == [["created", "1"]] * 2
    exported = (site.folder / "everything.csv").read_text("utf-8")
    assert "john@example.com" in exported
    assert '"{""Company"":""ACME""}"' in exported
    assert "no address" not in exported
    refused = (site.folder / "leads.refused.csv").read_text("utf-8")
    assert refused.splitlines()[1].startswith("3,")


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


def test_a_notifier_of_ones_own_sends_follow_ups_to_a_chat_room(site: Site) -> None:
    site.install("my_matrix", block(NOTIFIER), tomllib.loads(block(ENTRY_POINT))["project"]["entry-points"])
    channel = block(CHANNEL)
    assert tomllib.loads(channel)["channels"]["team"] == {"adapter": "matrix"} | CHAT
    with homeserver.a_homeserver() as chat:
        for printed, real in zip(CHAT.values(), (chat.url, homeserver.ROOM, homeserver.TOKEN), strict=True):
            channel = channel.replace(printed, real)
        site.write("leads.toml", channel)
        with site.serve() as service:
            assert "team (matrix)" in site.leads("doctor").expect(0).out
            site.leads("channels", "test", "team").expect(0)
            sent = follow_up(service, "john@example.com")
            [_, message] = chat.sent
            chat.answer(homeserver.Answer(413))
            refused = follow_up(service, "jane@example.com")
            chat.answer(homeserver.Answer(503))
            delayed = follow_up(service, "jack@example.com")
    assert (sent["state"], sent["channel"]) == ("sent", "team")
    assert (message.content["body"], message.transaction) == (sent["message"], sent["id"])
    assert (refused["state"], refused["last_error"]) == ("failed", "The chat answered 413.")
    assert (delayed["state"], delayed["last_error"]) == ("scheduled", "The chat answered 503.")


def follow_up(service: Service, email: str) -> dict[str, Any]:
    """A follow-up of a new lead, after the first attempt to send it."""
    lead = service.post("/leads", {"name": "Somebody", "email": email}).expect(201)
    promised = service.post(f"{lead.headers['location']}/follow-up").expect(202)

    def attempted() -> Response | None:
        reply = service.get(promised.headers["location"]).expect(200)
        return reply if reply.json["state"] != "scheduled" or reply.json["last_error"] else None

    answer: dict[str, Any] = eventually(attempted).json
    return answer
