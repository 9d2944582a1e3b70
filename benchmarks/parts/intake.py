"""Compare enquiries and public forms, which are stored and then processed, with creating leads."""

import time

from benchmarks.bench import Bench
from benchmarks.comparison import Compared
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.target import CREATE
from benchmarks.wrk import Load

_NEW, _KNOWN = "of new people", "of known people"
_SETTINGS = '[forms.contact]\nrate_limit = "off"\n'
_GOAL = Goal(0.5)
_PROCESSING_SECONDS = 2.0
"""The time after the last response in which all submissions are processed."""


def measure(bench: Bench) -> Findings:
    """Measure new leads, and enquiries and forms of new and of known people, in turn."""
    filled = bench.fill("intake", bench.leads)
    (filled.installation.folder / "leads.toml").write_text(_SETTINGS, "utf-8")
    known = (str(filled.stored),)
    with filled.serve() as (service, target):
        enquiries, form = f"{service.url}/enquiries", f"{service.url}/forms/contact"
        new_people = {
            CREATE: target.load(CREATE),
            f"enquiry {_NEW}": Load(enquiries, target.headers, "enquiry.lua"),
            f"form {_NEW}": Load(form, {}, "form.lua"),
        }
        known_people = {
            f"enquiry {_KNOWN}": Load(enquiries, target.headers, "enquiry.lua", known),
            f"form {_KNOWN}": Load(form, {}, "form.lua", known),
        }
        compared = bench.compare("intake", new_people | known_people)
        time.sleep(_PROCESSING_SECONDS)
    created = sum(map(compared.requests_of, new_people))
    bench.check_count(filled.count_leads(), filled.stored, created, len(new_people))
    return Findings(_ratios(compared), compared.findings.rates)


def _ratios(compared: Compared) -> list[Figure]:
    others = [name for name in compared.rounds if name != CREATE]
    return [Figure(f"intake: {name} / {CREATE}", compared.ratios(name, CREATE), _GOAL) for name in others]
