"""Compare a database of a million leads with a small one."""

import httpx

from benchmarks.bench import Bench, log
from benchmarks.figures import Findings, Goal
from benchmarks.target import PAGE, PAGE_SIZE, WORKLOADS, Target
from benchmarks.wrk import Load

_SIZE_GOAL = Goal(0.85)
_DEEP = Goal(0.9)
_LONGEST_PAGE = 200


def measure(bench: Bench) -> Findings:
    """Measure the workloads with many and with few leads. Compare the middle page of many leads with the first."""
    few, many = bench.fill("few", bench.few), bench.fill("many", bench.many)
    few_name, many_name = f"{bench.few:,} leads", f"{bench.many:,} leads"
    goals = {workload: {few_name: _SIZE_GOAL} for workload in WORKLOADS}
    with few.serve() as (_, few_target), many.serve() as (_, many_target):
        deep = [_deep_page(bench, many_target)] if PAGE in bench.workloads else []
        compared = bench.compare_targets({many_name: many_target, few_name: few_target}, goals)
    for filled, name in ((few, few_name), (many, many_name)):
        bench.check_count(filled.count_leads(), filled.stored, bench.created(compared, name))
    return Findings.merge([*deep, *(each.findings for each in compared.values())])


def _deep_page(bench: Bench, target: Target) -> Findings:
    number = bench.many // 2 // PAGE_SIZE
    log(f"Following cursors to page {number:,} ...")
    name = f"page {number:,}"
    loads = {name: Load(_page(target, number), target.headers), "page 1": target.load(PAGE)}
    return bench.compare("by cursor", loads, {"page 1": _DEEP}).findings


def _page(target: Target, number: int) -> str:
    """Return the URL of a page. Larger pages are used to reach it."""
    steps, rest = divmod((number - 1) * PAGE_SIZE, _LONGEST_PAGE)
    cursor = ""
    with httpx.Client(headers=target.headers) as client:
        for limit in [_LONGEST_PAGE] * steps + [PAGE_SIZE] * (rest // PAGE_SIZE):
            response = client.get(f"{target.leads}?limit={limit}{cursor}").raise_for_status()
            cursor = f"&cursor={response.json()['next_cursor']}"
    return target.page + cursor
