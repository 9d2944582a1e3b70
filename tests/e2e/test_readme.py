"""Everything that the README tells people to type works as it is printed.

Replaced is only what a reader replaces, too: the port, the key, the id, and the address, room and token of the chat.
"""

import json
import tomllib
from typing import Any, NamedTuple

import homeserver
from e2e.readme import BLOCKS, ROOT, block, recipe
from e2e.service import BIN, HOST, Reply, Service, Site, eventually

START = "make serve"
FIRST_REQUESTS = "KEY=admin_..."
WITH_THE_ID = "ID=..."
SPREADSHEET = ". .venv/bin/activate"
NOTIFIER = "import json"
ENTRY_POINT = '[project.entry-points."leads.notifiers"]'
CHANNEL = 'default_channel = "team"'

CHAT = {"url": "https://matrix.example.com", "room": "!leads:example.com", "token": "syt_..."}
PRINTED_PORT = f"{HOST}:8000"


def test_every_block_of_the_readme_is_tried_here() -> None:
    tried = [START, FIRST_REQUESTS, WITH_THE_ID, SPREADSHEET, NOTIFIER, ENTRY_POINT, CHANNEL]
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
    (site.home / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}\\n"\n', "utf-8")
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


def test_a_spreadsheet_is_tried_imported_and_exported(site: Site) -> None:
    site.write(
        "leads.csv",
        "Full Name;E-Mail;Phone Number;Company\nJohn Doe;john@example.com;+49123456789;ACME\nJane Doe;no address;;\n",
    )
    activate, *commands = block(SPREADSHEET).splitlines()
    assert activate == ". .venv/bin/activate"
    assert [command.split()[0] for command in commands] == ["leads"] * 3
    path = f"{BIN}:{site.environment()['PATH']}"  # what activating does
    done = site.shell("\n".join(commands), PATH=path).expect(0)
    assert done.out.count("This was a dry run: nothing was kept.") == 1
    assert [line.split() for line in done.out.splitlines() if line.startswith("created")] == [["created", "1"]] * 2
    backup = (site.folder / "backup.csv").read_text("utf-8")
    assert "john@example.com" in backup
    assert '"{""Company"":""ACME""}"' in backup
    assert "no address" not in backup
    refused = (site.folder / "leads.refused.csv").read_text("utf-8")
    assert refused.splitlines()[1].startswith("3,")


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

    def attempted() -> Reply | None:
        reply = service.get(promised.headers["location"]).expect(200)
        return reply if reply.json["state"] != "scheduled" or reply.json["last_error"] else None

    answer: dict[str, Any] = eventually(attempted).json
    return answer
