"""Test that no value can control the terminal, by printing hostile values through every command."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rich_click as click

from builders import NOON, a_follow_up, a_lead, a_task, an_email, an_id
from databases import sqlite_database
from leads_adapters.files.formats import Format
from leads_app.cli import leads
from leads_domain.access import ApiKey, Role
from leads_domain.follow_up import FollowUpState
from leads_domain.ports import UnitOfWork
from terminal import CommandResult, Terminal

HOSTILE = "\x1b]52;c;aGFjaw==\x07\x9b2J\x7f\u202e\u2028\r\nFORGED"
"""Writes to the clipboard, clears the screen, reverses the text, and begins a line."""

ID = an_id(9)
RAW = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

COMMANDS: dict[str, list[list[str]]] = {
    "backup": [["copy.db"], [f"{HOSTILE}.db"], [f"nowhere{HOSTILE}/"]],
    "channels": [[], ["test", HOSTILE], ["test", "log", "--to", HOSTILE, "--message", HOSTILE]],
    "copy": [["--from", "sqlite:///leads.db", "--to", "sqlite:///new.db"], ["--from", HOSTILE, "--to", HOSTILE]],
    "dispatch": [["--once"]],
    "doctor": [[]],
    "export": [[f"{HOSTILE}.csv"], [HOSTILE]],
    "fetch": [["--once"], [HOSTILE]],
    "forms": [[], ["snippet", "contact", "--url", "http://example.com"], ["snippet", HOSTILE, "--url", HOSTILE]],
    "import": [["a.csv", "--dry-run"], ["a.csv", "b.csv", HOSTILE], [HOSTILE], ["a.csv", "--map", HOSTILE]],
    "keys": [["list"], ["create", "--name", HOSTILE, "--role", HOSTILE], ["revoke", ID], ["revoke", HOSTILE]],
    "migrate": [[]],
    "pipeline": [[], ["--format", "mermaid"], [f"--{HOSTILE}"]],
    "receive": [["--mailbox", "sales"], ["--mailbox", HOSTILE], [HOSTILE], []],
    "restore": [["leads.db"], ["copy.db", "--yes"], [f"{HOSTILE}.db"]],
    "serve": [["--host", HOSTILE]],
    "today": [[], ["--json"], ["--assignee", HOSTILE]],
}
"""The arguments with which each command is run, one run after the other."""


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal in a folder with a hostile name, hostile stored values, a hostile file and settings."""
    folder = tmp_path / HOSTILE.replace("/", "")
    folder.mkdir()
    with sqlite_database(folder) as running:
        running.write(_store_hostile_values)
    cell = f'"{HOSTILE}"'
    (folder / "a.csv").write_text(f"name,email,{cell}\n{cell},{cell},{cell}\nAnn,ann@example.com,{cell}\n", "utf-8")
    (folder / "leads.toml").write_text(
        '[forms.contact]\nsource = "web"\n[mailboxes.sales]\nurl = "maildir:///nowhere/%E2%80%AE%C2%9B2J"\n', "utf-8"
    )
    return Terminal(folder, monkeypatch, capsys)


def _store_hostile_values(work: UnitOfWork) -> None:
    """Store what older versions of leads have accepted."""
    work.leads.add(a_lead(name=HOSTILE, source=HOSTILE, status=HOSTILE, attributes={HOSTILE: HOSTILE}))
    work.tasks.add(a_task(text=HOSTILE, assignee=an_email(HOSTILE)))
    failed = {"state": FollowUpState.FAILED, "next_attempt_at": None, "updated_at": datetime.now(UTC)}
    work.follow_ups.add(a_follow_up(message=HOSTILE, last_error=HOSTILE, **failed))
    work.api_keys.add(ApiKey(id=ID, name=HOSTILE, role=Role.ADMIN, digest="0" * 64, created_at=NOON))


def commands(group: click.Group) -> Iterator[str]:
    return iter(group.commands)


def raw_controls(result: CommandResult) -> list[str]:
    return RAW.findall(result.out + result.err)


def test_every_command_is_tested() -> None:
    assert sorted(COMMANDS) == sorted(commands(leads))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_no_command_prints_a_raw_control_character(terminal: Terminal, command: str) -> None:
    if command == "restore":
        terminal.leads("backup", "copy.db").expect(0)
    for arguments in COMMANDS[command]:
        result = terminal.leads(command, *arguments)
        assert raw_controls(result) == [], result
        assert "\nFORGED" not in result.out


def test_a_stored_value_is_escaped_and_stays_recognisable(terminal: Terminal) -> None:
    [line] = terminal.leads("keys", "list").expect(0).out.splitlines()
    assert r"\u001b]52;c;aGFjaw==\u0007\u009b2J\u007f\u202e\u2028\r\nFORGED (created" in line


@pytest.mark.parametrize("file_format", [Format.CSV, Format.NDJSON])
def test_an_export_to_a_terminal_is_escaped_and_one_to_a_pipe_is_not(
    terminal: Terminal, file_format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    piped = terminal.leads("export", "--format", file_format).expect(0)
    assert "\x9b2J" in piped.out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert raw_controls(terminal.leads("export", "--format", file_format).expect(0)) == []
