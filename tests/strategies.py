"""Hypothesis strategies for all valid values of the domain, and for invalid pipelines."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from builders import a_follow_up, a_lead, a_task, an_email, an_id
from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.control_characters import on_one_line, remove_controls
from leads_domain.details import (
    ATTRIBUTE_NAME_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    NAME_MAX,
    REASON_MAX,
    SOURCE_MAX,
    Details,
    Scalar,
)
from leads_domain.follow_up import MESSAGE_MAX, FollowUp, FollowUpState, Lease, Recipient
from leads_domain.lead import Lead
from leads_domain.pipeline import DEFAULT_PIPELINE, Pipeline, Status
from leads_domain.task import OUTCOME_MAX, TEXT_MAX, Task, TaskState


def texts(min_size: int = 0, max_size: int = 50) -> SearchStrategy[str]:
    """Draw text in any script, without NUL and lone surrogates, which cannot be stored."""
    return st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=min_size, max_size=max_size
    )


def texts_without_controls(max_size: int = 50) -> SearchStrategy[str]:
    """Draw text in any script, with line breaks, but without control characters."""
    return texts(max_size=max_size).map(remove_controls)


def trimmed_texts(max_length: int) -> SearchStrategy[str]:
    """Draw text as the domain stores it on one line: not empty, without outer white space."""
    return texts(min_size=1, max_size=min(max_length, 50)).map(on_one_line).map(str.strip).filter(bool)


def times() -> SearchStrategy[datetime]:
    """Draw aware times in any zone, a year away from both ends of the calendar: they can be converted to UTC."""
    offsets = st.integers(min_value=-1439, max_value=1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31), timezones=offsets)  # noqa: DTZ001


def utc_times() -> SearchStrategy[datetime]:
    """Draw times as the `Clock` returns them, in a plausible range of years."""
    return st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.just(UTC),
    )


def ids() -> SearchStrategy[str]:
    """Draw identifiers."""
    return st.integers(min_value=1, max_value=2**61).map(an_id)


def emails() -> SearchStrategy[EmailAddress]:
    """Draw e-mail addresses, some of which differ only in case."""
    local = st.text("abABßé1+", min_size=1, max_size=10)
    return st.builds(lambda name, host: an_email(f"{name}@{host}.example"), local, st.sampled_from(["a", "b", "B"]))


def phones() -> SearchStrategy[PhoneNumber]:
    """Draw phone numbers, with or without an extension."""
    digits = st.text("0123456789", min_size=1, max_size=5)
    return st.builds(PhoneNumber, digits.map("+1202555{}".format), st.none() | digits)


def scalars() -> SearchStrategy[Scalar]:
    """Draw values of attributes, without negative zero, which some databases store as zero."""
    numbers = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
    integers = st.integers(min_value=INTEGER_MIN, max_value=INTEGER_MAX)
    return confusable_scalars() | texts_without_controls() | integers | numbers | st.booleans()


def confusable_scalars() -> SearchStrategy[Scalar]:
    """Draw values that are equal or false in Python but differ in JSON."""
    return st.sampled_from([0, 0.0, False, 1, 1.0, True, "", None])


def attribute_names() -> SearchStrategy[str]:
    """Draw names of attributes, among them some that a JSON Pointer must escape."""
    return st.text("ab~/01", min_size=1, max_size=4) | trimmed_texts(ATTRIBUTE_NAME_MAX)


def attributes() -> SearchStrategy[dict[str, Scalar]]:
    """Draw the attributes of a lead."""
    return st.dictionaries(attribute_names(), scalars(), max_size=5)


def details() -> SearchStrategy[Details]:
    """Draw validated fields of a lead: all, some or none."""
    fields: dict[str, SearchStrategy[Any]] = {
        "name": trimmed_texts(NAME_MAX),
        "email": emails(),
        "phone": st.none() | phones(),
        "source": st.none() | trimmed_texts(SOURCE_MAX),
        "owner": st.none() | emails(),
        "attributes": attributes(),
        "status_reason": st.none() | trimmed_texts(REASON_MAX),
    }
    return st.fixed_dictionaries({}, optional=fields).map(lambda chosen: cast(Details, chosen))


def leads(pipeline: Pipeline = DEFAULT_PIPELINE) -> SearchStrategy[Lead]:
    """Draw leads in any status of `pipeline`."""
    return st.builds(
        lambda times, phone_only, details, **fields: _phone_only(
            a_lead(created_at=times[0], updated_at=times[1], **{**fields, **details}), phone_only
        ),
        _two_times(),
        st.booleans(),
        details(),
        id=ids(),
        status=st.sampled_from(pipeline.statuses),
        contacted_at=st.none() | utc_times(),
        next_follow_up_at=st.none() | utc_times(),
        do_not_contact=st.booleans(),
        version=st.integers(min_value=1, max_value=1000),
        email_bounced=st.booleans(),
    )


def _phone_only(lead: Lead, phone_only: bool) -> Lead:
    """Return the lead without its e-mail address if it has a phone number."""
    return replace(lead, email=None) if phone_only and lead.phone else lead


def scheduled_follow_ups() -> SearchStrategy[FollowUp]:
    """Draw scheduled follow-ups: new, under a lease, or between attempts."""
    return _follow_ups() | st.builds(
        lambda follow_up, claims, **fields: replace(follow_up, claims=claims + fields["attempts"], **fields),
        _follow_ups(),
        st.integers(min_value=0, max_value=20),
        attempts=st.integers(min_value=0, max_value=20),
        last_error=st.none() | trimmed_texts(50),
        next_attempt_at=utc_times(),
        lease=st.none() | st.builds(Lease, owner=trimmed_texts(50), until=utc_times()),
    )


def ended_follow_ups() -> SearchStrategy[FollowUp]:
    """Draw follow-ups that are sent, failed or cancelled."""
    endings: list[SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries({"state": st.just(FollowUpState.SENT), "sent_at": utc_times()}),
        st.fixed_dictionaries({"state": st.just(FollowUpState.FAILED), "last_error": trimmed_texts(50)}),
        st.fixed_dictionaries({"state": st.just(FollowUpState.CANCELLED), "last_error": st.none() | trimmed_texts(50)}),
    ]
    return st.builds(
        lambda follow_up, claims, ending: replace(
            follow_up, attempts=claims, claims=claims, next_attempt_at=None, **ending
        ),
        _follow_ups(),
        st.integers(min_value=0, max_value=20),
        st.one_of(endings),
    )


def _follow_ups() -> SearchStrategy[FollowUp]:
    """Draw follow-ups that were not claimed yet."""
    return st.builds(
        lambda times, **fields: a_follow_up(created_at=times[0], updated_at=times[1], **fields),
        _two_times(),
        id=ids(),
        lead_id=ids(),
        recipient=st.sampled_from([*Recipient, "sales@example.com", "+49301234567"]),
        channel=trimmed_texts(50),
        message=trimmed_texts(MESSAGE_MAX),
        due_at=utc_times(),
        rule_status=st.none() | statuses(),
        task_id=st.none() | ids(),
        by_rule=st.booleans(),
    )


def tasks() -> SearchStrategy[Task]:
    """Draw tasks in any state."""
    endings: list[SearchStrategy[dict[str, Any]]] = [
        st.just({}),
        st.fixed_dictionaries(
            {"state": st.just(TaskState.DONE), "outcome": trimmed_texts(OUTCOME_MAX), "done_at": utc_times()}
        ),
        st.just({"state": TaskState.CANCELLED}),
    ]
    return st.builds(
        lambda times, ending, **fields: a_task(created_at=times[0], updated_at=times[1], **ending, **fields),
        _two_times(),
        st.one_of(endings),
        id=ids(),
        lead_id=ids(),
        assignee=st.none() | emails(),
        text=trimmed_texts(TEXT_MAX),
        due_at=utc_times(),
        remind=st.booleans(),
        version=st.integers(min_value=1, max_value=1000),
    )


def _two_times() -> SearchStrategy[list[datetime]]:
    """Draw two times in order, perhaps equal."""
    return st.tuples(utc_times(), utc_times()).map(sorted)


def follow_ups() -> SearchStrategy[FollowUp]:
    """Draw follow-ups in any state."""
    return scheduled_follow_ups() | ended_follow_ups()


@dataclass(frozen=True)
class Table:
    """A pipeline as configured, not validated."""

    transitions: dict[Status, list[Status]]
    initial: Status
    reason_required: frozenset[Status]

    def build(self) -> Pipeline:
        """Return the pipeline. Raises an error if it is invalid."""
        return Pipeline(self.initial, self.transitions, self.reason_required)

    def linked(self, status: Status, *targets: Status) -> "Table":
        """Return a table with more targets for `status`, which is added if it is missing."""
        existing = self.transitions.get(status, [])
        return replace(self, transitions={**self.transitions, status: [*existing, *targets]})


def statuses() -> SearchStrategy[Status]:
    """Draw names of statuses in any script: printable, without outer spaces."""
    letters = st.characters(categories=["L", "N", "P", "S", "Zs"])
    return st.text(letters, min_size=1, max_size=12).filter(lambda name: name == name.strip() and name.isprintable())


@st.composite
def tables(draw: DrawFn, min_statuses: int = 1) -> Table:
    """Draw tables of valid pipelines: each status is the target of an earlier one, and the last is final."""
    names = draw(st.lists(statuses(), min_size=min_statuses, max_size=6, unique=True))
    some = st.sets(st.sampled_from(names))
    targets: dict[Status, set[Status]] = {name: draw(some) - {name} for name in names[:-1]} | {names[-1]: set()}
    for index in range(1, len(names)):
        targets[names[draw(st.integers(min_value=0, max_value=index - 1))]].add(names[index])
    transitions = {name: sorted(targets[name]) for name in sorted(names)}
    return Table(transitions, names[0], frozenset(draw(some)))


def pipelines() -> SearchStrategy[Pipeline]:
    """Draw valid pipelines."""
    return tables().map(Table.build)


@dataclass(frozen=True)
class InvalidTable:
    """Draw a table with one error, and the expected message."""

    table: Table
    message: str


def invalid_tables(kind: str) -> SearchStrategy[InvalidTable]:
    """Draw tables of pipelines with one error of this kind, a key of `PIPELINE_ERRORS`."""
    return st.composite(PIPELINE_ERRORS[kind])()


def _nameless(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    bad = draw(st.sampled_from(["", " ", "new ", "\tnew", "a\nb", "a\0b", "zero\u200bwidth", "x" * 51]))
    message = f"{bad!r} is not a valid status. Use 1 to 50 printable characters, without spaces at either end."
    return InvalidTable(table.linked(table.initial, bad).linked(bad), message)


def _undeclared_initial(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    undeclared = draw(_undeclared_statuses(table))
    message = f"The initial status {undeclared!r} is missing in `transitions`."
    return InvalidTable(replace(table, initial=undeclared), message)


def _undeclared_reason(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    undeclared = draw(_undeclared_statuses(table))
    message = f"The status {undeclared!r} in `reason_required` is missing in `transitions`."
    return InvalidTable(replace(table, reason_required=table.reason_required | {undeclared}), message)


def _undeclared_target(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    undeclared, origin = draw(_undeclared_statuses(table)), draw(st.sampled_from(list(table.transitions)))
    message = f"The status {origin!r} has a transition to {undeclared!r}, which is missing in `transitions`."
    return InvalidTable(table.linked(origin, undeclared), message)


def _leads_to_itself(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    origin = draw(st.sampled_from(list(table.transitions)))
    message = f"The status {origin!r} has a transition to itself. Remove it: keeping the status is always allowed."
    return InvalidTable(table.linked(origin, origin), message)


def _target_named_twice(draw: DrawFn) -> InvalidTable:
    table = draw(tables(min_statuses=2))
    origin = draw(st.sampled_from([status for status, targets in table.transitions.items() if targets]))
    target = draw(st.sampled_from(table.transitions[origin]))
    return InvalidTable(table.linked(origin, target), f"The status {origin!r} has two transitions to the same status.")


def _unreachable(draw: DrawFn) -> InvalidTable:
    table = draw(tables())
    undeclared, target = draw(_undeclared_statuses(table)), draw(st.sampled_from(list(table.transitions)))
    message = f"The status {undeclared!r} cannot be reached from the initial status {table.initial!r}."
    return InvalidTable(table.linked(undeclared, target), message)


def _endless(draw: DrawFn) -> InvalidTable:
    table = draw(tables(min_statuses=2))
    for status, targets in list(table.transitions.items()):
        if not targets:
            table = table.linked(status, draw(st.sampled_from([name for name in table.transitions if name != status])))
    return InvalidTable(table, "No status is final. Give at least one status an empty list of transitions.")


def _undeclared_statuses(table: Table) -> SearchStrategy[Status]:
    return statuses().filter(lambda status: status not in table.transitions)


PIPELINE_ERRORS: dict[str, Callable[[DrawFn], InvalidTable]] = {
    "nameless": _nameless,
    "undeclared initial": _undeclared_initial,
    "undeclared reason": _undeclared_reason,
    "undeclared target": _undeclared_target,
    "leads to itself": _leads_to_itself,
    "target named twice": _target_named_twice,
    "unreachable": _unreachable,
    "endless": _endless,
}
