"""Do with the links of a message what mail providers and link scanners do."""

import re
from email.message import EmailMessage

import httpx


def one_click_url(message: EmailMessage) -> str:
    """Return the URL for one click. Fail if a provider would not offer it (RFC 8058, 3.1, and RFC 2369)."""
    [listed], [post] = message.get_all("List-Unsubscribe", []), message.get_all("List-Unsubscribe-Post", [])
    assert post == "List-Unsubscribe=One-Click"
    [url] = re.findall(r"<(https://[!-;=?-~]+)>", listed)
    return str(url)


def click(url: str, *, multipart: bool) -> httpx.Response:
    """Send one click as a provider does: without cookies, credentials and redirects (RFC 8058, 3.2)."""
    fields = {"List-Unsubscribe": "One-Click"}
    if multipart:
        return httpx.post(url, files={name: (None, value) for name, value in fields.items()}, follow_redirects=False)
    return httpx.post(url, data=fields, follow_redirects=False)


def scan(text: str, public_url: str, url: str) -> list[httpx.Response]:
    """Open all links to `public_url` in a text, as a link scanner does, at `url` in its place."""
    links = [link.replace(public_url, url) for link in re.findall(r"https?://\S+", text)]
    return [httpx.request(method, link, follow_redirects=True) for link in links for method in ("HEAD", "GET")]
