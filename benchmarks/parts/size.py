"""What changes when a million leads are stored."""

import httpx

from benchmarks.bench import Bench, tell
from benchmarks.figures import Findings, Goal
from benchmarks.target import PAGE, PAGE_SIZE, QUESTIONS, Target
from benchmarks.wrk import Load

_SAME = Goal(0.85)
_DEEP = Goal(0.9)
_LONGEST_PAGE = 200


def measure(bench: Bench) -> Findings:
    """Measure the questions with many leads and with few; a page half-way through the many and the first one."""
    few, many = bench.filled("few", bench.few), bench.filled("many", bench.many)
    few_name, many_name = f"{bench.few:,} leads", f"{bench.many:,} leads"
    goals = {question: {few_name: _SAME} for question in QUESTIONS}
    with few.serving() as (_, asked_few), many.serving() as (_, asked_many):
        deep = [_deep_page(bench, asked_many)] if PAGE in bench.questions else []
        compared = bench.compare_targets({many_name: asked_many, few_name: asked_few}, goals)
    for filled, name in ((few, few_name), (many, many_name)):
        bench.check_kept(filled.kept(), filled.stored, bench.created(compared, name))
    return Findings.together([*deep, *(each.findings for each in compared.values())])


def _deep_page(bench: Bench, target: Target) -> Findings:
    number = bench.many // 2 // PAGE_SIZE
    tell(f"Walking to page {number:,} ...")
    name = f"page {number:,}"
    loads = {name: Load(_page(target, number), target.headers), "page 1": target.load(PAGE)}
    return bench.compare("by cursor", loads, {"page 1": _DEEP}).findings


def _page(target: Target, number: int) -> str:
    """The address of that page. The way there is gone in longer steps."""
    steps, rest = divmod((number - 1) * PAGE_SIZE, _LONGEST_PAGE)
    cursor = ""
    with httpx.Client(headers=target.headers) as client:
        for limit in [_LONGEST_PAGE] * steps + [PAGE_SIZE] * (rest // PAGE_SIZE):
            answer = client.get(f"{target.leads}?limit={limit}{cursor}").raise_for_status()
            cursor = f"&cursor={answer.json()['next_cursor']}"
    return target.page + cursor
