"""Compare public forms, which are stored and then processed, with creating leads."""

from benchmarks.bench import Bench
from benchmarks.figures import Findings, Goal
from benchmarks.target import CREATE
from benchmarks.wrk import Load

FORM = "form"
_SETTINGS = '[forms.contact]\nrate_limit = "off"\n'
_GOAL = Goal(0.5)


def measure(bench: Bench) -> Findings:
    """Measure forms of new people and new leads in turn."""
    filled = bench.fill("intake", bench.leads)
    (filled.installation.folder / "leads.toml").write_text(_SETTINGS, "utf-8")
    with filled.serve() as (service, target):
        loads = {FORM: Load(f"{service.url}/forms/contact", {}, "form.lua"), CREATE: target.load(CREATE)}
        compared = bench.compare("intake", loads, {CREATE: _GOAL})
    created = sum(map(compared.requests_of, loads))
    bench.check_count(filled.count_leads(), filled.stored, created, len(loads))
    return compared.findings
