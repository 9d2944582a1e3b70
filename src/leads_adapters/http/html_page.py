"""Render the HTML that all pages share."""

from html import escape


def html_page(title: str, body: str) -> str:
    """Return a page with this title and body. The body is HTML: escape its texts first."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · leads</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><nav><b>leads</b><a href="/docs">Operations</a><a href="/problems">Problems</a></nav></header>
{body}
</body>
</html>
"""
