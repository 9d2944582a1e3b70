"""Render the HTML that all pages share."""

from html import escape

_NAVIGATION = '<header><nav><b>leads</b><a href="/docs">Operations</a><a href="/problems">Problems</a></nav></header>'
_STYLE = "/docs/style.css"
_ICON = '<link rel="icon" href="/docs/swagger-ui/favicon-32x32.png">'


def html_page(title: str, body: str) -> str:
    """Return a page with this title and body. The body is HTML: escape its texts first."""
    return _page(f"{title} · leads", _ICON, _STYLE, f"{_NAVIGATION}\n{body}")


def visitor_page(title: str, body: str) -> str:
    """Return a page for visitors of websites, without links to the documentation.

    Its path has two segments, such as `/forms/contact`. The link to the style is relative: a proxy may add a path.
    """
    icon = '<link rel="icon" href="data:,">'  # no icon, and no request for one
    return _page(title, icon, f"..{_STYLE}", f"<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>")


def _page(title: str, icon: str, style: str, body: str) -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
{icon}
<link rel="stylesheet" href="{style}">
</head>
<body>
{body}
</body>
</html>
"""
