"""Test the values that clients and stored data depend on. A change of one of them is a change of the contract."""

import re
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import import_module
from pkgutil import walk_packages
from types import NoneType
from typing import get_args, get_type_hints

import pytest

import leads_domain
from leads_domain import (
    access,
    checking,
    delivery,
    details,
    enquiry,
    follow_up,
    paging,
    pipeline,
    rules,
    search,
    similarity,
    spam,
    submission,
)
from leads_domain.access import Permission, Role
from leads_domain.captured import CapturedAs
from leads_domain.events import EventType
from leads_domain.follow_up import FollowUpState, Recipient, RetryPolicy
from leads_domain.notifier import Address
from leads_domain.paging import LeadSort
from leads_domain.similarity import Reason
from leads_domain.submission import ProcessingOutcome, SubmissionState
from leads_domain.use_cases import (
    add_note,
    compute_statistics,
    find_leads,
    follow_events,
    import_summary,
    manage_keys,
    process_submission,
    receive_submission,
)
from leads_domain.use_cases.add_enquiry import EnquiryOutcome
from leads_domain.use_cases.find_leads import FollowedUp
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Address, "email phone"),
        (CapturedAs, "lead enquiry"),
        (EnquiryOutcome, "lead_created enquiry_added"),
        (FollowUpState, "scheduled sent failed cancelled"),
        (FollowedUp, "overdue scheduled none"),
        (LeadSort, "created_at -created_at updated_at -updated_at name next_follow_up_at"),
        (OnDuplicate, "error return update"),
        (Outcome, "created updated unchanged"),
        (ProcessingOutcome, "enquiry reply opt_out bounce ignored spam needs_review"),
        (Permission, "capture read change administer"),
        (Reason, "phone name email"),
        (Recipient, "lead owner"),
        (Role, "capture read agent admin"),
        (SubmissionState, "received accepted needs_review spam ignored test discarded"),
    ],
)
def test_the_values_of_an_enumeration_are_named_like_its_members(kind: type[StrEnum], values: str) -> None:
    assert [each.value for each in kind] == values.split()
    if kind is not LeadSort:
        assert [each.name.lower() for each in kind] == values.split()


def test_an_event_type_names_its_subject_and_what_happened() -> None:
    assert [each.value for each in EventType] == [
        re.sub("^(lead|follow_up|task)_", r"\1.", each.name.lower()) for each in EventType
    ]


def test_each_order_has_its_name() -> None:
    assert {each.name: each.value for each in LeadSort} == {
        "OLDEST_FIRST": "created_at",
        "NEWEST_FIRST": "-created_at",
        "LONGEST_UNCHANGED_FIRST": "updated_at",
        "LATEST_CHANGED_FIRST": "-updated_at",
        "BY_NAME": "name",
        "NEXT_FOLLOW_UP_FIRST": "next_follow_up_at",
    }


def test_the_limits_are_those_of_the_documentation() -> None:
    assert (details.NAME_MAX, details.SOURCE_MAX, details.REASON_MAX) == (200, 100, 1000)
    assert (details.ATTRIBUTES_MAX, details.ATTRIBUTE_NAME_MAX, details.ATTRIBUTE_TEXT_MAX) == (50, 64, 1000)
    assert (details.INTEGER_MIN, details.INTEGER_MAX) == (-9223372036854775808, 9223372036854775807)
    assert (enquiry.MESSAGE_MAX, follow_up.MESSAGE_MAX, add_note.NOTE_MAX) == (10_000, 10_000, 10_000)
    assert (paging.LIMIT_DEFAULT, paging.LIMIT_MAX, follow_events.SKIP_BATCH_SIZE) == (50, 200, 1000)
    assert (find_leads.Q_MAX, find_leads.WORDS_MAX, search.WORD_MAX, search.NAME_KEY_MAX) == (200, 20, 32, 200)
    assert (manage_keys.KEY_NAME_MAX, pipeline.STATUS_MAX, spam.LINKS_MAX) == (100, 50, 5)
    assert (compute_statistics.SOURCES_MAX, similarity.SIMILAR_MAX) == (100, 20)
    assert (import_summary.UNKNOWN_STATUSES_MAX, checking.QUOTE_MAX) == (10, 50)
    assert (submission.REASON_MAX, delivery.ERROR_MAX) == (1000, 1000)
    durations = (receive_submission.REPEATED_WITHIN, delivery.DELAY_MAX, rules.DELAY_MAX)
    assert durations == (timedelta(minutes=5), timedelta(days=7), timedelta(days=3650))
    assert access.ENTROPY_BYTES == 32


def test_eight_attempts_are_made_with_waits_from_a_minute_to_six_hours() -> None:
    assert RetryPolicy() == RetryPolicy(attempts=8, first=timedelta(seconds=60), longest=timedelta(seconds=6 * 3600))
    assert [RetryPolicy().wait_after(attempt, 1) for attempt in (1, 2, 7, 8)] == [
        timedelta(seconds=60),
        timedelta(seconds=120),
        timedelta(seconds=3840),
        None,
    ]


def test_a_value_is_missing_by_default_exactly_if_it_may_be_missing() -> None:
    defaults = {
        f"{kind.__qualname__}.{field.name}": (
            field.default is None,
            NoneType in get_args(get_type_hints(kind)[field.name]),
        )
        for module in walk_packages(leads_domain.__path__, "leads_domain.")
        for kind in vars(import_module(module.name)).values()
        if isinstance(kind, type) and is_dataclass(kind)
        for field in fields(kind)
        if field.default is not MISSING
    }
    assert {name: pair for name, pair in defaults.items() if pair[0] is not pair[1]} == {}
    assert {"Lead.email": (True, True), "LeadQuery.statuses": (False, False)}.items() < defaults.items()


def test_the_texts_that_people_write_instead_of_an_address_are_no_addresses() -> None:
    texts = [
        "-",
        "--",
        "\u2013",
        "\u2014",
        "0",
        "na",
        "n/a",
        "#n/a",
        "nan",
        "nil",
        "none",
        "null",
        "(null)",
        "undefined",
    ]
    assert set(texts) == details.PLACEHOLDERS
    assert all(details.is_placeholder(f" {text.upper()}\t") for text in texts)


def test_a_person_learns_that_the_service_has_failed_on_a_submission() -> None:
    expected = "The service failed unexpectedly while it processed the submission. Accept it again, or discard it."
    assert expected == process_submission.FAILED
