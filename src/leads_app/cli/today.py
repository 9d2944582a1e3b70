"""The command `leads today`."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Any

import rich_click as click

from leads_app.cli import session
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line, print_table
from leads_app.container import Container
from leads_app.settings import Settings
from leads_domain.digest_schedule import end_of_day
from leads_domain.errors import ValidationFailed
from leads_domain.events import rfc3339
from leads_domain.follow_up import FollowUp
from leads_domain.notices import one_line, shorten
from leads_domain.task import Task
from leads_domain.use_cases.find_agenda import RECENTLY, Agenda, Listed, find_agenda

ROWS_MAX = 50
"""The maximum number of rows of a table."""

ITEMS_MAX = 1_000
"""The maximum number of items of each list of `--json`."""

_NAME_MAX, _TEXT_MAX = 30, 80
_DAY = timedelta(days=1)


@click.command()
@click.option("--assignee", help="The e-mail address of a person. Default: all people.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def today(assignee: str | None, as_json: bool) -> None:
    """List the tasks that are overdue or due today, and the follow-ups that failed in the last 7 days."""
    with session.opened() as (container, run):
        person = _key(container, assignee)
        zone = _zone(container.settings())
        now = container.clock().now()
        until = end_of_day(now, zone)
        limit = ITEMS_MAX if as_json else ROWS_MAX
        find = container.database().read_long(find_agenda, person, now=now, end_of_day=until, limit=limit)
        agenda = run(find)
    if as_json:
        print_line(json.dumps(_as_json(agenda, now, until)))
    else:
        _print_tables(agenda, partial(_when, now=now, zone=zone), names_assignees=person is None)


def _key(container: Container, assignee: str | None) -> str | None:
    try:
        return None if assignee is None else container.normalizer().email(assignee).key
    except ValidationFailed as error:
        raise CommandFailed(f"The address in --assignee is not valid. {error}") from None


def _zone(settings: Settings) -> tzinfo | None:
    """Return the time zone of the digest, else of the working hours; None for that of the machine."""
    if settings.digest:
        return settings.digest.schedule.zone
    return settings.working_hours.zone if settings.working_hours else None


def _print_tables(agenda: Agenda, when: Callable[[datetime], str], *, names_assignees: bool) -> None:
    def task(each: Task) -> dict[str, str]:
        cells = {"due": when(each.due_at), "lead": _name(agenda, each), "task": _short(each.text)}
        return cells | ({"assignee": str(each.assignee or "")} if names_assignees else {})

    def failed(each: FollowUp) -> dict[str, str]:
        cells = {"failed": when(each.updated_at), "lead": _name(agenda, each), "recipient": str(each.recipient)}
        return cells | {"error": _short(each.last_error or "")}

    _print_table("Overdue", agenda.overdue, task)
    _print_table("Due today", agenda.due_today, task)
    _print_table(f"Follow-ups that failed in the last {RECENTLY.days} days", agenda.failed, failed)
    if agenda.is_empty:
        print_line(f"No task is overdue or due today, and no follow-up failed in the last {RECENTLY.days} days.")


def _print_table(title: str, listed: Listed[Any], cells: Callable[[Any], dict[str, str]]) -> None:
    rows = [cells(each) for each in listed.items]
    if rows:
        print_table(*rows[0], rows=[[*row.values()] for row in rows], title=f"{title}: {listed.total:,}")
    if more := listed.total - len(rows):
        print_line(f"and {more:,} more")


def _when(at: datetime, *, now: datetime, zone: tzinfo | None) -> str:
    """Return the local time of a moment today, else the local date."""
    local = at.astimezone(zone)
    return f"{local:%H:%M}" if local.date() == now.astimezone(zone).date() else f"{local:%Y-%m-%d}"


def _name(agenda: Agenda, each: Task | FollowUp) -> str:
    return shorten(one_line(agenda.leads[each.lead_id].name), _NAME_MAX)


def _short(text: str) -> str:
    return shorten(one_line(text), _TEXT_MAX)


def _as_json(agenda: Agenda, now: datetime, until: datetime) -> dict[str, Any]:
    return {
        "at": rfc3339(now),
        "end_of_day": rfc3339(until),
        "overdue": _listed(agenda, agenda.overdue, _task),
        "due_today": _listed(agenda, agenda.due_today, _task),
        "failed_follow_ups": _listed(agenda, agenda.failed, _failed),
    }


def _listed(agenda: Agenda, listed: Listed[Any], fields: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    def item(each: Task | FollowUp) -> dict[str, Any]:
        lead = agenda.leads[each.lead_id]
        owner = str(lead.owner) if lead.owner else None
        return {"id": each.id, "lead": {"id": lead.id, "name": lead.name, "owner": owner}, **fields(each)}

    return {"total": listed.total, "items": [item(each) for each in listed.items]}


def _task(task: Task) -> dict[str, Any]:
    assignee = str(task.assignee) if task.assignee else None
    return {"assignee": assignee, "text": task.text, "due_at": rfc3339(task.due_at)}


def _failed(follow_up: FollowUp) -> dict[str, Any]:
    return {
        "recipient": follow_up.recipient,
        "channel": follow_up.channel,
        "message": follow_up.message,
        "due_at": rfc3339(follow_up.due_at),
        "failed_at": rfc3339(follow_up.updated_at),
        "last_error": follow_up.last_error,
    }
