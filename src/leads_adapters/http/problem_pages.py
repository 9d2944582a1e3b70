"""The pages that explain the types of problems."""

import html

from leads_adapters.http.problems import Problem


def problem_page(problem: type[Problem]) -> str:
    """Return the page that explains a type of problem to a person."""
    title, advice = html.escape(problem.title), html.escape(problem.advice)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head><body><h1>{title}</h1>"
        f"<p>Problem type <code>{problem.name}</code>, with status {problem.status_code}.</p><p>{advice}</p>"
        '<p><a href="/docs">All operations</a></p></body></html>\n'
    )
