"""Compute the statistics of all leads."""

from dataclasses import dataclass

from leads_domain.pipeline import Pipeline
from leads_domain.ports import UnitOfWork
from leads_domain.sources import Clock
from leads_domain.statistics import SourceCount, Statistics
from leads_domain.use_cases.count_waiting import count_overdue_tasks

SOURCES_MAX = 100
"""The maximum number of listed sources, because clients can create any number of them."""


@dataclass(frozen=True, slots=True)
class ComputeStatistics:
    """Count all leads, enquiries, overdue follow-ups and overdue tasks. The time grows with the number of leads."""

    clock: Clock
    pipeline: Pipeline

    def __call__(self, work: UnitOfWork) -> Statistics:
        """Return the current statistics."""
        now = self.clock.now()
        by_status = work.reports.leads_by_status()
        total = sum(by_status.values())
        won = sum(by_status.get(status, 0) for status in self.pipeline.won)
        enquiries = work.reports.enquiries()
        by_source = work.reports.counts_by_source(self.pipeline.won, limit=SOURCES_MAX)
        return Statistics(
            at=now,
            total=total,
            by_status=dict.fromkeys(self.pipeline.statuses, 0) | dict(sorted(by_status.items())),
            conversions=won,
            median_time_to_first_contact=work.reports.median_time_to_first_contact(),
            overdue_follow_ups=work.reports.overdue_follow_ups(now),
            overdue_tasks=count_overdue_tasks(work, now),
            enquiries=enquiries,
            by_source=by_source,
            other_sources=SourceCount(
                None,
                total - sum(each.leads for each in by_source),
                won - sum(each.conversions for each in by_source),
                enquiries - sum(each.enquiries for each in by_source),
            ),
        )
