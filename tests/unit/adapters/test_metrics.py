"""Test the metrics and their text format for Prometheus."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from builders import NOON
from leads_adapters.metrics import Distribution, Metrics
from leads_domain.follow_up import Backlog
from leads_domain.task import TaskState
from leads_domain.use_cases.count_waiting import Waiting

PID = str(os.getpid())
Samples = Mapping[tuple[str, tuple[tuple[str, str], ...]], float]


def read(metrics: Metrics, backlog: Mapping[str, Backlog] | None = None) -> Samples:
    """Return every sample of the text by its name and labels."""
    tasks = {TaskState.OPEN: 5, TaskState.DONE: 40, TaskState.CANCELLED: 2}
    text = metrics.text(Waiting(backlog or {}, 3, tasks, 4, 5), NOON).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[name, tuple(sorted(labels.items()))]


@pytest.fixture
def metrics() -> Metrics:
    """Return the metrics of a service with two channels."""
    return Metrics("1.2.3", "sqlite", ["log", "sms"])


def test_requests_are_counted_with_their_duration_by_method_route_and_status(metrics: Metrics) -> None:
    metrics.request("GET", "/leads/{id:str}", 200, 0.002)
    metrics.request("GET", "/leads/{id:str}", 200, 0.0025)
    metrics.request("GET", "/leads/{id:str}", 200, 0.3)
    metrics.request("GET", "/leads/{id:str}", 404, 20.0)
    samples = read(metrics)
    labels = {"method": "GET", "route": "/leads/{id}", "status": "200", "pid": PID}
    name = "leads_http_request_duration_seconds"
    assert value(samples, f"{name}_count", **labels) == 3
    assert value(samples, f"{name}_sum", **labels) == pytest.approx(0.3045)
    bounds = {"0.001": 0, "0.0025": 2, "0.25": 2, "0.5": 3, "10.0": 3, "+Inf": 3}
    assert {le: value(samples, f"{name}_bucket", le=le, **labels) for le in bounds} == bounds
    missing = {**labels, "status": "404"}
    assert value(samples, f"{name}_bucket", le="10.0", **missing) == 0
    assert value(samples, f"{name}_bucket", le="+Inf", **missing) == 1


def test_requests_without_a_route_are_counted_together(metrics: Metrics) -> None:
    for _ in range(2):
        metrics.request("GET", None, 404, 0.001)
    unknown = {"method": "GET", "route": "none", "status": "404", "pid": PID}
    assert value(read(metrics), "leads_http_request_duration_seconds_count", **unknown) == 2


def test_deliveries_are_counted_by_channel_and_outcome(metrics: Metrics) -> None:
    for channel, outcome in (("log", "sent"), ("log", "sent"), ("log", "refused"), ('\n"\\é', "sent")):
        metrics.delivery(channel, outcome)
    samples = read(metrics)
    assert value(samples, "leads_deliveries_total", channel="log", outcome="sent", pid=PID) == 2
    assert value(samples, "leads_deliveries_total", channel="log", outcome="refused", pid=PID) == 1
    assert value(samples, "leads_deliveries_total", channel='\n"\\é', outcome="sent", pid=PID) == 1


def test_commits_are_counted_by_their_size(metrics: Metrics) -> None:
    assert value(read(metrics), "leads_commit_size_count", pid=PID) == 0
    for size in (1, 1, 5, 128):
        metrics.commit(size)
    samples = read(metrics)
    assert value(samples, "leads_commit_size_count", pid=PID) == 4
    assert value(samples, "leads_commit_size_sum", pid=PID) == 135
    assert value(samples, "leads_commit_size_bucket", le="1.0", pid=PID) == 2
    assert value(samples, "leads_commit_size_bucket", le="8.0", pid=PID) == 3


def test_submissions_that_need_a_review_are_reported(metrics: Metrics) -> None:
    assert value(read(metrics), "leads_submissions_needs_review") == 3
    assert value(read(metrics), "leads_digests_failed") == 5


def test_tasks_are_reported_by_state(metrics: Metrics) -> None:
    samples = read(metrics)
    assert {state: value(samples, "leads_tasks", state=state) for state in ("open", "done", "cancelled")} == {
        "open": 5,
        "done": 40,
        "cancelled": 2,
    }
    assert value(samples, "leads_tasks_overdue") == 4


def test_the_backlog_of_every_channel_is_reported(metrics: Metrics) -> None:
    late = Backlog(scheduled=7, due=3, next_attempt_at=NOON - timedelta(seconds=90))
    early = Backlog(scheduled=1, due=0, next_attempt_at=NOON + timedelta(days=1))
    samples = read(metrics, {"log": late, "gone": early})
    names = ("leads_follow_ups_scheduled", "leads_follow_ups_due", "leads_follow_ups_oldest_due_seconds")
    backlog = {channel: [value(samples, name, channel=channel) for name in names] for channel in ("log", "sms", "gone")}
    assert backlog == {"log": [7, 3, 90], "sms": [0, 0, 0], "gone": [1, 0, 0]}


def test_the_build_info_names_version_database_and_python(metrics: Metrics) -> None:
    labels = {"version": "1.2.3", "database": "sqlite", "python": sys.version.split()[0]}
    assert value(read(metrics), "leads_build_info", **labels) == 1


def test_services_in_one_process_count_separately(metrics: Metrics) -> None:
    metrics.delivery("log", "sent")
    other = Metrics("1", "sqlite", [])
    assert not [name for name, _ in read(other) if name == "leads_deliveries_total"]


@given(st.lists(st.floats(min_value=0, max_value=100)))
def test_a_value_is_counted_in_every_bucket_that_it_does_not_exceed(values: list[float]) -> None:
    distribution = Distribution((1.0, 10.0))
    for each in values:
        distribution.add(each)
    buckets, total = distribution.totals()
    expected = [sum(each <= bound for each in values) for bound in (1.0, 10.0, float("inf"))]
    assert buckets == list(zip(("1.0", "10.0", "+Inf"), expected, strict=True))
    assert total == pytest.approx(sum(values))


def test_the_library_is_imported_only_to_write_the_text() -> None:
    program = "import sys, leads_app.cli; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_size_of_the_log_is_reported_for_sqlite_only() -> None:
    assert value(read(Metrics("1.2.3", "sqlite", [], lambda: 4096)), "leads_sqlite_log_bytes") == 4096
    assert ("leads_sqlite_log_bytes", ()) not in read(Metrics("1.2.3", "postgresql", []))


def test_messages_are_counted_by_mailbox_and_outcome(metrics: Metrics) -> None:
    metrics.processed("mailbox:sales", "enquiry")
    metrics.processed("mailbox:sales", "enquiry")
    metrics.processed("mailbox:shop", "ignored")
    metrics.processed("form:contact", "enquiry")
    metrics.repeated_mail("sales", 3)
    metrics.mailbox_state("sales", True)
    metrics.mailbox_state("shop", True)
    metrics.mailbox_state("shop", False)
    samples = read(metrics)
    messages = {
        (labels["mailbox"], labels["outcome"]): number
        for (name, pairs), number in samples.items()
        if name == "leads_mail_messages_total" and (labels := dict(pairs))
    }
    assert messages == {("sales", "enquiry"): 2, ("sales", "repeated"): 3, ("shop", "ignored"): 1}
    assert value(samples, "leads_mailbox_up", mailbox="sales", pid=PID) == 1
    assert value(samples, "leads_mailbox_up", mailbox="shop", pid=PID) == 0
