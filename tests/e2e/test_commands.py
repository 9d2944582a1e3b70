"""Test the commands of the terminal."""

import json
import re
import signal
import sqlite3

import httpx

from e2e.service import Service, Site, eventually

JOHN = {"name": "John Doe", "email": "john@example.com"}
TWO_STEPS = """
[pipeline]
initial = "open"
reason_required = ["no deal"]
[pipeline.transitions]
open = ["deal", "no deal"]
"no deal" = ["open"]
deal = []
"""

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MINUTE = "[0-9-]{10} [0-9:]{5}"


def test_doctor_suggests_migrate_which_is_idempotent(site: Site) -> None:
    ill = site.leads("doctor").expect(1)
    [error] = [line for line in ill.out.splitlines() if line.startswith("ERROR")]
    assert "leads migrate" in error
    assert f"The database {site.folder}/leads.db is up to date now: schema " in site.leads("migrate").expect(0).out
    healthy = site.leads("doctor").expect(0)
    assert [line.split()[0] for line in healthy.out.splitlines()] == ["ok"] * 4
    before = (site.folder / "leads.db").read_bytes()
    assert "was up to date" in site.leads("migrate").expect(0).out
    assert (site.folder / "leads.db").read_bytes() == before


def test_doctor_reports_every_error_in_a_line(site: Site) -> None:
    site.write("leads.db", "Buy milk!")
    site.write("leads.toml", '[channels.chat]\nadapter = "carrier-pigeon"\n')
    ill = site.leads("doctor").expect(1)
    assert [line.split(":")[0].split() for line in ill.out.splitlines()] == [
        ["ok", "configuration"],
        ["ok", "SQLite"],
        ["ERROR", "database"],
        ["ERROR", "channels"],
    ]


def test_a_key_is_created_used_listed_and_refused_at_once_after_revocation(site: Site) -> None:
    with site.serve() as service:
        key = site.leads("keys", "create", "--name", "Ann", "--role", "agent").expect(0).out.strip()
        with httpx.Client(base_url=service.url, headers={"X-API-Key": key}, trust_env=False) as ann:
            created = ann.post("/leads", json=JOHN)
            assert created.status_code == 201
            timeline = service.get(f"{created.headers['location']}/timeline").json["items"]
            assert [entry["actor"] for entry in timeline] == ["Ann"]

            ann_used = re.compile(rf"({ID}) .*agent .*Ann \(created {MINUTE}, last used {MINUTE}\)")
            listed = eventually(lambda: ann_used.search(site.leads("keys", "list").expect(0).out))
            assert key not in listed.string
            id = listed[1]
            assert id in site.leads("keys", "revoke", id).expect(0).out
            assert ann.get("/leads").status_code == 401


def test_tasks_of_today_are_listed_while_the_service_runs(site: Site) -> None:
    with site.serve() as service:
        lead = service.post("/leads", JOHN).expect(201).headers["location"]
        for text, due_at in (("Call", "2026-01-05T12:00:00Z"), ("Meet", "9999-01-01T00:00:00Z")):
            task = {"text": text, "due_at": due_at, "assignee": "mia@example.com"}
            service.post(f"{lead}/tasks", task).expect(201)
        listed = json.loads(site.leads("today", "--json").expect(0).out)
        assert [task["text"] for task in listed["overdue"]["items"]] == ["Call"]
        shown = site.leads("today", "--assignee", "mia@example.com").expect(0).out
    assert "│ 2026-01-05 │ John Doe │ Call │" in shown
    assert "Meet" not in shown


def test_the_configured_pipeline_is_shown(site: Site) -> None:
    site.write("leads.toml", TWO_STEPS)
    shown = site.leads("pipeline").expect(0).out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert rows == [
        ["open", "deal, no deal", "initial"],
        ["no deal", "open", "needs a reason"],
        ["deal", "", "final"],
    ]


def test_the_pipeline_is_drawn_as_a_diagram(site: Site) -> None:
    site.write("leads.toml", TWO_STEPS)
    drawn = site.leads("pipeline", "--format", "mermaid").expect(0).out
    assert [line.strip() for line in drawn.splitlines()] == [
        "stateDiagram-v2",
        'state "open" as s0',
        'state "no deal" as s1',
        'state "deal" as s2',
        "[*] --> s0",
        "s0 --> s2",
        "s0 --> s1",
        "s1 --> s0",
        "s2 --> [*]",
    ]


def test_a_configured_pipeline_is_served(site: Site) -> None:
    site.write("leads.toml", TWO_STEPS)
    with site.serve() as service:
        lead = service.post("/leads", JOHN).expect(201)
        assert lead.json["status"] == "open"
        service.patch(lead.headers["location"], {"status": "no deal"}).expect(422)
        service.patch(lead.headers["location"], {"status": "no deal", "status_reason": "Too dear."}).expect(200)
        service.patch(lead.headers["location"], {"status": "deal"}).expect(409)


def test_follow_ups_wait_for_a_dispatcher_if_the_service_does_not_dispatch(site: Site) -> None:
    with site.serve("--no-dispatch", LEADS_PUBLIC_URL="http://leads.example.com") as service:
        assert "The default channel log only writes follow-ups to the log" in service.out
        assert "mail providers offer one-click unsubscribe only for https" in service.out
        follow_up = create_follow_up(service, "once@example.com")
        dispatched = site.leads("dispatch", "--once").expect(0)
        assert dispatched.out == "Attempts made: 1.\n"
        assert dispatched.err.count(follow_up) == 1
        assert is_sent(follow_up, service)
        for number in (signal.SIGTERM, signal.SIGINT):
            follow_up = create_follow_up(service, f"{number.name}@example.com")
            with site.running("dispatch") as dispatcher:
                eventually(lambda id=follow_up: is_sent(id, service))  # type: ignore[misc]
                assert dispatcher.stop(number) == 0
            assert dispatcher.err.count(follow_up) == 1
    assert service.log("follow_up") == []


def test_several_workers_send_each_follow_up_once(site: Site) -> None:
    with site.serve("--workers", "2") as service:
        created = [create_follow_up(service, f"lead-{number}@example.com") for number in range(20)]
        for follow_up in created:
            eventually(lambda id=follow_up: is_sent(id, service))  # type: ignore[misc]
        assert service.stop() == 0
        eventually(lambda: not service.has_left_processes())
    assert sorted(str(line["follow_up_id"]) for line in service.log("follow_up")) == sorted(created)


def test_several_workers_can_leave_follow_ups_to_another_dispatcher(site: Site) -> None:
    with site.serve("--workers", "2", "--no-dispatch") as service:
        create_follow_up(service)
        assert site.leads("dispatch", "--once").expect(0).out == "Attempts made: 1.\n"


def create_follow_up(service: Service, email: str = JOHN["email"]) -> str:
    """Create a lead with a follow-up and return the follow-up's id."""
    lead = service.post("/leads", {**JOHN, "email": email}).expect(201)
    return str(service.post(f"{lead.headers['location']}/follow-up").expect(202).json["id"])


def is_sent(follow_up: str, service: Service) -> bool:
    """Return whether a follow-up was sent."""
    return bool(service.get(f"/follow-ups/{follow_up}").expect(200).json["state"] == "sent")


def test_a_form_is_sent_to_the_public_url_unless_another_is_given(site: Site) -> None:
    site.write("leads.toml", 'public_url = "https://leads.example.com/"\n[forms.contact]\n')
    by_setting = site.leads("forms", "snippet", "contact").expect(0)
    by_option = site.leads("forms", "snippet", "contact", "--url", "https://example.org/leads").expect(0)
    assert 'action="https://leads.example.com/forms/contact"' in by_setting.out
    assert 'action="https://example.org/leads/forms/contact"' in by_option.out


def test_an_import_without_an_accepted_row_fails_and_a_dry_run_stores_nothing(site: Site) -> None:
    site.write("bad.csv", "name,email\nAnn,nobody\n")
    site.write("mixed.csv", "name,email\nAnn,nobody\nBob,bob@example.com\n")
    failed = site.leads("import", "bad.csv").expect(1)
    assert failed.out.splitlines()[4].split() == ["refused", "1"]
    assert failed.err.splitlines()[-1] == "leads: No row of the file was accepted."

    dry_run = site.leads("import", "mixed.csv", "--dry-run").expect(0)
    assert "Line 2: email: " in dry_run.out
    assert not (site.folder / "mixed.refused.csv").exists()
    for _ in range(2):
        site.leads("import", "mixed.csv").expect(0)
    assert (site.folder / "mixed.refused.csv").read_text("utf-8").startswith("line,reason,name,email\n2,")


def test_a_name_that_the_terminal_cannot_encode_is_escaped(site: Site) -> None:
    site.leads("keys", "create", "--name", "Аня", "--role", "read").expect(0)
    assert r"\u0410\u043d\u044f" in site.run([site.command, "keys", "list"], PYTHONIOENCODING="latin-1").expect(0).out


def test_a_command_with_closed_standard_output_does_nothing(site: Site) -> None:
    refused = site.shell(f"{site.command} export >&-").expect(1)
    assert [line.partition(":")[0] for line in refused.err.splitlines()] == ["leads"]
    assert "Standard output is closed" in refused.err
    assert not (site.folder / "leads.db").exists()


def test_a_message_is_stored_although_standard_output_is_closed(site: Site) -> None:
    site.write("leads.toml", "[mailboxes.sales]\n")
    site.leads("migrate").expect(0)
    command = f"{site.command} receive --mailbox sales"
    stored = site.shell(f"printf 'From: ann@example.org\\n\\nHello' | {command} >&-").expect(0)
    assert (stored.out, stored.err) == ("", "")
    with sqlite3.connect(site.folder / "leads.db") as database:
        assert database.execute("SELECT count(*) FROM submissions").fetchall() == [(1,)]
    assert site.shell(f"{command} <&-").expect(75).err == "leads: There is no message on standard input.\n"


def test_a_command_that_creates_the_database_reports_its_path(site: Site) -> None:
    site.write("a.csv", "name,email\nJohn,john@example.com\n")
    file = site.folder / "leads.db"
    assert f"Database: {file} (created)\n" in site.leads("import", "a.csv").expect(0).err
    assert f"Database: {file}\n" in site.leads("export").expect(0).err


def test_every_command_has_help(site: Site) -> None:
    overview = site.leads("--help").expect(0).out
    for command in (
        "serve",
        "migrate",
        "dispatch",
        "today",
        "keys",
        "import",
        "export",
        "backup",
        "restore",
        "copy",
        "pipeline",
        "channels",
        "doctor",
    ):
        assert re.search(rf"^│ {command}\s+[A-Z]", overview, re.MULTILINE), command
