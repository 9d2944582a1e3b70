"""Render the results of a run as Markdown tables."""

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.report import table
from benchmarks.soak.results import Check, Operation, Result


def as_markdown(results: Sequence[Result]) -> str:
    """Return tables of the checks, the faults and the operations, and the problems of failed checks."""
    databases = [result.database for result in results]
    tables = [
        table(("check", *databases), _checks(results)),
        table(("fault", *(f"{name}: times, requests that failed" for name in databases)), _faults(results)),
        table(("requests outside faults", *_operation_columns(databases)), _operations(results)),
    ]
    return "\n\n".join([*tables, *_problems(results), ""])


def _checks(results: Sequence[Result]) -> Iterator[Sequence[str]]:
    for name in _names([check.name for result in results for check in result.checks]):
        yield (name, *(_verdict(check) for result in results for check in result.checks if check.name == name))


def _verdict(check: Check) -> str:
    return f"{check.result}: FAILED" if check.problems else check.result


def _faults(results: Sequence[Result]) -> Iterator[Sequence[str]]:
    times = [Counter(fault.name for fault in result.faults) for result in results]
    for name in _names([name for counted in times for name in counted]):
        failed = [sum(fault.failed for fault in result.faults if fault.name == name) for result in results]
        yield (name, *(f"{counted[name]}, {number}" for counted, number in zip(times, failed, strict=True)))


def _operation_columns(databases: Sequence[str]) -> Iterator[str]:
    for name in databases:
        yield from (name, "p50 ms", "p99 ms")


def _operations(results: Sequence[Result]) -> Iterator[Sequence[str]]:
    by_name = [{operation.name: operation for operation in result.operations} for result in results]
    for name in _names([name for operations in by_name for name in operations]):
        cells = [cell for operations in by_name for cell in _operation(operations.get(name))]
        yield (name, *cells)


def _operation(operation: Operation | None) -> Sequence[str]:
    if operation is None:
        return ("", "", "")
    return (f"{operation.requests:,}", f"{operation.p50:.1f}", f"{operation.p99:.1f}")


def _problems(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        for check in result.checks:
            if check.problems:
                yield "\n".join([f"{result.database}: {check.name}:", *(f"- {problem}" for problem in check.problems)])


def _names(names: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(names))
