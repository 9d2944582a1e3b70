"""Test the command `leads today`."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.cells import cell_len

from builders import a_follow_up, a_lead, a_task, an_email, an_id
from databases import RunningDatabase, sqlite_database
from leads_app.cli.today import ITEMS_MAX, ROWS_MAX
from leads_domain.follow_up import FollowUpState
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task
from terminal import Terminal

NOW = datetime.now(UTC)
MINUTE = timedelta(minutes=1)
OVERDUE = NOW - timedelta(days=3)
MIA, NOAH = an_email("mia@example.com"), an_email("noah@example.com")
NOTHING = "No task is overdue or due today, and no follow-up failed in the last 7 days.\n"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal of 80 columns."""
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("COLUMNS", "80")
    return terminal


@pytest.fixture
def database(tmp_path: Path) -> Iterator[RunningDatabase]:
    """Return the database of the terminal, which another process has open, with a lead of Mia."""
    with sqlite_database(tmp_path) as running:
        running.write(lambda work: work.leads.add(a_lead(name="Ada Muster", owner=MIA)))
        yield running


def store(database: RunningDatabase, *tasks: Task) -> None:
    """Store tasks of the lead."""

    def add(work: UnitOfWork) -> None:
        for task in tasks:
            work.tasks.add(task)

    database.write(add)


def store_failed(database: RunningDatabase) -> None:
    """Store a follow-up of the lead that has just failed."""
    failed = a_follow_up(state=FollowUpState.FAILED, next_attempt_at=None, last_error="Mailbox full.", updated_at=NOW)
    database.write(lambda work: work.follow_ups.add(failed))


def tasks(number: int, **values: Any) -> list[Task]:
    """Return overdue tasks."""
    return [a_task(id=an_id(100 + each), **{"due_at": OVERDUE + each * MINUTE, **values}) for each in range(number)]


def rows(printed: str) -> list[list[str]]:
    """Return the cells of the rows of all tables."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]


@pytest.mark.usefixtures("database")
def test_nothing_to_do_is_one_line(terminal: Terminal) -> None:
    assert terminal.leads("today").expect(0).out == NOTHING


def test_tasks_and_failed_follow_ups_are_tables(terminal: Terminal, database: RunningDatabase) -> None:
    store(database, *tasks(1, text="Call about\nthe quote", assignee=None))
    store_failed(database)
    printed = terminal.leads("today").expect(0).out
    assert [line.rstrip() for line in printed.splitlines() if line[0].isalpha()] == [
        "Overdue: 1",
        "Follow-ups that failed in the last 7 days: 1",
    ]
    assert [row[1:] for row in rows(printed)] == [
        ["Ada Muster", "Call about the quote", ""],
        ["Ada Muster", "lead", "Mailbox full."],
    ]
    assert rows(printed)[0][0] == f"{OVERDUE.astimezone():%Y-%m-%d}"


def test_the_assignee_chooses_a_persons_tasks_in_any_spelling(terminal: Terminal, database: RunningDatabase) -> None:
    store(database, *tasks(1), a_task(id=an_id(1), assignee=NOAH, text="Meet", due_at=OVERDUE))
    assert rows(terminal.leads("today", "--assignee", "NOAH@example.com").expect(0).out) == [
        [f"{OVERDUE.astimezone():%Y-%m-%d}", "Ada Muster", "Meet"]
    ]
    assert terminal.leads("today", "--assignee", "nobody@example.com").expect(0).out == NOTHING
    assert (
        terminal.leads("today", "--assignee", "nobody")
        .expect(1)
        .err.startswith("leads: The address in --assignee is not valid.")
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Maximiliane " * 16, "Call about the quote, and ask for the address. " * 20),
        ("王小明" * 60, "送报价单并确认交货时间" * 50),
        ("x" * 200, "https://example.com/" + "a" * 900),
        ("\U0001f469\u200d\U0001f467" * 20, "é" * 900),
    ],
)
def test_long_and_wide_values_stay_within_80_columns(
    terminal: Terminal, database: RunningDatabase, name: str, text: str
) -> None:
    long = an_email(f"{'m' * 60}@{'sales.' * 10}example.com")
    database.write(lambda work: work.leads.add(a_lead(id=an_id(2), name=name.strip(), email=an_email("2@example.com"))))
    store(database, *tasks(1, lead_id=an_id(2), text=text, assignee=long))
    printed = terminal.leads("today").expect(0).out
    assert {cell_len(line) for line in printed.splitlines()} == {80}
    shown = "".join(row[1] for row in rows(printed))
    assert shown.replace(" ", "").startswith(name[:20].replace(" ", ""))
    assert shown.endswith("…")
    assert len(rows(printed)) < 12


def test_values_are_no_markup(terminal: Terminal, database: RunningDatabase) -> None:
    store(database, *tasks(1, text="[bold]Call[/bold] [/]"))
    assert rows(terminal.leads("today").expect(0).out)[0][2] == "[bold]Call[/bold] [/]"


def test_long_lists_are_cut_and_their_totals_are_not(terminal: Terminal, database: RunningDatabase) -> None:
    store(database, *tasks(ITEMS_MAX + 100, due_at=OVERDUE))
    printed = terminal.leads("today").expect(0).out
    assert printed.startswith("Overdue: 1,100 ")
    assert printed.endswith("and 1,050 more\n")
    assert len(rows(printed)) == ROWS_MAX == 50
    listed = json.loads(terminal.leads("today", "--json").expect(0).out)["overdue"]
    assert (listed["total"], len(listed["items"])) == (1_100, ITEMS_MAX)


def test_json_has_the_documented_members(terminal: Terminal, database: RunningDatabase) -> None:
    store(database, *tasks(1))
    store_failed(database)
    printed = terminal.leads("today", "--json").expect(0).out
    found = json.loads(printed)
    assert printed.count("\n") == 1
    assert list(found) == ["at", "end_of_day", "overdue", "due_today", "failed_follow_ups"]
    lead = {"id": a_lead().id, "name": "Ada Muster", "owner": "mia@example.com"}
    due_at = OVERDUE.isoformat(timespec="microseconds").replace("+00:00", "Z")
    task = {"id": an_id(100), "lead": lead, "assignee": "mia@example.com", "text": a_task().text, "due_at": due_at}
    assert found["overdue"] == {"total": 1, "items": [task]}
    assert found["due_today"] == {"total": 0, "items": []}
    assert found["failed_follow_ups"]["items"] == [
        {
            "id": a_follow_up().id,
            "lead": lead,
            "recipient": "lead",
            "channel": "log",
            "message": a_follow_up().message,
            "due_at": "2026-01-05T12:00:00.000000Z",
            "failed_at": NOW.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "last_error": "Mailbox full.",
        }
    ]


DIGEST = '[digest]\nchannel = "log"\nat = "08:00"\ntime_zone = "Pacific/Auckland"\ndays = ["mon"]\n'
HOURS = '[working_hours]\nzone = "Asia/Kathmandu"\ndays = ["mon"]\nfrom = "09:00"\nto = "17:00"\n'


@pytest.mark.parametrize(
    ("settings", "zone"),
    [(DIGEST + HOURS, "Pacific/Auckland"), (HOURS, "Asia/Kathmandu"), ("", "America/St_Johns")],
)
@pytest.mark.usefixtures("database")
def test_the_day_ends_in_the_zone_of_the_digest_else_of_the_working_hours_else_of_the_machine(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, settings: str, zone: str
) -> None:
    (terminal.folder / "leads.toml").write_text(settings, "utf-8")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/St_Johns")
        time.tzset()
        found = json.loads(terminal.leads("today", "--json").expect(0).out)
    time.tzset()
    at, end = (datetime.fromisoformat(found[name]).astimezone(ZoneInfo(zone)) for name in ("at", "end_of_day"))
    assert end.time() == datetime.min.time()
    assert end.date() - at.date() == timedelta(days=1)
